"""Networks of executions when a swarm has its troubles, and what an engine refuses."""

import logging
from ipaddress import IPv4Network
from typing import Any

import pytest
import requests
from docker.errors import APIError
from docker.types import IPAMConfig

from zoe_master.backends.base import Fatal, Retry
from zoe_master.backends.docker.engine import Engine
from zoe_master.backends.docker.networks import Networks
from zoe_master.backends.docker.settings import EngineSettings
from zoe_master.backends.docker.subnets import Pool

DEPLOYMENT = "5a9c1f04-7f5e-4f4e-9d52-0c6a5a1f9b11"
NO_LEADER = (
    "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few "
    "managers are online."
)
STARTING = (
    "This node is not a swarm manager. Manager is being prepared or has trouble connecting to the "
    "cluster."
)


class Client:
    """The client of an engine with one network, which may refuse what is asked of it."""

    def __init__(self) -> None:
        self.api = self
        self.refusal: tuple[int, str] | None = None
        self.created: list[str] = []

    def networks(self, **_: Any) -> list[dict[str, Any]]:
        return [{"Id": "n", "Name": "zoe-5a9c1f04-1", "IPAM": {"Config": None}}]

    def create_network(self, name: str, **_: Any) -> None:
        self._refuse()
        self.created.append(name)

    def remove_network(self, _: str) -> None:
        self._refuse()

    def _refuse(self) -> None:
        if self.refusal is not None:
            response = requests.Response()
            response.status_code, explanation = self.refusal
            raise APIError("refused", response, explanation)


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def engine(client: Client, monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine(EngineSettings("here"), logging.getLogger("tests.networks"))
    monkeypatch.setattr(engine, "_connect", lambda _: client)
    engine.swarm = "one"
    return engine


@pytest.fixture
def networks(engine: Engine) -> Networks:
    return Networks(DEPLOYMENT, "overlay", None, [engine])


class Crowded(Client):
    """Somebody else takes one subnet after the other there, always the next one."""

    def __init__(self, first: IPv4Network) -> None:
        super().__init__()
        self.taken = [first]

    def networks(self, **_: Any) -> list[dict[str, Any]]:
        return [
            {"Id": "n", "Name": "n", "IPAM": {"Config": [{"Subnet": str(each)}]}}
            for each in self.taken
        ]

    def create_network(self, name: str, ipam: IPAMConfig, **_: Any) -> None:
        last = self.taken[-1]
        self.taken.append(IPv4Network((int(last.broadcast_address) + 1, last.prefixlen)))
        if IPv4Network(ipam["Config"][0]["Subnet"]) in self.taken:
            self.refusal = 403, "Pool overlaps with other one on this address space"
            self._refuse()
        self.created.append(name)


def test_addresses_are_found_beside_somebody_who_takes_the_next_ones(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Pool.parse("10.77.0.0/16", 24)
    first = pool.choose(int(DEPLOYMENT[:8], 16) + 1, [])
    assert first is not None
    client = Crowded(first)
    monkeypatch.setattr(engine, "_connect", lambda _: client)

    Networks(DEPLOYMENT, "bridge", pool, [engine]).ensure(engine, 1)

    assert client.created == ["zoe-5a9c1f04-1"]


def test_engines_that_are_no_swarm_make_no_network(networks: Networks, engine: Engine) -> None:
    engine.swarm = ""
    with pytest.raises(Fatal, match="no network in common"):
        networks.ensure(engine, 1)


def test_a_network_that_was_made_needs_no_swarm(
    networks: Networks, engine: Engine, client: Client
) -> None:
    made = networks.ensure(engine, 1)
    engine.swarm = ""
    assert networks.ensure(engine, 1) == made
    assert client.created == [made]


@pytest.mark.parametrize(("status", "said"), [(500, NO_LEADER), (500, STARTING), (503, STARTING)])
def test_a_swarm_without_a_leader_is_tried_again(
    networks: Networks, engine: Engine, client: Client, status: int, said: str
) -> None:
    client.refusal = status, said
    with pytest.raises(Retry, match=r"The engine of here refused: .*swarm"):
        networks.ensure(engine, 1)
    with pytest.raises(Retry, match=r"The engine of here refused: .*swarm"):
        networks.remove(engine, 1)
    client.refusal = None
    networks.ensure(engine, 1)
    networks.remove(engine, 1)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (403, "error while removing network: network x id n has active endpoints"),
        (400, "rpc error: code = FailedPrecondition desc = network n is in use by task t"),
    ],
)
def test_a_network_in_use_is_removed_later(
    networks: Networks, engine: Engine, client: Client, status: int, said: str
) -> None:
    client.refusal = status, said
    with pytest.raises(Retry, match="The network zoe-5a9c1f04-1 is still in use"):
        networks.remove(engine, 1)


@pytest.mark.parametrize(
    ("status", "said", "error"),
    [
        (403, "authorization denied by plugin", Fatal),
        (500, "failed to update the store", Retry),
    ],
)
def test_what_else_an_engine_refuses_is_said_in_its_words(
    networks: Networks,
    engine: Engine,
    client: Client,
    status: int,
    said: str,
    error: type[Exception],
) -> None:
    client.refusal = status, said
    with pytest.raises(error, match=f"The engine of here refused: {said}"):
        networks.remove(engine, 1)
