"""What is known of containers by what their engine says."""

import logging
from pathlib import Path
from typing import Any

import pytest

from tests.zoe_master.backends.docker.fake_client import DEPLOYMENT, FakeClient, FakeContainer
from zoe_core.amount import Amount
from zoe_core.cluster import InstanceId, Observed
from zoe_master.backends.base import InstanceSpec, Retry
from zoe_master.backends.docker.engine import Engine
from zoe_master.backends.docker.lifecycle import Containers, Site
from zoe_master.backends.docker.networks import Networks
from zoe_master.backends.docker.records import Records
from zoe_master.backends.docker.settings import EngineSettings

ONE = InstanceId(1, "main", 0)
NETWORK = "zoe-5a9c1f04-1"


@pytest.fixture
def container() -> FakeContainer:
    return FakeContainer(ONE)


@pytest.fixture
def engine(container: FakeContainer, monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine(EngineSettings("here"), logging.getLogger("tests.lifecycle"))
    monkeypatch.setattr(engine, "_connect", lambda _: FakeClient(container))
    return engine


@pytest.fixture
def records(tmp_path: Path) -> Records:
    records = Records(tmp_path / "instances", DEPLOYMENT)
    records.of(ONE).create(DEPLOYMENT, ONE, "here")
    return records


@pytest.fixture
def containers(records: Records, engine: Engine) -> Containers:
    networks = Networks(DEPLOYMENT, "bridge", None, [engine])
    return Containers(Site(DEPLOYMENT, 1024, 2**20, 300.0), records, networks)


def test_the_address_is_that_in_the_network_of_its_execution(
    containers: Containers, engine: Engine, records: Records, container: FakeContainer
) -> None:
    container.networks = {"other": {"IPAddress": "10.9.9.9"}, NETWORK: {"IPAddress": "10.0.0.2"}}
    assert containers.address(engine, records.of(ONE), 1, 80) == ("10.0.0.2", 80)


@pytest.mark.parametrize(
    "networks",
    [{}, {"other": {"IPAddress": "10.9.9.9"}}, {NETWORK: None}, {NETWORK: {"IPAddress": ""}}],
)
def test_one_that_was_taken_out_of_its_network_has_no_address(
    networks: dict[str, Any],
    containers: Containers,
    engine: Engine,
    records: Records,
    container: FakeContainer,
) -> None:
    container.networks = networks
    with pytest.raises(Retry, match="has no address in its network"):
        containers.address(engine, records.of(ONE), 1, 80)


def test_a_start_whose_answer_was_lost_is_noted_when_it_is_asked_again(
    containers: Containers, engine: Engine, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would be lost as soon as its engine goes away, not after the grace."""
    spec = InstanceSpec(ONE, "here", "test", None, {}, Amount.of(2**26, 0.1), "/w", "alice")
    assert list(containers.remembered(engine)) == []
    containers.start(engine, spec, "main-0-1", "1000:1000", new=False)
    monkeypatch.setattr(Engine, "away_for", 1.0)
    (seen,) = containers.remembered(engine)
    assert (seen.id, seen.observed) == (ONE, Observed.RUNNING)
