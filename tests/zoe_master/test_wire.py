"""The master's sockets as strangers and other versions of Zoe meet them."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import zmq
import zmq.asyncio
import zmq.auth

from tests.support.masters import HubEnd, acting
from tests.support.waiting import eventually_async
from zoe_core.cluster import InstanceId
from zoe_core.protocol import (
    BEAT_EVERY,
    PROTOCOL_VERSION,
    Beat,
    Envelope,
    Failure,
    Ping,
    Pong,
    ReadLog,
)
from zoe_hub.link import MasterAway, NotAnswered
from zoe_master.api.front import LOGS_AT_ONCE
from zoe_master.api.log_reader import LogReader
from zoe_master.backends.fake import FakeEngine
from zoe_store.cluster import master_record
from zoe_store.keys import HUB, MASTER, KeyPair, KeyRing

VERSION = b"zoe/%d" % PROTOCOL_VERSION
PATIENCE = 500
"""Milliseconds after which no answer is expected any more; a known client gets its in a few."""


@pytest.fixture(autouse=True)
async def master(database_url: str, tmp_path: Path, engine: FakeEngine) -> AsyncIterator[None]:
    async with acting(database_url, tmp_path, engine):
        yield


class Client:
    """Sockets of one's own; ``pair`` None: without CURVE."""

    def __init__(self, hub: HubEnd, keys: KeyRing, pair: KeyPair | None) -> None:
        self._context = zmq.asyncio.Context()
        self._keys = keys
        self._pair = pair
        self.master = master_record(hub.database)
        self.commands = self._connected(zmq.DEALER, self.master.commands_url)
        self.logs = self._connected(zmq.DEALER, self.master.logs_url)

    def _connected(self, kind: int, url: str | None) -> zmq.asyncio.Socket:
        socket = self._context.socket(kind)
        socket.linger = 0
        if self._pair is not None:
            socket.curve_serverkey = self._keys.public(MASTER)
            socket.curve_publickey, socket.curve_secretkey = self._pair.public, self._pair.secret
        if kind == zmq.SUB:
            socket.subscribe(b"")
        socket.connect(url or "")
        return socket

    async def ask(
        self, *frames: bytes, socket: zmq.asyncio.Socket | None = None
    ) -> Envelope | None:
        socket = socket or self.commands
        if not await socket.poll(PATIENCE, zmq.POLLOUT):
            return None
        try:
            await socket.send_multipart(frames, zmq.NOBLOCK)
        except zmq.Again:  # it was refused meanwhile
            return None
        return await self._received(socket, PATIENCE)

    async def hears(self) -> Envelope | None:
        """The first thing that is published."""
        with self._connected(zmq.SUB, self.master.events_url) as socket:
            return await self._received(socket, PATIENCE + int(1000 * BEAT_EVERY))

    async def _received(self, socket: zmq.asyncio.Socket, patience: int) -> Envelope | None:
        if not await socket.poll(patience):
            return None
        return Envelope.parse(await socket.recv_multipart())

    def close(self) -> None:
        self._context.destroy(linger=0)


@pytest.fixture
def keys(tmp_path: Path) -> KeyRing:
    return KeyRing(tmp_path / "keys")


@pytest.fixture
async def client(hub: HubEnd, keys: KeyRing) -> AsyncIterator[Client]:
    client = Client(hub, keys, keys.pair(HUB))
    yield client
    client.close()


PING = Ping().envelope("7").frames()
LOG = ReadLog(execution_id=1, service="main", index=0, attempt=1, offset=0).envelope("8").frames()


async def test_a_known_client_gets_its_answer(client: Client) -> None:
    answer = await client.ask(*PING)
    assert answer is not None
    assert (answer.id, answer.kind) == ("7", "Pong")
    assert Pong.model_validate_json(answer.body).epoch == 1


async def test_who_listens_hears_that_the_master_is_there(client: Client) -> None:
    for _ in range(2):
        said = await client.hears()
        assert said is not None
        assert said.kind == "Beat"
        assert Beat.model_validate_json(said.body).epoch == 1


async def test_logs_and_other_requests_have_sockets_of_their_own(client: Client) -> None:
    chunk = await client.ask(*LOG, socket=client.logs)
    assert chunk is not None
    assert (chunk.id, chunk.kind) == ("8", "LogChunk")
    for frames, socket in ((LOG, client.commands), (PING, client.logs)):
        answer = await client.ask(*frames, socket=socket)
        assert answer is not None
        assert answer.kind == "Failure"
        assert "for logs" in Failure.model_validate_json(answer.body).reason


