"""A whole master over two engines: labels, drain, and an engine that is killed under executions."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.docker.conftest import NODES
from tests.support.docker_engine import TEST_IMAGE, OwnEngine
from tests.support.masters import HubEnd, MasterProcess, command
from tests.support.waiting import eventually_async
from zoe_core.zapp import ZApp
from zoe_store.cluster import known_nodes, master_record
from zoe_store.drains import set_drain

COUNT = "i=0; while :; do echo $i; i=$((i+1)); sleep 0.05; done"


def zapp(line: str, **fields: object) -> ZApp:
    return command(line, image=TEST_IMAGE, **fields)


@pytest.fixture
async def hub(database_url: str, tmp_path: Path, engines: list[OwnEngine]) -> AsyncIterator[HubEnd]:
    """The hub's end of a master over both engines; node2 is labelled."""
    labels: tuple[list[str], list[str]] = ([], ["fast"])
    settings = {
        "engines": [each.settings(labels=own) for each, own in zip(engines, labels, strict=True)],
        "network_driver": "bridge",
        "offline_grace": 3600.0,
    }
    master = MasterProcess(
        database_url,
        tmp_path,
        kind="docker",
        backend=settings,
        relist_interval=0.5,
        stop_grace=1.0,
    )
    hub = HubEnd(database_url, tmp_path)
    master.start()
    yield hub
    for engine in engines:
        engine.start()
    deployment = master_record(hub.database).uuid
    await hub.close()
    master.close()
    for engine in engines:
        engine.remove_all(deployment)


async def node_of(hub: HubEnd, execution_id: int) -> str:
    return (await hub.instance(execution_id, observed="running")).node


async def numbers(hub: HubEnd, execution_id: int) -> list[int]:
    data, _ = await hub.log(execution_id)
    return [int(line) for line in data.rpartition(b"\n")[0].split()]


async def nodes_online(hub: HubEnd) -> set[str]:
    return {each.name for each in await hub.call(known_nodes) if each.online}


async def test_two_engines(hub: HubEnd, engines: list[OwnEngine]) -> None:
    """One after the other, as a master that starts takes long."""
    await labels_and_drains(hub)
    await an_engine_is_killed(hub, engines[1])


async def labels_and_drains(hub: HubEnd) -> None:
    """What asks for a label goes where it is; where it is drained nothing new starts."""
    labelled = await hub.submit(zapp("sleep 600", labels=["fast"]))
    assert await node_of(hub, labelled) == "node2"
    await hub.call(set_drain, "node2", "admin", True)
    await hub.link.wake()
    waits = await hub.submit(zapp("true", labels=["fast"]))
    several = [await hub.submit(zapp("sleep 600")) for _ in range(3)]
    assert [await node_of(hub, each) for each in several] == ["node1"] * 3
    assert (await hub.get(waits)).status == "queued"
    assert (await hub.get(labelled)).status == "running", "what runs there goes on"
    await hub.call(set_drain, "node2", "admin", False)
    await hub.link.wake()
    assert (await hub.ended(waits))[0] == "terminated"
    for each in (labelled, *several):
        await hub.end(each)
        await hub.ended(each)


async def an_engine_is_killed(hub: HubEnd, engine: OwnEngine) -> None:
    """Nothing is lost or doubled; what is to end meanwhile ends when the engine is back."""
    steady = await hub.submit(zapp(COUNT))
    shaken = await hub.submit(zapp(COUNT, labels=["fast"]))
    ended = await hub.submit(zapp("sleep 600", labels=["fast"]))
    for each in (steady, shaken, ended):
        await hub.until(each, "running")
    await asyncio.to_thread(engine.kill)
    await eventually_async(lambda: _are(hub, {"node1"}))
    waits = await hub.submit(zapp("true", labels=["fast"]))
    await hub.end(ended)
    await hub.until(ended, "cleaning_up")
    other = await hub.submit(zapp("true"))
    assert (await hub.ended(other))[0] == "terminated"
    assert (await hub.get(waits)).status == "queued"
    assert (await hub.get(shaken)).status == "running"
    await asyncio.to_thread(engine.start)
    await eventually_async(lambda: _are(hub, set(NODES)))
    assert (await hub.ended(ended))[0] == "terminated"
    assert (await hub.ended(waits))[0] == "terminated"
    before = (await numbers(hub, shaken))[-1]
    for each in (steady, shaken):
        await eventually_async(lambda each=each: _goes_on(hub, each, before + 5))
        written = await numbers(hub, each)
        assert written == list(range(len(written))), "whole, nothing twice"
        assert (await hub.instance(each)).attempt == 1
        await hub.end(each)
        assert (await hub.ended(each))[0] == "terminated"
    await eventually_async(lambda: asyncio.to_thread(_is_empty, engine))


async def _are(hub: HubEnd, online: set[str]) -> bool:
    return await nodes_online(hub) == online


async def _goes_on(hub: HubEnd, execution_id: int, beyond: int) -> bool:
    return (await numbers(hub, execution_id))[-1] > beyond


def _is_empty(engine: OwnEngine) -> bool:
    networks = [each for each in engine.client.networks.list() if each.name.startswith("zoe-")]
    return not networks and not engine.client.containers.list(all=True)
