"""The inbox: nothing is lost between threads, failed writes and cancellations."""

import asyncio
import threading

import pytest

from tests.support.builders import node
from zoe_core.cluster import InstanceId, Observed
from zoe_master.backends.base import Observation
from zoe_master.engine.inbox import Inbox
from zoe_master.engine.reactor import Sighting

PATIENCE = 20.0
"""Seconds."""


def sighting(index: int) -> Sighting:
    return Sighting(Observation(InstanceId(1, "main", index), Observed.RUNNING, "node-0"))


async def test_what_threads_put_in_is_taken_once_and_in_order() -> None:
    inbox = Inbox()

    def report() -> None:
        inbox.saw(sighting(0), sighting(1))
        inbox.cleaned(7)
        inbox.saw_nodes([node()])

    threading.Thread(target=report).start()
    await inbox.wait(PATIENCE)
    taken = inbox.take()
    while taken.nodes is None:
        await inbox.wait(PATIENCE)
        inbox.put_back(taken)
        taken = inbox.take()
    assert taken.sightings == [sighting(0), sighting(1)]
    assert (taken.cleaned, taken.nodes) == ([7], [node()])
    assert inbox.take().sightings == []


async def test_what_is_put_back_goes_before_what_is_newer() -> None:
    inbox = Inbox()
    inbox.saw(sighting(0))
    inbox.saw_nodes([node("old")])
    taken = inbox.take()
    inbox.saw(sighting(1))
    inbox.put_back(taken)
    assert inbox.take().sightings == [sighting(0), sighting(1)]
    inbox.saw_nodes([node("new")])
    inbox.put_back(taken)
    assert inbox.take().nodes == [node("new")]


async def test_a_list_comes_together_with_what_it_shows() -> None:
    inbox = Inbox()
    inbox.saw_list(1.0, sighting(0))
    taken = inbox.take()
    assert (taken.listed, taken.sightings) == (1.0, [sighting(0)])
    assert inbox.take().listed is None
    inbox.put_back(taken)
    assert inbox.take().listed == 1.0
    inbox.saw_list(2.0)
    inbox.put_back(taken)
    assert inbox.take().listed == 2.0


async def test_waiting_ends_in_time() -> None:
    await asyncio.wait_for(Inbox().wait(0.01), PATIENCE)


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancellation_is_not_lost_when_the_bell_rings_at_the_same_time(turns: int) -> None:
    inbox = Inbox()
    waiting = asyncio.create_task(inbox.wait(PATIENCE))
    await asyncio.sleep(0)
    inbox.wake()
    for _ in range(turns):
        await asyncio.sleep(0)
    if waiting.cancel():  # it has not returned yet
        with pytest.raises(asyncio.CancelledError):
            await waiting
    else:
        assert turns > 0
        await waiting
