"""Calls of JupyterHub's REST interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp

from zoe_core.names import shorten
from zoe_hub.outgoing import connector
from zoe_hub.portal.problems import HubAway


@dataclass(frozen=True, slots=True)
class HubReply:
    """What the Hub answered; ``document`` is None when that was no JSON."""

    status: int
    document: Any

    @property
    def message(self) -> str:
        """What it says in words when it refuses, if it says anything."""
        said = self.document.get("message") if isinstance(self.document, dict) else None
        return shorten(str(said), 300) if said else ""


class HubRest:
    """The interface at ``api_url``; the Hub has ``patience`` seconds for an answer."""

    def __init__(self, api_url: str, *, patience: float = 15.0) -> None:
        self.api_url = api_url.rstrip("/")
        self.patience = patience

    async def call(
        self, method: str, path: str, token: str, body: dict[str, Any] | None = None
    ) -> HubReply:
        """Whatever the Hub answers; raises HubAway when it does not."""
        headers = {"Authorization": f"token {token}"}
        timeout = aiohttp.ClientTimeout(total=self.patience)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, connector=connector()) as session,
                session.request(method, self.api_url + path, json=body, headers=headers) as reply,
            ):
                return HubReply(reply.status, await _json(reply))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise HubAway(str(error) or type(error).__name__) from error


def user_path(user: str) -> str:
    """Where a user is."""
    return f"/users/{quote(user, safe='')}"


def server_path(user: str, server_name: str) -> str:
    """Where a server of a user is; the default one has no name."""
    ending = f"/servers/{quote(server_name, safe='')}" if server_name else "/server"
    return user_path(user) + ending


async def _json(reply: aiohttp.ClientResponse) -> Any:
    try:
        return await reply.json(content_type=None)
    except ValueError:
        return None
