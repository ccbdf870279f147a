"""The proxy of endpoints: streams both ways, and speaks websockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp
from jupyterhub.utils import get_browser_protocol
from tornado.httputil import HTTPHeaders
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, decode_signed_value, stream_request_body
from tornado.websocket import WebSocketClosedError, WebSocketHandler
from yarl import URL

from zoe_core.protocol.rest import ProblemDocument
from zoe_hub.portal.auth import PortalHandler, Visitor
from zoe_hub.portal.endpoints.headers import (
    Visit,
    decode_xsrf,
    request_headers,
    response_headers,
    without_token,
)
from zoe_hub.portal.endpoints.target import HubServer, Target, find_target
from zoe_hub.portal.pages.rendering import PageHandler
from zoe_hub.portal.reviews import until_revoked
from zoe_hub.refusal import Refused

_NO_LIMIT = 2**62
_POLICY_VIOLATION = 1008  # RFC 6455, 7.4.1
_CHUNKS = 8
"""Pieces of a request's body that wait for the instance before the browser has to."""


@stream_request_body
class EndpointProxy(PageHandler, WebSocketHandler):
    """``/executions/{id}/endpoints/{instance}/{port}/…``."""

    target: Target
    _upstream: asyncio.Task[aiohttp.ClientResponse] | None = None
    _socket: aiohttp.ClientWebSocketResponse | None = None
    _pump: asyncio.Task[None] | None = None
    _closing: asyncio.Task[bool] | None = None  # of the instance's side
    _review: asyncio.Task[None] | None = None

    async def prepare(self) -> None:
        """Find the instance, and begin to pass the request on while its body still arrives."""
        self.request.connection.set_max_body_size(_NO_LIMIT)  # type: ignore[union-attr]
        self.request.connection.set_body_timeout(_NO_LIMIT)  # type: ignore[union-attr]
        await super().prepare()
        if self._finished:
            return
        found = await self._find()
        if self._finished:
            return
        assert found is not None
        self.target = found
        self._body: asyncio.Queue[bytes | None] = asyncio.Queue(_CHUNKS)
        self._review = asyncio.ensure_future(self._cut_off_when_revoked())
        if not self._wants_websocket():
            self._upstream = asyncio.ensure_future(self._request())
            self._upstream.add_done_callback(_mark_seen)

    def check_xsrf_cookie(self) -> None:
        """Instances do not know the Hub's XSRF token, so the sender is checked instead.

        Tornado has compared ``Sec-Fetch-Site`` or ``Origin`` with our host already, for all
        methods that change something (``cross_origin_protection``) and for websockets. What is
        left are requests that another site makes a browser send to read.
        """
        if self.request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
            raise HTTPError(403, "Another site may not use your endpoints.")

    def stranger_refused(self) -> Refused:
        """Say it was the other site, not a form."""
        refused = super().stranger_refused()
        if refused.status != 403:
            return refused
        return Refused(403, "Not from there", "Another site may not use your endpoints.")

    async def data_received(self, chunk: bytes) -> None:
        """Hand a piece of the body on; the browser waits while the instance is slow."""
        await self._hand_on(chunk)

    async def get(self, **_: str) -> None:
        """Pass on a request, or open a websocket."""
        if self._wants_websocket():
            await self._open_socket()
        else:
            await self._proxy()

    async def _proxy(self, **_: str) -> None:
        assert self._upstream is not None
        await self._hand_on(None)
        try:
            response = await self._upstream
        except asyncio.CancelledError:
            if not self._upstream.cancelled():
                raise
            return  # the browser has left
        try:
            await self._answer(response)
        except (aiohttp.ClientError, TimeoutError):
            # The status was sent: only a broken connection can say that the rest is missing.
            self.request.connection.close()  # type: ignore[union-attr]
        except StreamClosedError:
            pass  # the browser has left
        finally:
            response.close()

    head = post = put = patch = delete = options = _proxy

    async def _cut_off_when_revoked(self) -> None:
        await until_revoked(self, self.context.reviews)
        if self.ws_connection is not None:
            self.close(_POLICY_VIOLATION)
            self._close_instance(_POLICY_VIOLATION)  # the browser may take its time to close
        else:
            self.request.connection.close()  # type: ignore[union-attr]

    def may_go_on(self, visitor: Visitor) -> bool:
        """Whoever may not open it any more may not have it open either."""
        return super().may_go_on(visitor) and self.may_open(visitor, self.shown_of or "")

    def may_open(self, visitor: Visitor, owner: str) -> bool:
        """Only the owner: under the Hub's own origin, what is shown could act as the visitor."""
        return visitor.name == owner

    def on_finish(self) -> None:
        """The answer was sent; a websocket is open from now on."""
        if self._review is not None and self.ws_connection is None:
            self._review.cancel()

    # --- HTTP ---

    async def _find(self) -> Target | None:
        """The target of this request; None when the answer has been given."""
        record = await self.find_execution(int(self.path_kwargs["execution_id"]))
        if not self.may_open(self.visitor, record.user):
            raise Refused(
                403, "Not yours", f"Only {record.user} may open the pages of this execution."
            )
        found = await self.context.run(
            find_target,
            self.context.database,
            self.context.prefix,
            record,
            self.path_kwargs["instance"],
            int(self.path_kwargs["port"]),
        )
        if isinstance(found, HubServer):
            path = self.context.views.server_url(found.user, found.name)
            self.redirect(self.context.hosts.main + path)
            return None
        if not self.request.path.startswith(found.path):  # the slash at its end is missing
            query = f"?{self.request.query}" if self.request.query else ""
            self.redirect(found.path + query)
            return None
        return found

    async def _request(self) -> aiohttp.ClientResponse:
        try:
            return await self._session.request(
                self.request.method or "GET",
                self._url(),
                headers=self._headers_for_instance(),
                data=self._arriving_body() if self._has_body() else None,
                allow_redirects=False,
                ssl=False,  # instances have certificates of their own making, if any
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreachable() from error

    async def _answer(self, response: aiohttp.ClientResponse) -> None:
        self._headers = HTTPHeaders()  # the instance's instead of those of our own pages
        self.set_status(response.status, response.reason)
        for name, value in response_headers(response.headers.items(), self._visit(), self.target):
            self.add_header(name, value)
        async for chunk in response.content.iter_any():
            self.write(chunk)
            await self.flush()
        self.finish()

    async def _hand_on(self, chunk: bytes | None) -> None:
        if self._upstream is None:
            return
        putting = asyncio.ensure_future(self._body.put(chunk))
        await asyncio.wait({putting, self._upstream}, return_when=asyncio.FIRST_COMPLETED)
        putting.cancel()  # the instance has answered without reading on

    async def _arriving_body(self) -> AsyncIterator[bytes]:
        while (chunk := await self._body.get()) is not None:
            yield chunk

    def _has_body(self) -> bool:
        headers = self.request.headers
        return "Transfer-Encoding" in headers or headers.get("Content-Length", "0") != "0"

    # --- websockets ---

    async def _open_socket(self) -> None:
        """Connect to the instance first: it chooses the subprotocol."""
        asked = self.request.headers.get("Sec-WebSocket-Protocol", "")
        try:
            self._socket = await self._session.ws_connect(
                self._url(),
                headers=self._headers_for_instance(),
                protocols=[each.strip() for each in asked.split(",") if each.strip()],
                max_msg_size=self.max_message_size,
                ssl=False,
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreachable() from error
        try:
            await WebSocketHandler.get(self)
        finally:
            if self._pump is None:  # it was never opened: nobody else closes the instance's side
                await self._socket.close()

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """What the instance has chosen."""
        return self._socket.protocol if self._socket else None

    def open(self, *_: str, **__: str) -> None:
        """Both sides are there."""
        self._pump = asyncio.ensure_future(self._pass_back())

    async def on_message(self, message: str | bytes) -> None:
        """From the browser to the instance."""
        assert self._socket is not None
        if self._closing is not None:
            return
        with contextlib.suppress(ConnectionError):  # it is closing: _pass_back says so
            if isinstance(message, bytes):
                await self._socket.send_bytes(message)
            else:
                await self._socket.send_str(message)

    async def _pass_back(self) -> None:
        assert self._socket is not None
        with contextlib.suppress(WebSocketClosedError):
            async for message in self._socket:
                if message.type is aiohttp.WSMsgType.ERROR:
                    break  # too large a message, or none at all: the close code says which
                await self.write_message(
                    message.data, binary=message.type is aiohttp.WSMsgType.BINARY
                )
        self.close(_sendable(self._socket.close_code))

    def on_close(self) -> None:
        """The browser has left."""
        if self._review is not None:
            self._review.cancel()
        self._close_instance(_sendable(self.close_code) or 1001)

    def _close_instance(self, code: int) -> None:
        """From now on nothing is passed on, in neither direction."""
        if self._pump is not None:
            self._pump.cancel()
        if self._socket is not None and self._closing is None:
            self._closing = asyncio.ensure_future(self._socket.close(code=code))

    def on_connection_close(self) -> None:
        """The browser has left, in whatever state the request is."""
        if self._review is not None:
            self._review.cancel()
        if self._upstream is not None and not self._upstream.done():
            self._upstream.cancel()
        super().on_connection_close()

    # --- both ---

    @property
    def _session(self) -> aiohttp.ClientSession:
        session: aiohttp.ClientSession = self.settings["endpoint_session"]
        return session

    def _wants_websocket(self) -> bool:
        asked = self.request.headers.get("Upgrade", "").lower()
        return self.request.method == "GET" and asked == "websocket"

    def _visit(self) -> Visit:
        return Visit(
            protocol=get_browser_protocol(self.request),
            host=self.request.host,
            remote_ip=self.request.remote_ip or "",
        )

    def _url(self) -> URL:
        rest = self.request.path.removeprefix(self.target.path)
        query = without_token(self.request.query, self.sent_token())
        return URL(self.target.url(rest, query), encoded=True)

    def _headers_for_instance(self) -> list[tuple[str, str]]:
        return request_headers(
            self.request.headers.get_all(), self._visit(), self.target, self._is_our_xsrf
        )

    def _is_our_xsrf(self, value: str) -> bool:
        signed = decode_xsrf(value)
        secret = self.settings["cookie_secret"]
        return signed is not None and decode_signed_value(secret, "_xsrf", signed) is not None

    def _unreachable(self) -> Refused:
        instance, port = self.path_kwargs["instance"], self.path_kwargs["port"]
        return Refused(
            502,
            "It does not answer",
            f"{instance} runs, but nothing answers on its port {port}. It may still be starting: "
            "try again in a moment, and look at its log.",
        )

    def write_problem(self, problem: ProblemDocument) -> None:
        """A page for people, a document for scripts."""
        if "text/html" in self.request.headers.get("Accept", ""):
            super().write_problem(problem)
        else:
            PortalHandler.write_problem(self, problem)


def _mark_seen(request: asyncio.Task[aiohttp.ClientResponse]) -> None:
    """A failure is no news for the log when the browser has left before it could be told."""
    if not request.cancelled():
        request.exception()


def _sendable(code: int | None) -> int | None:
    """A close code that may be sent: some only describe what happened (RFC 6455, 7.4.1)."""
    return None if code in (1004, 1005, 1006, 1015) else code
