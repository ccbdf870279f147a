"""A cheap load generator for ``POST /executions``: HTTP/1.1 by hand, one connection a client.

A process of its own. Reads ``{"host", "port", "path", "token", "body", "clients", "seconds"}`` as
JSON from standard input, writes ``{"seconds", "latencies"}``, both in seconds. Ends with an error
at the first answer that is not a 201.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from typing import Any
from uuid import uuid4

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


async def submit_until(order: dict[str, Any], end: float, latencies: list[float]) -> None:
    """One client: it sends the next request as soon as the last one is answered."""
    reader, writer = await asyncio.open_connection(order["host"], order["port"])
    body = json.dumps(order["body"]).encode()
    head = (
        f"POST {order['path']} HTTP/1.1\r\nHost: {order['host']}:{order['port']}\r\n"
        f"Authorization: token {order['token']}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nIdempotency-Key: "
    ).encode()
    while (began := time.perf_counter()) < end:
        # Each with a key, as zoe_client sends them.
        writer.write(head + uuid4().hex.encode() + b"\r\n\r\n" + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(answer)
        content = await reader.readexactly(int(length[1]) if length else 0)
        latencies.append(time.perf_counter() - began)
        if not answer.startswith(b"HTTP/1.1 201 "):
            sys.exit(f"{answer.decode()}{content.decode()}")
    writer.close()


async def run(order: dict[str, Any]) -> dict[str, Any]:
    """Run all clients until the time is over."""
    latencies: list[float] = []
    began = time.perf_counter()
    clients = (
        submit_until(order, began + order["seconds"], latencies) for _ in range(order["clients"])
    )
    await asyncio.gather(*clients)
    return {"seconds": time.perf_counter() - began, "latencies": latencies}


if __name__ == "__main__":
    json.dump(asyncio.run(run(json.load(sys.stdin))), sys.stdout)
