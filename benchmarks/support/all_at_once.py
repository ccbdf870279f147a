"""Sends many requests without bodies at the same moment, each on a connection of its own.

A process of its own. Reads ``{"url", "token", "method", "paths"}`` as JSON from standard input,
writes a list of ``{"status", "seconds", "text"}``, in the order of the paths.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import aiohttp

PATIENCE = 120.0
"""Seconds for an answer."""


async def run(order: dict[str, Any]) -> list[dict[str, Any]]:
    """Send them, and return what was answered; a request without an answer has status 0."""
    headers = {"Authorization": f"token {order['token']}"}
    async with aiohttp.ClientSession(
        headers=headers,
        connector=aiohttp.TCPConnector(limit=0, resolver=aiohttp.ThreadedResolver()),
        timeout=aiohttp.ClientTimeout(total=PATIENCE),
    ) as session:

        async def send(path: str) -> dict[str, Any]:
            began = time.perf_counter()
            try:
                async with session.request(order["method"], order["url"] + path) as answer:
                    status, text = answer.status, await answer.text()
            except (aiohttp.ClientError, TimeoutError) as error:
                status, text = 0, repr(error)
            return {"status": status, "seconds": time.perf_counter() - began, "text": text}

        return list(await asyncio.gather(*map(send, order["paths"])))


if __name__ == "__main__":
    json.dump(asyncio.run(run(json.load(sys.stdin))), sys.stdout)
