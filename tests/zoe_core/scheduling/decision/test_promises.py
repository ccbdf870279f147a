"""What holds for the head of the queue: more room is never worse, and its places are kept."""

from dataclasses import dataclass, replace
from math import inf
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.support.builders import (
    START,
    after,
    amount,
    execution,
    instance,
    node,
    plan,
    service,
    snapshot,
    started,
    worker,
)
from tests.zoe_core.scheduling.strategies import shapes
from zoe_core.cluster import ExecutionStatus, ExecutionView, InstanceView, Node, Observed, Snapshot
from zoe_core.scheduling import Blocker, Placement, Plan
from zoe_core.scheduling.decision.ends import SLACK
from zoe_core.scheduling.placement import BestFit, Pack, Spread

HEAD = 10
NOW = 60.0
HOUR = 3600

placements: st.SearchStrategy[Placement] = st.sampled_from([Spread(), Pack(), BestFit()])
several = settings(max_examples=200, deadline=None)


@dataclass(frozen=True)
class Crowd:
    """A cluster on which some run and some wait, of whom ``HEAD`` came first."""

    nodes: list[Node]
    running: list[ExecutionView]
    there: list[InstanceView]
    waiting: list[ExecutionView]

    def picture(self) -> Snapshot:
        return snapshot(self.nodes, [*self.running, *self.waiting], self.there)

    def without(self, ids: set[int]) -> "Crowd":
        """These executions have ended."""
        return Crowd(
            self.nodes,
            [each for each in self.running if each.id not in ids],
            [each for each in self.there if each.id.execution_id not in ids],
            self.waiting,
        )


@st.composite
def crowds(draw: st.DrawFn, kinds: int) -> Crowd:
    """The head has ``kinds`` services."""
    nodes = [
        node(f"node-{number}", memory=draw(st.integers(2, 12)), cores=draw(st.integers(2, 12)))
        for number in range(draw(st.integers(1, 3)))
    ]
    running, there = [], []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        view, its = draw(at_work(number, nodes))
        running.append(view)
        there += its
    head = execution(HEAD, *(draw(parts(name)) for name in ("main", "worker")[:kinds]))
    behind = [
        execution(HEAD + each, draw(parts("main", most=1)), **draw(times))
        for each in range(1, draw(st.integers(0, 6)) + 1)
    ]
    return Crowd(nodes, running, there, [head, *behind])


times = st.fixed_dictionaries(
    {
        "limit": st.sampled_from([None, 100, 1000, HOUR]),
        "expected_seconds": st.sampled_from([None, None, 50, 500]),
    }
)


@st.composite
def parts(draw: st.DrawFn, name: str, most: int = 3) -> dict[str, Any]:
    """A service of any shape, all of it essential: up to ``most`` instances."""
    memory, cores = draw(shapes)
    return service(
        name,
        monitor=name == "main",
        memory=memory,
        cores=cores,
        essential=draw(st.integers(1, most)),
    )


@st.composite
def at_work(
    draw: st.DrawFn, number: int, nodes: list[Node]
) -> tuple[ExecutionView, list[InstanceView]]:
    """One that runs since START, with some elastic instances, all of one shape."""
    memory, cores = draw(shapes)
    fields = {"memory": memory, "cores": cores}
    elastic = draw(st.integers(0, 2))
    shrink = {"allowed": draw(st.booleans())}
    view = execution(
        number,
        service(**fields),
        worker(essential=0, elastic=max(1, elastic), shrink=shrink, min_hold=HOUR, **fields),
        status="running",
        started_at=START,
        **draw(times),
    )
    where = st.sampled_from([each.name for each in nodes])
    workers = [
        instance(number, "worker", index, essential=False, node=draw(where), **fields)
        for index in range(elastic)
    ]
    return view, [instance(number, node=draw(where), **fields), *workers]


def when(made: Plan) -> float:
    """The Unix time at which the head has its room, as far as the plan says."""
    if HEAD in started(made):
        return -inf
    verdict = made.verdicts[HEAD]
    if verdict.blocker is Blocker.MAKING_ROOM:
        return after(NOW).timestamp()
    assert verdict.outlook is not None
    return inf if verdict.outlook.at is None else verdict.outlook.at.timestamp()


@several
@given(crowds(kinds=1), placements, st.data())
def test_more_room_never_delays_a_head_whose_instances_are_equal(
    crowd: Crowd, placement: Placement, data: st.DataObject
) -> None:
    """With several kinds of instances it may: they are placed one kind after the other, and with
    more to choose from the first may take what the second cannot do without."""
    before = plan(crowd.picture(), NOW, placement=placement)
    assume(before.verdicts.get(HEAD) and before.verdicts[HEAD].blocker is not Blocker.TOO_LARGE)
    ended = data.draw(st.sets(st.sampled_from([each.id for each in crowd.running])))
    freed = crowd.without(ended)
    more = [
        replace(
            each, capacity=each.capacity + amount(*data.draw(st.sampled_from([(0, 0), (2, 3)])))
        )
        for each in freed.nodes
    ]
    later = plan(replace(freed, nodes=more).picture(), NOW, placement=placement)
    assert when(later) <= when(before)


@several
@given(crowds(kinds=2), placements)
def test_the_head_finds_its_places_when_its_time_has_come(
    crowd: Crowd, placement: Placement
) -> None:
    """Whatever its instances are, and whatever passed it or has grown meanwhile."""
    made = plan(crowd.picture(), NOW, placement=placement, max_overtake=0)
    assume(made.verdicts.get(HEAD) and made.verdicts[HEAD].outlook is not None)
    outlook = made.verdicts[HEAD].outlook
    assert outlook is not None
    assume(outlook.at is not None)
    seconds = when(made) - START.timestamp()
    then = _later(crowd, made, seconds)
    again = plan(then.picture(), seconds, placement=placement, max_overtake=0)
    assert HEAD in started(again) or again.verdicts[HEAD].blocker is Blocker.MAKING_ROOM


def _later(crowd: Crowd, made: Plan, seconds: float) -> Crowd:
    """What is due by then has ended, what passed the head runs if it may."""
    limits = {each.id: each.zapp.runtime_limit for each in crowd.waiting}
    fresh = {each: limits[each] or inf for each in started(made)}
    stay = {each for each, limit in fresh.items() if NOW + limit + SLACK > seconds}
    due = {each.id for each in crowd.running if _end(each) <= seconds}
    passers = [
        replace(each, status=ExecutionStatus.RUNNING, started_at=after(NOW))
        for each in crowd.waiting
        if each.id in stay
    ]
    gangs = [each for gang in made.gangs if gang.execution_id in stay for each in gang.instances]
    new = [_seen(each) for each in (*gangs, *made.grown) if each.id.execution_id not in due]
    new = [each for each in new if each.id.execution_id in stay or each.id.execution_id < HEAD]
    kept = crowd.without(due)
    return Crowd(
        kept.nodes,
        [*kept.running, *passers],
        [*kept.there, *new],
        [each for each in crowd.waiting if each.id not in fresh],
    )


def _seen(new: InstanceView) -> InstanceView:
    return replace(new, observed=Observed.RUNNING, started_at=after(NOW))


def _end(view: ExecutionView) -> float:
    """Seconds after START to its end, as it is expected at NOW."""
    limit, expected = view.zapp.runtime_limit or inf, view.expected_seconds or inf
    likely = min(limit, expected)
    return likely if likely > NOW else limit
