"""The master's sockets as strangers and other versions of Zoe meet them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import zmq
import zmq.asyncio

from tests.support.masters import HubEnd, acting
from zoe_core.protocol import Envelope, Failure, Ping, Pong
from zoe_master.backends.fake import FakeEngine
from zoe_store.cluster import master_record
from zoe_store.keys import HUB, MASTER, KeyPair, KeyRing

PATIENCE = 500
"""Milliseconds after which no answer is expected any more; a known client gets its in a few."""


@pytest.fixture(autouse=True)
async def master(database_url: str, tmp_path: Path, engine: FakeEngine) -> AsyncIterator[None]:
    async with acting(database_url, tmp_path, engine):
        yield


class Client:
    """A DEALER of one's own."""

    def __init__(self, hub: HubEnd, keys: KeyRing, pair: KeyPair | None) -> None:
        self._context = zmq.asyncio.Context()
        self.socket = self._context.socket(zmq.DEALER)
        self.socket.linger = 0
        if pair is not None:
            self.socket.curve_serverkey = keys.public(MASTER)
            self.socket.curve_publickey, self.socket.curve_secretkey = pair.public, pair.secret
        self.socket.connect(master_record(hub.database).commands_url or "")

    async def ask(self, *frames: bytes) -> Envelope | None:
        await self.socket.send_multipart(frames)
        if not await self.socket.poll(PATIENCE):
            return None
        return Envelope.parse(await self.socket.recv_multipart())

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


async def test_a_known_client_gets_its_answer(client: Client) -> None:
    answer = await client.ask(*Ping().envelope("7").frames())
    assert answer is not None
    assert (answer.id, answer.kind) == ("7", "Pong")
    assert Pong.model_validate_json(answer.body).epoch == 1


@pytest.mark.parametrize("with_key", [True, False])
async def test_a_stranger_gets_no_answer(hub: HubEnd, keys: KeyRing, with_key: bool) -> None:
    pair = KeyPair(*zmq.curve_keypair()) if with_key else None
    stranger = Client(hub, keys, pair)
    assert await stranger.ask(*Ping().envelope("7").frames()) is None
    stranger.close()


async def test_the_keys_are_for_their_owner_alone(tmp_path: Path, client: Client) -> None:
    secrets = list((tmp_path / "keys").glob("*_secret"))
    assert len(secrets) == 2
    assert {each.stat().st_mode & 0o777 for each in secrets} == {0o600}
    assert [each.name for each in (tmp_path / "keys" / "clients").iterdir()] == ["hub.key"]


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ((b"zoe/99", b"7", b"future"), "the peer speaks version 99 of the protocol, this side"),
        ((b"zoe/1", b"7", b"Explain", b"{}", b""), "malformed Explain: 1 errors"),
        ((b"zoe/1", b"7", b"Explode", b"{}", b""), "unknown request 'Explode'"),
        ((b"zoe/1", b"7"), "a message has 5 frames, this one 2"),
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