@pytest.mark.parametrize("with_key", [True, False])
async def test_a_stranger_gets_nothing(hub: HubEnd, keys: KeyRing, with_key: bool) -> None:
    stranger = Client(hub, keys, KeyPair(*zmq.curve_keypair()) if with_key else None)
    assert await stranger.ask(*PING) is None
    assert await stranger.ask(*LOG, socket=stranger.logs) is None
    assert await stranger.hears() is None
    stranger.close()


async def test_clients_come_and_go_without_a_restart(
    hub: HubEnd, keys: KeyRing, tmp_path: Path
) -> None:
    public, secret = zmq.auth.create_certificates(tmp_path, "other")
    pair = KeyPair(*zmq.auth.load_certificate(secret))
    known = keys.clients / "other.key"
    for may in (False, True, False):
        if may:
            shutil.copy(public, known)
        else:
            known.unlink(missing_ok=True)
        other = Client(hub, keys, pair)
        assert (await other.ask(*PING) is not None) is may
        other.close()


async def test_a_broken_file_of_one_client_shuts_out_nobody_else(
    hub: HubEnd, keys: KeyRing
) -> None:
    (keys.clients / "half-written.key").write_text("curve\n")
    client = Client(hub, keys, keys.pair(HUB))
    assert await client.ask(*PING) is not None
    client.close()


async def test_more_requests_than_are_answered_at_once_are_told_so(
    client: Client, engine: FakeEngine, hub: HubEnd
) -> None:
    one = await hub.submit()
    await hub.instance(one, observed="running")
    wanted = ReadLog(execution_id=one, service="main", index=0, attempt=1, offset=0, wait=30)
    for number in range(LOGS_AT_ONCE + 1):
        await client.logs.send_multipart(wanted.envelope(str(number)).frames())
    answer = Envelope.parse(await client.logs.recv_multipart())
    assert (answer.id, answer.kind) == (str(LOGS_AT_ONCE), "Failure")
    assert "try again" in Failure.model_validate_json(answer.body).reason

    pong = await client.ask(*PING)
    assert pong is not None, "they take nothing from other requests"
    engine.say(InstanceId(one, "main", 0), b"news for all")
    for _ in range(LOGS_AT_ONCE):
        answer = Envelope.parse(await client.logs.recv_multipart())
        assert answer.blob == b"news for all"


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ((b"zoe/99", b"7", b"future"), "the peer speaks version 99 of the protocol, this side"),
        ((VERSION, b"7", b"Explain", b"{}", b""), "malformed Explain: 1 errors"),
        ((VERSION, b"7", b"Explode", b"{}", b""), "unknown request 'Explode'"),
        ((VERSION, b"7"), "a message has 5 frames, this one 2"),
        ((b"GET / HTTP/1.1", b"7"), "not a message of Zoe"),
    ],
)
async def test_what_cannot_be_read_is_answered_with_the_reason(
    client: Client, frames: tuple[bytes, ...], reason: str
) -> None:
    answer = await client.ask(*frames)
    assert answer is not None
    assert (answer.id, answer.kind) == ("7", "Failure")
    assert Failure.model_validate_json(answer.body).reason.startswith(reason)
    assert await client.ask(*Ping().envelope("8").frames()) is not None


async def test_an_answer_that_does_not_exist_hurts_nobody(client: Client) -> None:
    answer = await client.ask(b"\xff")
    assert answer is not None
    assert answer.kind == "Failure"


# --- what goes wrong inside ---


async def test_a_log_that_cannot_be_read_any_more_hurts_who_follows_it_alone(
    hub: HubEnd, tmp_path: Path
) -> None:
    one = await hub.submit()
    await hub.instance(one, observed="running")
    following = asyncio.create_task(hub.log(one, wait=25))
    await eventually_async(lambda: hub.link._contact.logs._open)
    assert await hub.log(one) == (b"", False), "the one before has been read as well"
    (tmp_path / "logs" / str(one) / "main-0.1.log").mkdir(parents=True)  # open: EISDIR
    with pytest.raises(NotAnswered, match="its log says why"):
        await following
    assert (await hub.link.queue()).entries == ()
    assert master_record(hub.database).epoch == 1


async def test_an_error_that_nobody_foresaw_begins_a_new_term(
    hub: HubEnd, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> bool:
        monkeypatch.undo()
        raise RuntimeError("nobody foresaw this")

    one = await hub.submit()
    await hub.instance(one, observed="running")
    monkeypatch.setattr(LogReader, "_has_more", fail)
    with pytest.raises(MasterAway):
        await hub.log(one, wait=25)

    async def answered() -> bool:
        try:
            return await hub.log(one) == (b"", False)
        except MasterAway:
            return False

    await eventually_async(answered)
    assert master_record(hub.database).epoch == 2
    assert "RuntimeError: nobody foresaw this" in caplog.text
    assert (await hub.get(one)).status == "running"
