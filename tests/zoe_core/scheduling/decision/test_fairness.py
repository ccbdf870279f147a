"""In the long run, in virtual time: everybody starts, and promises to who waits are kept."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.builders import after, amount, execution, node, service, worker
from tests.zoe_core.scheduling.strategies import groups, site_settings
from zoe_core.amount import Amount
from zoe_core.cluster import ExecutionView, Node, Snapshot
from zoe_core.scheduling import Blocker, SchedulingSettings, StartRules
from zoe_core.scheduling.gang import essential_demand
from zoe_core.scheduling.nodes.room import Misfit, Room
from zoe_core.simulation.work import Work
from zoe_core.simulation.world import World

CARD = Amount(gpus=1)
NODES = [
    node("large", memory=8),
    node("small-0", memory=4),
    replace(node("small-1", memory=4), capacity=amount(4, 8) + CARD, devices=("0",)),
]
quick = settings(max_examples=40, deadline=None)

memories = st.sampled_from([1, 1, 2, 3, 4, 6, 8])
shapes = st.one_of(
    st.tuples(memories, st.just(1)), st.sampled_from([(1, 7), (2, 5), (6, 0.5), (4, 8)])
)
"""GB and cores: some want much of the one and little of the other."""
delays = st.sampled_from([0, 0, 5, 250])
"""Seconds from a decision to the running instance; a gang has 300."""
seconds = st.integers(1, 50).map(lambda tens: tens * 10)
long = st.integers(1, 30).map(lambda each: each * 50)
"""Seconds, some of which are more than a slow start takes."""


@st.composite
def jobs(draw: st.DrawFn) -> tuple[list[dict], dict[str, Any], float]:
    """The services of an execution, its other fields, and how many seconds it runs."""
    memory, cores = draw(shapes)
    gpus = draw(st.sampled_from([0, 0, 0, 1]))
    parts = [service(memory=memory, cores=cores, gpus=gpus, essential=draw(st.integers(1, 2)))]
    if draw(st.booleans()):
        fields = {
            "shrink": {"allowed": draw(st.booleans())},
            "min_hold": draw(st.sampled_from([0, 0, 60])),
        }
        memory, cores = draw(shapes)
        counts = {"essential": draw(st.integers(0, 2)), "elastic": draw(st.integers(1, 4))}
        parts.append(worker(memory=memory, cores=cores, **counts, **fields))
    runs = draw(seconds)
    guess = draw(st.sampled_from([None, 30, 300]))
    limit = draw(st.sampled_from([None, runs, 2 * runs]))
    fields = {
        "expected_seconds": guess,
        "limit": limit,
        "user": draw(st.sampled_from(["alice", "bob"])),
        "groups": draw(groups),
        "priority": draw(st.sampled_from(["normal", "normal", "high"])),
    }
    return parts, fields, runs


def world(site: SchedulingSettings, them: list[tuple[ExecutionView, float]], delay: float) -> World:
    """All of these come at their time, and run as many seconds whatever they have."""
    made = World(Snapshot.of(NODES, (), ()), site, StartRules(), after(0), start_delay=delay)
    for view, runs in them:
        made.submit(view, Work(runs, divisible=False))
    return made


@quick
@given(st.lists(jobs(), min_size=1, max_size=12), site_settings(), delays)
def test_all_that_fits_the_empty_nodes_starts(
    them: list[tuple[list[dict], dict, float]], site: SchedulingSettings, delay: float
) -> None:
    views = [
        (execution(number, *parts, **fields), runs)
        for number, (parts, fields, runs) in enumerate(them, start=1)
    ]
    made = world(site, views, delay)
    made.run_until()
    empty = Room.beside(Snapshot.of(NODES, (), ()))
    for view, _ in views:
        demand = essential_demand(view.zapp, site.defaults)
        fits = not isinstance(empty.copy().place_gang(demand, site.placement), Misfit)
        assert (view.id in made.ended) == fits
        if not fits:
            assert made.plan.verdicts[view.id].blocker is Blocker.TOO_LARGE
    assert len(made.snapshot.executions) == len(made.plan.waiting)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(memories, st.integers(1, 2), long, st.sampled_from([1, 1, 2, None])),
        min_size=6,
        max_size=14,
    ),
    st.sampled_from([0, 0, 2]),
    delays,
)
def test_who_passes_never_delays_the_head_beyond_what_was_promised(
    them: list[tuple[int, int, int, int | None]], overtake: int, delay: float
) -> None:
    """Where what runs ends by a hard limit, and what passes may start slowly.

    The limit is one or two times the run time, or none. What may have delayed the head is counted.
    """
    views = [
        (
            execution(
                number,
                service(memory=memory, essential=count),
                limit=None if factor is None else factor * runs,
            ),
            runs,
        )
        for number, (memory, count, runs, factor) in enumerate(them, start=1)
    ]
    made = world(SchedulingSettings(max_overtake=overtake), views, delay)
    promised: dict[int, datetime] = {}
    overtaken: set[int] = set()
    while made.step():
        overtaken.update(made.plan.overtaken)
        for execution_id, verdict in made.plan.verdicts.items():
            outlook = verdict.outlook
            if outlook is not None and outlook.by_limit and outlook.at is not None:
                promised.setdefault(execution_id, outlook.at)
    for execution_id, latest in promised.items():
        if execution_id not in overtaken:
            assert made.started[execution_id] <= latest + timedelta(seconds=delay)


def test_a_large_one_is_not_starved_by_a_stream_of_small_ones() -> None:
    """Without limits nobody can tell who delays it, so that only so many may pass."""
    large = execution(2, service(memory=8))
    stream = [(execution(number, user="bob"), 100.0) for number in range(3, 203)]
    first = (execution(1, service(memory=5)), 1000.0)
    site = SchedulingSettings(max_overtake=20)
    made = World(Snapshot.of(_one(), (), ()), site, StartRules(), after(0))
    for view, runs in [first, (large, 10.0), *stream]:
        made.submit(view, Work(runs, divisible=False))
    made.run_until()
    before = [each for each, when in made.started.items() if when < made.started[2]]
    assert set(before) == set(range(3, 23)) | {1}
    assert len(made.ended) == 202


def _one() -> list[Node]:
    return [node(memory=8)]
