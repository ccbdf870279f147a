"""What passes between a browser and an instance, and what does not. Pure functions."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from zoe_hub.portal.endpoints.target import Target

Pairs = Iterable[tuple[str, str]]

# RFC 9110, section 7.6.1: they speak of one connection, not of the message.
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# The client library writes these itself when it opens a websocket.
_WEBSOCKET = frozenset(
    {
        "sec-websocket-accept",
        "sec-websocket-extensions",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
    }
)
_OURS = frozenset({"authorization", "cookie", "forwarded", "x-real-ip", "x-scheme"})
_XSRF = frozenset({"x-xsrftoken", "x-csrftoken"})  # ours, or the application's own
# They speak for the whole origin, which is the Hub's.
_FOR_THE_ORIGIN = frozenset(
    {
        "alt-svc",
        "clear-site-data",
        "public-key-pins",
        "service-worker-allowed",
        "set-cookie2",
        "strict-transport-security",
    }
)
_HUB_COOKIES = ("jupyterhub-", "service-", "__host-", "__secure-")

FRAME_POLICY = "frame-ancestors 'self'"
"""Sent beside an instance's own content policy: browsers apply both."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What the instance may know of the browser's request: protocol, host and address."""

    protocol: str
    host: str
    remote_ip: str


def request_headers(
    headers: Pairs, visit: Visit, target: Target, is_our_xsrf: Callable[[str], bool]
) -> list[tuple[str, str]]:
    """The headers for the instance.

    The host stays the browser's, because applications compare it with ``Origin``. Whatever the
    browser said in ``X-Forwarded-*`` is replaced: only this proxy knows. ``Authorization`` never
    passes: it may hold a token of the Hub.
    """
    received = list(headers)
    dropped = _HOP_BY_HOP | _WEBSOCKET | _OURS | _named_in_connection(received)
    kept = [
        (name, value)
        for name, value in received
        if name.lower() not in dropped
        and not name.lower().startswith("x-forwarded-")
        and not (name.lower() in _XSRF and is_our_xsrf(value))
    ]
    cookies = _own_cookies(received, is_our_xsrf)
    if cookies:
        kept.append(("Cookie", cookies))
    return [
        *kept,
        ("X-Forwarded-For", visit.remote_ip),
        ("X-Forwarded-Proto", visit.protocol),
        ("X-Forwarded-Host", visit.host),
        ("X-Forwarded-Prefix", target.path.rstrip("/")),
    ]


def response_headers(headers: Pairs, visit: Visit, target: Target) -> Iterator[tuple[str, str]]:
    """The headers for the browser."""
    received = list(headers)
    dropped = _HOP_BY_HOP | _FOR_THE_ORIGIN | _named_in_connection(received)
    for name, value in received:
        lower = name.lower()
        if lower in dropped:
            continue
        if lower == "set-cookie":
            if cookie := confine_cookie(value, target):
                yield name, cookie
        elif lower in ("location", "content-location"):
            yield name, rewrite_location(value, visit, target)
        else:
            yield name, value
    yield "Content-Security-Policy", FRAME_POLICY


def rewrite_location(location: str, visit: Visit, target: Target) -> str:
    """An address on the instance becomes one below the endpoint; all others stay as they are."""
    parts = urlsplit(location)
    if parts.netloc and parts.netloc not in (target.netloc, visit.host):
        return location
    if parts.scheme and parts.scheme not in ("http", "https"):
        return location
    if not parts.netloc and not parts.path.startswith("/"):
        return location  # relative to where the browser is
    return parts._replace(scheme="", netloc="", path=_below(parts.path or "/", target)).geturl()


def confine_cookie(cookie: str, target: Target) -> str | None:
    """A ``Set-Cookie`` that is sent back to this endpoint only; None when it must not be set."""
    pair, *attributes = (part.strip() for part in cookie.split(";"))
    if is_hub_cookie(pair.partition("=")[0]):
        return None
    path = "/"
    kept = []
    for attribute in attributes:
        name, _, value = attribute.partition("=")
        if name.strip().lower() == "path":
            path = value.strip() if value.strip().startswith("/") else "/"
        elif name.strip().lower() != "domain":
            kept.append(attribute)
    return "; ".join([pair, *kept, f"Path={_below(path, target)}"])


def is_hub_cookie(name: str) -> bool:
    """Whether a cookie of this name belongs to JupyterHub, or claims to be for the whole host."""
    return name.strip().lower().startswith(_HUB_COOKIES)


def without_token(query: str, token: str | None) -> str:
    """The query without the Hub's token, which websockets may carry there."""
    if not token:
        return query
    return "&".join(part for part in query.split("&") if part != f"token={token}")


def decode_xsrf(value: str) -> bytes | None:
    """The signed value inside the Hub's ``_xsrf`` cookie; None when it is no such cookie."""
    try:
        return urlsafe_b64decode(value.strip('"').encode("ascii") + b"=" * (-len(value) % 4))
    except ValueError:
        return None


def _below(path: str, target: Target) -> str:
    """Put a path of the instance below the endpoint, unless the application did so itself."""
    if path.startswith(target.path) or f"{path}/" == target.path:
        return path
    return target.path + path.lstrip("/")


def _named_in_connection(headers: Pairs) -> frozenset[str]:
    return frozenset(
        name.strip().lower()
        for header, value in headers
        if header.lower() == "connection"
        for name in value.split(",")
    )


def _own_cookies(headers: Pairs, is_our_xsrf: Callable[[str], bool]) -> str:
    """The cookies of the instance: not the Hub's, and not the portal's own ``_xsrf``."""
    kept = []
    for header, value in headers:
        if header.lower() != "cookie":
            continue
        for pair in value.split(";"):
            name, _, content = pair.strip().partition("=")
            ours = is_hub_cookie(name) or (name == "_xsrf" and is_our_xsrf(content))
            if name and not ours:
                kept.append(pair.strip())
    return "; ".join(kept)
