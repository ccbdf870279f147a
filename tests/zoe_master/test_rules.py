"""Quotas and drains that the hub writes, as a whole master follows them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.masters import HubEnd, acting
from tests.support.waiting import eventually_async
from zoe_core.cluster import Quota
from zoe_master.backends.fake import FakeEngine
from zoe_store import cluster, drains, quotas


@pytest.fixture(autouse=True)
async def master(database_url: str, tmp_path: Path, engine: FakeEngine) -> AsyncIterator[None]:
    async with acting(database_url, tmp_path, engine):
        yield


async def test_a_drained_node_gets_nothing_new_until_it_is_free_again(hub: HubEnd) -> None:
    known = await eventually_async(lambda: hub.call(cluster.known_nodes))  # with its first list
    assert len(known) == 2
    for each in known:
        await hub.call(drains.set_drain, each.name, "root", True)
    one = await hub.submit()
    await hub.until(one, "queued")
    assert all(each.draining for each in await hub.call(cluster.known_nodes))
    await hub.call(drains.set_drain, known[1].name, "root", False)
    await hub.until(one, "running")
    assert (await hub.instance(one)).node == known[1].name


async def test_a_runtime_limit_that_is_set_while_it_runs_ends_it(hub: HubEnd) -> None:
    one = await hub.submit(groups=("lab",))
    await hub.until(one, "running")
    await hub.call(quotas.set_quota, "group", "lab", Quota(runtime_limit=1), "root")
    assert await hub.ended(one) == (
        "terminated",
        "Its runtime limit of 1 s (the quota of its user) has passed.",
    )


async def test_a_quota_that_is_raised_lets_what_waits_start(hub: HubEnd) -> None:
    await hub.call(quotas.set_quota, "default", "", Quota(executions=0), "root")
    one = await hub.submit()
    await hub.until(one, "queued")

    async def told() -> bool:
        why = await hub.link.explain(one)
        return why is not None and "quota" in " ".join(why.reasons)

    await eventually_async(told)
    await hub.call(quotas.set_quota, "user", "alice", Quota(executions=1), "root")
    await hub.until(one, "running")
