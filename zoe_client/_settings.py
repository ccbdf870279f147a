"""Where Zoe is and which token to use: arguments, the environment, or what was saved by a login."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from zoe_client._errors import NoSettings

SERVICE = "services/zoe/"


@dataclass(frozen=True, slots=True)
class Settings:
    """``url`` is where the portal's pages begin, with a slash at its end."""

    url: str
    token: str = field(repr=False)


def find_settings(url: str | None, token: str | None, environment: Mapping[str, str]) -> Settings:
    """Take the arguments first, then ``ZOE_URL`` and ``ZOE_TOKEN``, then what a notebook knows.

    JupyterHub tells each of its servers a token and where the Hub is. At last comes what
    ``save_settings`` has kept. Both these tokens are only for where they are from. Raises
    NoSettings.
    """
    found_url = url or environment.get("ZOE_URL") or _url_of_hub(environment)
    found_token = token or environment.get("ZOE_TOKEN") or _token_of_hub(found_url, environment)
    if not (found_url and found_token):
        kept_url, kept_token = _kept(config_file(environment))
        found_url = found_url or kept_url
        if not found_token and found_url and kept_url and _same(found_url, kept_url):
            found_token = kept_token
    if not found_url:
        raise NoSettings(
            "It is not known where Zoe is: give url, or set ZOE_URL, such as "
            "https://hub.example.org/services/zoe/, or log in with: zoe login"
        )
    check_url(found_url)
    found_token = (found_token or "").strip()  # as in a file that ends with a newline
    if not found_token:
        raise NoSettings(
            f"There is no token for {found_url}: give token, or set ZOE_TOKEN to a token of "
            "JupyterHub (the page Token of the Hub makes them), or log in with: zoe login"
        )
    if not (found_token.isascii() and found_token.isprintable()):
        raise NoSettings("The token has characters that no token of JupyterHub has: copy it again")
    return Settings(found_url.rstrip("/") + "/", found_token)


def save_settings(url: str, token: str, environment: Mapping[str, str] = os.environ) -> Path:
    """Keep them for later, readable by this person alone; returns the file. Raises OSError."""
    file = config_file(environment)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    written = file.with_suffix(".new")
    written.unlink(missing_ok=True)
    with open(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
        json.dump({"url": url, "token": token}, new)
    return written.replace(file)


def config_file(environment: Mapping[str, str]) -> Path:
    """``~/.config/zoe/config.json``, or where ``XDG_CONFIG_HOME`` says."""
    base = environment.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "zoe" / "config.json"


def check_url(url: str) -> None:
    """Raise NoSettings for what is no address of a portal."""
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # also of a port that is none
        right = False
    if not right:
        raise NoSettings(
            f"The address of Zoe is {url!r}: it must be such as "
            "https://hub.example.org/services/zoe/"
        )


def _kept(file: Path) -> tuple[str | None, str | None]:
    try:
        found = json.loads(file.read_text())
        return str(found["url"]), str(found["token"])
    except FileNotFoundError:
        return None, None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoSettings(f"{file} cannot be used: {error}. Write it anew with: zoe login") from None


def _same(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/")


def _token_of_hub(url: str | None, environment: Mapping[str, str]) -> str | None:
    """The token of the server that this is, unless the address leads away from its Hub."""
    own = (environment.get("ZOE_URL"), _url_of_hub(environment))
    if url is None or _origin(url) in {_origin(each) for each in own if each}:
        return environment.get("JUPYTERHUB_API_TOKEN")
    return None


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", url
    return parts.scheme, parts.netloc


def _url_of_hub(environment: Mapping[str, str]) -> str | None:
    """The portal beside the Hub whose server this is.

    The public address is the best; else the host, when the Hub has several; else the address of the
    Hub's own REST interface, which serves where one proxy leads to all.
    """
    public = environment.get("JUPYTERHUB_PUBLIC_HUB_URL")
    if public:
        return public.rstrip("/").removesuffix("hub") + SERVICE
    base = environment.get("JUPYTERHUB_BASE_URL", "/")
    host = environment.get("JUPYTERHUB_HOST")
    if not host and (api := environment.get("JUPYTERHUB_API_URL")):
        parts = urlsplit(api)
        host = f"{parts.scheme}://{parts.netloc}"
    return f"{host}{base}{SERVICE}" if host else None
