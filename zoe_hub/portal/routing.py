"""Which handler answers which request, and the size of what is accepted."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

from jupyterhub.services.auth import HubOAuthCallbackHandler
from tornado.httputil import HTTPServerRequest
from tornado.web import Application, HTTPError, RequestHandler, stream_request_body

from zoe_core.protocol.rest import MAX_BODY
from zoe_hub.execution_hosts import ExecutionHosts
from zoe_hub.portal import endpoints, pages
from zoe_hub.portal.api import API_PATH, HANDLERS
from zoe_hub.portal.auth import ApiHandler
from zoe_hub.portal.context import PortalContext
from zoe_hub.portal.pages.rendering import PageHandler
from zoe_hub.refusal import Refused

log = logging.getLogger(__name__)

_THROWN_AWAY = 64_000_000
"""Bytes of a refused body that are read before the caller is told."""

_VARIABLE = re.compile(r"\{(\w+)\}")
_EXECUTION = re.compile(r"executions/([0-9]{1,18})")


class PortalApplication(Application):
    """The portal's addresses; ``context.prefix`` stands before each of them."""

    def __init__(self, context: PortalContext, **settings: Any) -> None:
        self.context = context
        super().__init__(
            list(routes(context.prefix, context.hosts)),
            zoe=context,
            default_handler_class=PageNotFound,
            cross_origin_protection=True,
            log_function=self._log,
            **settings,
        )
        self._endpoint = re.compile(context.prefix + endpoints.ENDPOINT)
        if context.hosts:
            self.add_handlers(context.hosts.pattern, list(host_routes(context.prefix)))

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """Refuse large bodies before they are read; what goes to instances is not ours to judge."""
        if not self._endpoint.fullmatch(request.path):
            found = too_large(request)
            if found is not None:
                refused, declared = found
                why = {"refused": refused, "declared": declared}
                return self.get_handler_delegate(request, Oversized, why)
        return super().find_handler(request, **kwargs)

    def _log(self, handler: RequestHandler) -> None:
        self.context.metrics.count(handler)
        request = handler.request
        log.info(  # never the query: it may hold a token
            "%s %s %s %.0f ms",
            handler.get_status(),
            request.method,
            request.path,
            1000 * request.request_time(),
            extra=_about(handler),
        )


def _about(handler: RequestHandler) -> dict[str, int]:
    """By what the line is found: the execution that it is about, also one that was just made."""
    named = getattr(handler, "path_kwargs", {}).get("execution_id", "")
    target = getattr(handler, "deed_target", None) or f"executions/{named}"
    found = _EXECUTION.fullmatch(target)
    return {"execution": int(found[1])} if found else {}


def routes(prefix: str, hosts: ExecutionHosts) -> Iterator[tuple[str, type[RequestHandler]]]:
    """The patterns of all addresses of the portal's own host."""
    for address, handler in HANDLERS.items():
        yield re.escape(prefix + API_PATH) + to_pattern(address), handler
    yield rf"{re.escape(prefix)}api(/.*)?", ApiNotFound
    yield rf"{re.escape(prefix)}oauth_callback", LoginCallback
    of_endpoints = endpoints.ROUTES_BESIDE_HOSTS if hosts else endpoints.ROUTES
    for pattern, handler in [*of_endpoints, *pages.ROUTES]:
        yield re.escape(prefix) + pattern, handler


def host_routes(prefix: str) -> Iterator[tuple[str, type[RequestHandler]]]:
    """The patterns of all addresses of the host of an execution."""
    for pattern, handler in endpoints.HOST_ROUTES:
        yield re.escape(prefix) + pattern, handler
    yield ".*", endpoints.NotServedHere


def to_pattern(address: str) -> str:
    """From ``/zapps/{slug}``, as OpenAPI writes it, to a pattern with named groups."""
    return _VARIABLE.sub(r"(?P<\1>[^/]+)", address.replace(".", r"\."))


class ApiNotFound(ApiHandler):
    """Whatever REST does not have."""

    async def prepare(self) -> None:
        """Nobody needs to log in to be told that there is nothing."""
        raise HTTPError(404)


class PageNotFound(PageHandler):
    """Whatever the portal does not have."""

    async def prepare(self) -> None:
        """Nobody needs to log in to be told that there is nothing."""
        raise HTTPError(404)


class LoginCallback(PageHandler, HubOAuthCallbackHandler):
    """Where the Hub sends a browser back to, after the login."""

    async def prepare(self) -> None:
        """A browser that is logged in already, in another tab, is sent on."""
        self.current_user = await self.ask_hub()

    get = HubOAuthCallbackHandler.get


@stream_request_body
class Oversized(ApiHandler):
    """A request whose body is too large, or of unknown size.

    Few clients look for an answer while they still send, so the body is read and thrown away first,
    up to a limit.
    """

    def initialize(self, refused: Refused, declared: int) -> None:
        """Remember why, and how many bytes will come."""
        self._refused = refused
        self._declared = declared

    async def prepare(self) -> None:
        """Answer at once, and close the connection, where reading it all would take too long."""
        if self._declared > _THROWN_AWAY:
            raise self._refused
        self.request.connection.set_max_body_size(_THROWN_AWAY)  # type: ignore[union-attr]

    def data_received(self, chunk: bytes) -> None:
        """Throw it away."""

    def refuse(self, *_: str, **__: str) -> None:
        """Say why."""
        raise self._refused

    get = head = post = put = patch = delete = options = refuse


def too_large(request: HTTPServerRequest) -> tuple[Refused, int] | None:
    """Why a body is not accepted, with the size it declares in bytes; None when it is."""
    limit = f"{MAX_BODY // 1_000_000} MB"
    if "Transfer-Encoding" in request.headers:
        detail = f"Send a Content-Length; the body may have at most {limit}."
        return Refused(411, "How long is it?", detail), 0
    length = request.headers.get("Content-Length", "0")
    if not length.isdigit() or int(length) <= MAX_BODY:
        return None
    return Refused(413, "Too large", f"The body may have at most {limit}."), int(length)
