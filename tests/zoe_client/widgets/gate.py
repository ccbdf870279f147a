"""A way to the portal that a test can close, for all or some requests."""

from __future__ import annotations

import re

import httpx

from zoe_core.protocol.rest import ProblemDocument


class Gate(httpx.AsyncBaseTransport):
    """The network, but for what a test takes away. Requests match by ``METHOD /path``."""

    def __init__(self) -> None:
        self._network = httpx.AsyncHTTPTransport()
        self.away: re.Pattern[str] | None = None
        """Requests whose connection is refused."""
        self.busy: re.Pattern[str] | None = None
        """Requests to which the portal says that the scheduler is away."""
        self.unheard: re.Pattern[str] | None = None
        """Requests that do what they ask for, and whose answer is replaced by somebody else's."""
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it, unless it may not."""
        line = f"{request.method} {request.url.path}"
        self.asked.append(line)
        if self.away and self.away.search(line):
            raise httpx.ConnectError("All connection attempts failed", request=request)
        if self.busy and self.busy.search(line):
            problem = ProblemDocument(title="Busy", status=503, detail="The scheduler is away.")
            return httpx.Response(503, content=problem.model_dump_json())
        answer = await self._network.handle_async_request(request)
        if self.unheard and self.unheard.search(line):
            await answer.aclose()
            return httpx.Response(200, text="a proxy's page")
        return answer

    async def aclose(self) -> None:
        """Close the network."""
        await self._network.aclose()
