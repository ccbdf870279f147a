"""What the master measures and counts, as the hub hears it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.builders import GB, service, worker, zapp
from tests.support.masters import HubEnd, acting
from tests.support.waiting import eventually_async
from zoe_core.amount import Amount
from zoe_core.cluster import InstanceId
from zoe_core.protocol import InstanceUse
from zoe_master.backends.base import Fatal, Retry
from zoe_master.backends.fake import FakeEngine, Script
from zoe_master.engine import meter


@pytest.fixture(autouse=True)
async def master(
    database_url: str, tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    monkeypatch.setattr(meter, "WATCHED_EVERY", 0.1)
    monkeypatch.setattr(meter, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(meter, "CLOSEST", 0.0)
    async with acting(database_url, tmp_path, engine):
        yield


async def figures(hub: HubEnd) -> dict[str, float]:
    """By name and labels, as Prometheus reads them."""
    text = (await hub.link.figures()).decode()
    return {
        name: float(value) for name, value in re.findall(r"^(zoe_\S+) (\S+)$", text, re.MULTILINE)
    }


async def test_what_an_execution_uses(hub: HubEnd, engine: FakeEngine) -> None:
    one = await hub.submit(zapp(service(cores=2), worker(memory=0.5, cores=0.5)))
    await hub.until(one, "running")

    async def measured() -> tuple[InstanceUse, ...] | None:
        items = (await hub.link.use(one)).items
        assert len(items) == 2
        assert all(each.at for each in items)
        return items

    told = await eventually_async(measured)
    assert told is not None
    main, other = told
    assert (main.instance, main.attempt, main.reserved) == ("main-0", 1, Amount.of(GB, 2))
    assert (other.instance, other.memory[-1]) == ("worker-0", GB // 4)
    assert main.memory_limit is None, "this back-end limits nothing"
    newest = (await hub.link.use(one, newest=True)).items
    assert [each.instance for each in newest] == ["main-0", "worker-0"]
    assert all(len(each.at) == len(each.cores) == 1 for each in newest)
    found = await figures(hub)
    assert sum(v for k, v in found.items() if k.startswith("zoe_node_memory_used_bytes")) == (
        GB // 2 + GB // 4
    )
    nodes = await hub.link.nodes_use()
    assert sum(each.memory for each in nodes) == GB // 2 + GB // 4
    engine.exit(InstanceId(one, "main", 0))
    await hub.ended(one)
    assert (await hub.link.use(one)).items == ()
    assert not any(each.memory for each in await hub.link.nodes_use())


async def test_what_happened_is_counted(hub: HubEnd, engine: FakeEngine) -> None:
    before = await figures(hub)
    assert before['zoe_executions_failed_total{reason="exit"}'] == 0
    one = await hub.submit(zapp(service(), worker(elastic=1), priority="low"))
    await hub.until(one, "running")
    await hub.instance(one, "worker-1", "running")
    engine.exit(InstanceId(one, "main", 0))
    await hub.ended(one)
    found = await figures(hub)
    assert found['zoe_execution_wait_seconds_count{priority="low"}'] == 1
    assert found["zoe_instances_started_total"] == 3
    assert found['zoe_executions_ended_total{outcome="terminated"}'] == 1
    assert found['zoe_executions_ended_total{outcome="error"}'] == 0
    assert found["zoe_decision_seconds_count"] >= 1
    assert not any(v for k, v in found.items() if k.startswith("zoe_executions_failed_total"))


@pytest.mark.parametrize(
    ("reason", "script", "code"),
    [
        ("exit", Script(), 3),
        ("signal", Script(), -9),
        ("lost", Script(), None),
        ("start", Script(start_errors=(Fatal("No such image."),)), None),
    ],
)
async def test_why_executions_fail(
    hub: HubEnd, engine: FakeEngine, reason: str, script: Script, code: int | None
) -> None:
    engine.script("main", script)
    one = await hub.submit()
    if reason != "start":
        await hub.until(one, "running")
        if code is None:
            engine.lose(InstanceId(one, "main", 0))
        else:
            engine.exit(InstanceId(one, "main", 0), code)
    await hub.ended(one)
    found = await figures(hub)
    failed = {k: v for k, v in found.items() if k.startswith("zoe_executions_failed_total") and v}
    assert failed == {f'zoe_executions_failed_total{{reason="{reason}"}}': 1.0}
    assert found['zoe_executions_ended_total{outcome="error"}'] == 1


async def test_calls_that_fail_are_counted(hub: HubEnd, engine: FakeEngine) -> None:
    engine.script("main", Script(start_errors=(Retry("No address left."),)))
    await hub.until(await hub.submit(), "running")
    assert (await figures(hub))['zoe_backend_failures_total{call="start"}'] == 1
