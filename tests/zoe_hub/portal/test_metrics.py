"""Figures for Prometheus: all of them are documented, and they are there when things are not."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from tests.support.waiting import eventually_async
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.test_streams import following, happen
from zoe_hub.portal.metrics import PortalMetrics
from zoe_master.engine.figures import FigureBook
from zoe_master.engine.meter import Meter
from zoe_store import cluster
from zoe_store.database import DatabaseAway
from zoe_store.events import NewEvent, append_events, lock_events

MANUAL = Path(__file__).parents[3] / "docs" / "administrator.md"


async def figures(portal: Portal) -> dict[str, float]:
    """By name and the values of labels; what Prometheus cannot read is an error."""
    answer = await portal.get("/metrics")
    assert answer.status_code == 200
    return {
        " ".join([each.name, *each.labels.values()]): each.value
        for family in text_string_to_metric_families(answer.text)
        for each in family.samples
    }


def names(registry: CollectorRegistry) -> Iterable[str]:
    for family in registry.collect():
        yield f"{family.name}_total" if family.type == "counter" else family.name


def test_all_figures_are_in_the_manual_and_no_others() -> None:
    scheduler = set(names(FigureBook(cast(Meter, None)).registry))
    portal = set(names(PortalMetrics().registry))
    rows = re.findall(r"^\| `(zoe_\w+)`( \*)? \| (.*?) \|", MANUAL.read_text(), re.MULTILINE)
    assert {name for name, star, _ in rows if star} == scheduler
    assert {name for name, star, _ in rows if not star} == portal
    labels = {name: set(re.findall(r"`(\w+)`", told)) for name, _, told in rows}
    for registry in (FigureBook(cast(Meter, None)).registry, PortalMetrics().registry):
        for collector in cast(Any, registry)._collector_to_names:
            kind = "_total" if type(collector).__name__ == "Counter" else ""
            assert labels[collector._name + kind] == set(collector._labelnames)


@pytest.mark.usefixtures("master")
async def test_those_of_the_scheduler_come_along(portal: Portal) -> None:
    await portal.launch()

    async def ended() -> dict[str, float] | None:
        found = await figures(portal)
        assert found["zoe_scheduler_up"] == 1
        assert found["zoe_executions_ended_total terminated"] == 1
        return found

    found = await eventually_async(ended, timeout=60)
    assert found is not None
    assert found["zoe_database_up"] == 1
    assert found["zoe_instances_started_total"] >= 2
    assert found["zoe_executions running"] == 0
    assert 0 <= found["zoe_scheduler_silence_seconds"] < 30


async def test_without_a_scheduler_its_figures_are_missing(portal: Portal) -> None:
    await portal.launch()
    found = await figures(portal)
    assert found["zoe_scheduler_up"] == 0
    assert found["zoe_scheduler_silence_seconds"] == -1
    assert found["zoe_executions submitted"] == 1
    assert not any(each.startswith("zoe_executions_ended") for each in found)


async def test_without_a_database_there_are_figures_still(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await portal.launch()
    assert "zoe_executions submitted" in await figures(portal)

    def away(_: object) -> None:
        raise DatabaseAway("it is away")

    monkeypatch.setattr(cluster, "master_record", away)
    found = await figures(portal)
    assert found["zoe_database_up"] == 0
    assert "zoe_executions submitted" not in found
    assert found["zoe_event_lag_seconds"] != found["zoe_event_lag_seconds"], "nobody knows"


async def test_streams_are_counted_while_they_are_open(portal: Portal) -> None:
    number = (await portal.launch())["id"]
    async with following(portal, f"/executions/{number}/events") as stream:
        await anext(stream)
        assert (await figures(portal))["zoe_portal_streams ExecutionEvents"] == 1

    async def closed() -> bool:
        return (await figures(portal))["zoe_portal_streams ExecutionEvents"] == 0

    await eventually_async(closed)


async def test_events_that_were_not_told_become_older(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = (await portal.launch())["id"]
    newest = await eventually_async(lambda: portal.context.feed.newest)

    async def nothing_new(after: int) -> int:
        return after

    monkeypatch.setattr(portal.context.feed, "_tell", nothing_new)
    happen(portal, number, "queued")  # those under way may still tell this one

    def long_ago() -> None:
        with portal.database.transaction() as connection:
            lock_events(connection)
            old = datetime.now(UTC) - timedelta(minutes=2)
            append_events(connection, [NewEvent(number, "note", {})], old)

    long_ago()
    portal.context.feed.newest = newest
    found = await figures(portal)
    assert found["zoe_event_lag_seconds"] >= 0
    portal.context.feed.newest = (newest or 0) + 1
    assert (await figures(portal))["zoe_event_lag_seconds"] >= 120
    portal.context.feed.newest = (newest or 0) + 1000
    assert (await figures(portal))["zoe_event_lag_seconds"] == 0
