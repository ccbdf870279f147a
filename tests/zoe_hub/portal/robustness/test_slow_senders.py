"""Senders that take their time: they hold up nobody, and are cut off."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.hub import PREFIX, Hub
from tests.zoe_hub.portal.conftest import Portal, running_portal
from zapp_gallery.loader import Gallery
from zoe_hub.portal import app

LAUNCH = f"POST {PREFIX}api/v1/executions HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{{"
HALVES = {"head": b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", "body": LAUNCH.encode()}


async def test_who_sends_slowly_holds_up_nobody(portal: Portal) -> None:
    place = urlsplit(portal.url)
    halves = list(HALVES.values())
    writers = []
    for number in range(400):
        _, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(halves[number % 2])
        await writer.drain()
        writers.append(writer)
    try:
        async with asyncio.timeout(60):
            answers = await asyncio.gather(*(portal.get("/info") for _ in range(20)))
        assert {each.status_code for each in answers} == {200}
    finally:
        for each in writers:
            each.close()


@pytest.fixture
async def impatient(
    hub: Hub,
    tokens: dict[tuple[str, ...], str],
    gallery: Gallery,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Portal]:
    """A portal that waits for a second instead of a minute."""
    for name in ("HEADERS_TIMEOUT", "BODY_TIMEOUT"):
        assert getattr(app, name) <= 120
        monkeypatch.setattr(app, name, 1.0)
    async with running_portal(hub, tokens, gallery, database_url, tmp_path) as running:
        yield running


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES)
@pytest.mark.parametrize("drop", [b"x", b""], ids=["drop by drop", "no more"])
async def test_who_sends_slowly_is_cut_off(impatient: Portal, half: bytes, drop: bytes) -> None:
    place = urlsplit(impatient.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(half)
    closed = asyncio.ensure_future(reader.read())
    try:
        async with asyncio.timeout(30):
            while not closed.done():
                writer.write(drop)
                await asyncio.wait({closed}, timeout=0.1)
    finally:
        writer.close()
    with suppress(ConnectionError):  # reset, when a drop came too late
        assert b" 200 " not in await closed
