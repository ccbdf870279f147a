"""Many people at the portal: each has her event stream open, and together they launch by the clock.

A process of its own. Reads an order as JSON from standard input::

    {"url": "http://127.0.0.1:8000", "api": "/services/zoe/api/v1", "tokens": ["…"], "body": {…},
     "rate": 50, "seconds": 60, "streams": true}

and writes what came of it, see ``Found``. A launch is due by the clock, whether or not the last one
was answered; its latency counts from then. Whose token launches goes round. With streams it ends
once each of them has told of the end of all launches of its person, or after ``PATIENCE``.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import aiohttp

PATIENCE = 60.0
"""Seconds for streams to begin, and to tell everything at the end."""

OPENED_AT_ONCE = 20
SHOWN = 5
"""Problems that are told in words; the others are only counted."""


@dataclass
class Found:
    """``latencies`` of launches and ``delays`` from an event to its reader are in seconds.

    ``untold`` are launches whose end was not told by the stream of their person; ``problems`` are
    launches that were refused, executions that failed, and streams that broke.
    """

    latencies: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    launched: int = 0
    events: int = 0
    untold: int = 0
    problems: int = 0
    examples: list[str] = field(default_factory=list)

    def problem(self, text: str) -> None:
        """Count one, and keep the first in words."""
        self.problems += 1
        if len(self.examples) < SHOWN:
            self.examples.append(text)


class Person:
    """Somebody with a token: she launches, and reads her stream."""

    def __init__(
        self, session: aiohttp.ClientSession, order: dict[str, Any], token: str, found: Found
    ) -> None:
        self._session = session
        self._api = f"{order['url']}{order['api']}"
        self._body = json.dumps(order["body"]).encode()
        self._headers = {"Authorization": f"token {token}"}
        self._found = found
        self.connected = asyncio.Event()
        self.launched: set[int] = set()
        self.ended: set[int] = set()

    async def launch(self, due: float) -> None:
        """Launch once; ``due`` is by ``time.perf_counter``."""
        headers = {
            **self._headers,
            "Content-Type": "application/json",
            "Idempotency-Key": uuid4().hex,  # as zoe_client sends them
        }
        url = f"{self._api}/executions"
        try:
            async with self._session.post(url, data=self._body, headers=headers) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            self._found.problem(f"no answer to a launch: {error!r}")
            return
        if answer.status != 201:
            self._found.problem(f"a launch: {answer.status} {content[:300].decode()}")
            return
        self._found.latencies.append(time.perf_counter() - due)
        self._found.launched += 1
        self.launched.add(json.loads(content)["id"])

    async def follow(self) -> None:
        """Read the stream until this is cancelled."""
        try:
            async with self._session.get(f"{self._api}/events", headers=self._headers) as answer:
                if answer.status != 200:
                    self._found.problem(f"a stream: {answer.status} {await answer.text()}")
                    return
                async for kind, data in _events(answer.content):
                    self._take_in(kind, data)
                self._found.problem("a stream ended")
        except (aiohttp.ClientError, TimeoutError) as error:
            self._found.problem(f"a stream broke: {error!r}")

    def _take_in(self, kind: str, data: dict[str, Any]) -> None:
        if kind == "connected":
            self.connected.set()
        elif kind == "execution":
            if data["status"] == "error":
                self._found.problem(f"execution {data['id']}: {data['reason']}")
            if data["status"] in ("terminated", "error"):
                self.ended.add(data["id"])
        elif "execution_id" in data:
            self._found.events += 1
            happened = datetime.fromisoformat(data["at"]).timestamp()
            self._found.delays.append(time.time() - happened)


async def _events(lines: aiohttp.StreamReader) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Kind and data of each server-sent event."""
    kind = ""
    async for line in lines:
        if line.startswith(b"event: "):
            kind = line[7:].strip().decode()
        elif line.startswith(b"data: "):
            yield kind, json.loads(line[6:])


async def run(order: dict[str, Any]) -> Found:
    """Open the streams, launch for as long as was ordered, and wait for what is told."""
    found = Found()
    streams: list[asyncio.Task[None]] = []
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=PATIENCE)
    connector = aiohttp.TCPConnector(limit=0, resolver=aiohttp.ThreadedResolver())
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, read_bufsize=2**20
    ) as session:
        people = [Person(session, order, token, found) for token in order["tokens"]]
        if order["streams"]:
            streams = await _open(people, found)
        await _launch_all(people, order)
        if streams:
            await _all_told(people)
            found.untold = sum(len(each.launched - each.ended) for each in people)
        for stream in streams:
            stream.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
    return found


async def _open(people: list[Person], found: Found) -> list[asyncio.Task[None]]:
    gate = asyncio.Semaphore(OPENED_AT_ONCE)

    async def begin(person: Person) -> asyncio.Task[None]:
        async with gate:
            stream = asyncio.create_task(person.follow())
            try:
                async with asyncio.timeout(PATIENCE):
                    await person.connected.wait()
            except TimeoutError:
                found.problem("a stream did not begin")
            return stream

    return list(await asyncio.gather(*map(begin, people)))


async def _launch_all(people: list[Person], order: dict[str, Any]) -> None:
    began = time.perf_counter()
    launches = []
    for number in range(round(order["rate"] * order["seconds"])):
        due = began + number / order["rate"]
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        person = people[number % len(people)]
        launches.append(asyncio.create_task(person.launch(due)))
    await asyncio.gather(*launches)
    await asyncio.sleep(max(0.0, began + order["seconds"] - time.perf_counter()))


async def _all_told(people: list[Person]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while any(each.launched - each.ended for each in people):  # noqa: ASYNC110 -- rarely
                await asyncio.sleep(0.1)


if __name__ == "__main__":
    json.dump(asdict(asyncio.run(run(json.load(sys.stdin)))), sys.stdout)
