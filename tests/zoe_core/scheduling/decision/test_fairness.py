"""In the long run, in virtual time: everybody starts, and promises to who waits are kept."""

from datetime import datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.builders import after, execution, node, service, worker
from tests.zoe_core.scheduling.strategies import site_settings
from zoe_core.cluster import ExecutionView, Node, Snapshot
from zoe_core.scheduling import Blocker, SchedulingSettings, StartRules
from zoe_core.simulation.work import Work
from zoe_core.simulation.world import World

NODES = [node("large", memory=8), node("small-0", memory=4), node("small-1", memory=4)]
quick = settings(max_examples=40, deadline=None)

memories = st.sampled_from([1, 1, 2, 3, 4, 6, 8])
seconds = st.integers(1, 50).map(lambda tens: tens * 10)


@st.composite
def jobs(draw: st.DrawFn) -> tuple[list[dict], dict[str, Any], float]:
    """The services of an execution, its other fields, and how many seconds it runs."""
    parts = [service(memory=draw(memories), essential=draw(st.integers(1, 2)))]
    if draw(st.booleans()):
        fields = {
            "shrink": {"allowed": draw(st.booleans())},
            "min_hold": draw(st.sampled_from([0, 0, 60])),
        }
        parts.append(
            worker(essential=draw(st.integers(0, 2)), elastic=draw(st.integers(1, 4)), **fields)
        )
    runs = draw(seconds)
    guess = draw(st.sampled_from([None, 30, 300]))
    limit = draw(st.sampled_from([None, runs, 2 * runs]))
    fields = {
        "expected_seconds": guess,
        "limit": limit,
        "user": draw(st.sampled_from(["alice", "bob"])),
        "priority": draw(st.sampled_from(["normal", "normal", "high"])),
    }
    return parts, fields, runs


def world(site: SchedulingSettings, them: list[tuple[ExecutionView, float]]) -> World:
    """All of these come at their time, and run as many seconds whatever they have."""
    made = World(Snapshot.of(NODES, (), ()), site, StartRules(), after(0))
    for view, runs in them:
        made.submit(view, Work(runs, divisible=False))
    return made


@quick
@given(st.lists(jobs(), min_size=1, max_size=12), site_settings())
def test_all_that_fits_the_empty_nodes_starts(
    them: list[tuple[list[dict], dict, float]], site: SchedulingSettings
) -> None:
    views = [
        (execution(number, *parts, **fields), runs)
        for number, (parts, fields, runs) in enumerate(them, start=1)
    ]
    made = world(site, views)
    made.run_until()
    for view, _ in views:
        if view.id not in made.ended:
            assert made.plan.verdicts[view.id].blocker is Blocker.TOO_LARGE
    assert len(made.snapshot.executions) == len(made.plan.waiting)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(memories, st.integers(1, 2), seconds, st.sampled_from([1, 2, None])),
        min_size=6,
        max_size=14,
    ),
    st.integers(0, 2),
)
def test_who_passes_never_delays_the_head_beyond_what_was_promised(
    them: list[tuple[int, int, int, int | None]], overtake: int
) -> None:
    """Where what runs ends by a hard limit; the limit is one or two times the run time, or none."""
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
    made = world(SchedulingSettings(max_overtake=overtake), views)
    promised: dict[int, datetime] = {}
    while made.step():
        for execution_id, verdict in made.plan.verdicts.items():
            outlook = verdict.outlook
            if outlook is not None and outlook.by_limit and outlook.at is not None:
                promised.setdefault(execution_id, outlook.at)
    for execution_id, latest in promised.items():
        assert made.started[execution_id] <= latest


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
