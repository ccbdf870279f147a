"""Where Zoe is and which token to use, from arguments or the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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

    JupyterHub tells each of its servers a token and where the Hub is. Raises NoSettings.
    """
    found_url = url or environment.get("ZOE_URL") or _url_of_hub(environment)
    if not found_url:
        raise NoSettings(
            "It is not known where Zoe is: give url, or set ZOE_URL, such as "
            "https://hub.example.org/services/zoe/"
        )
    if urlsplit(found_url).scheme not in ("http", "https"):
        raise NoSettings(f"The address of Zoe is {found_url!r}: it must begin with http or https")
    found_token = token or environment.get("ZOE_TOKEN") or environment.get("JUPYTERHUB_API_TOKEN")
    if not found_token:
        raise NoSettings(
            "There is no token: give token, or set ZOE_TOKEN to a token of JupyterHub (the page "
            "Token of the Hub makes them)"
        )
    return Settings(found_url.rstrip("/") + "/", found_token)


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
