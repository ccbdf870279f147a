"""The websocket by which the pages of a Jupyter server hear of its end, and ask for more time.

A websocket, not server-sent events: a browser opens six connections for those at most, and each
page of a notebook would hold one of them.
"""

from __future__ import annotations

import json
from typing import Any

from jupyter_server.auth.decorator import ws_authenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from zoe_client import ZoeError
from zoe_client.jupyter.follower import Follower


class Warnings(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """Sends notices as JSON; after a wish that failed also ``{"failed": why}``.

    A page that wants the server to go on sends ``{"stay": limit}``: the runtime limit that the
    notice offered which its reader saw, null when that was about idleness.
    """

    def initialize(self, follower: Follower) -> None:
        """Called by Tornado for each page."""
        super().initialize()
        self._follower = follower

    def set_default_headers(self) -> None:
        """Those of a page make no sense here."""

    @ws_authenticated
    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Become a websocket."""
        await super().get(*args, **kwargs)

    def open(self, *args: str, **kwargs: str) -> None:
        """The page is there."""
        super().open(*args, **kwargs)
        self._follower.join(self._send)

    async def on_message(self, message: str | bytes) -> None:
        """The page asks for something."""
        try:
            wish = json.loads(message)
        except ValueError:
            return
        match wish:
            case {"stay": None | int() as limit}:
                await self._stay(limit)

    async def _stay(self, runtime_limit: int | None) -> None:
        try:
            await self._follower.stay(runtime_limit)
        except ZoeError as error:
            self._send({"failed": str(error)})

    def on_close(self) -> None:
        """The page has gone."""
        self._follower.leave(self._send)

    def _send(self, document: dict[str, Any]) -> None:
        try:
            self.write_message(json.dumps(document))
        except WebSocketClosedError:
            self._follower.leave(self._send)
