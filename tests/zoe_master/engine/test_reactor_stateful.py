"""Any facts in any order: the reactor never breaks its own rules, and everything ends."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.support.builders import DEFAULTS, after, amount, execution, node, service, worker
from tests.support.free_room import free_room
from tests.zoe_core.scheduling.written import Written
from zoe_core.amount import Amount
from zoe_core.cluster import (
    Desired,
    ExecutionView,
    InstanceId,
    InstanceView,
    Observed,
)
from zoe_core.scheduling import SchedulingSettings, StartRules, effects
from zoe_master.backends.base import Observation
from zoe_master.engine.reactor import Facts, Reactor, Sighting, Step
from zoe_store.master import Intent, News

RULES = StartRules(deadline=60, attempts=3)
picks = st.integers(0, 10**6)
ROOMY = [node(f"node-{number}", memory=64, cores=64) for number in range(2)]


class Deployment(RuleBasedStateMachine):
    """Facts are collected by rules, and taken in by the rule ``step``."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.submitted = 0
        self.written = Written()
        self.facts = Facts(nodes=ROOMY)
        self.reactor = self.make([], [])

    def make(self, executions: list[ExecutionView], instances: list[InstanceView]) -> Reactor:
        return Reactor(
            executions=executions,
            instances=instances,
            settings=SchedulingSettings(defaults=DEFAULTS),
            rules=RULES,
        )

    # --- facts ---

    @rule(
        essential=st.integers(0, 2),
        elastic=st.integers(1, 2),
        memory=st.sampled_from([1, 2, 8]),
        limit=st.sampled_from([None, None, 90]),
        at_once=st.booleans(),
    )
    def submit(
        self, essential: int, elastic: int, memory: int, limit: float | None, at_once: bool
    ) -> None:
        self.submitted += 1
        parts = (
            service(memory=memory),
            worker(essential=essential, elastic=elastic, restart="on-failure"),
        )
        new = execution(self.submitted, *parts, status="submitted", limit=limit)
        self.facts.news = News((*self.facts.news.submitted, new), self.facts.news.intents)
        if at_once:
            self.step()

    @precondition(lambda self: self.submitted)
    @rule(
        pick=picks,
        kind=st.sampled_from(["terminate", "hold", "release", "of a later version"]),
        at_once=st.booleans(),
    )
    def wish(self, pick: int, kind: str, at_once: bool) -> None:
        wish = Intent(0, pick % self.submitted + 1, kind, "ada", {"reason": "Enough."})
        self.facts.news = News(self.facts.news.submitted, (*self.facts.news.intents, wish))
        if at_once:
            self.step()

    @precondition(lambda self: self.written.instances)
    @rule(
        pick=picks,
        seen=st.sampled_from(
            [
                (Observed.CREATING, None),
                (Observed.RUNNING, None),
                (Observed.RUNNING, None),
                (Observed.EXITED, 0),
                (Observed.EXITED, 1),
                (Observed.LOST, None),
            ]
        ),
        times=st.integers(1, 2),
        at_once=st.booleans(),
    )
    def see(self, pick: int, seen: tuple[Observed, int | None], times: int, at_once: bool) -> None:
        """Of anything that there ever was, however late."""
        known = sorted(self.written.instances)
        self.report(known[pick % len(known)], *seen, times)
        if at_once:
            self.step()

    @precondition(lambda self: self.reactor.snapshot.executions)
    @rule()
    def see_all_that_starts_run(self) -> None:
        for each in self.reactor.snapshot.all_instances():
            if each.observed is Observed.NONE and each.desired is Desired.PRESENT:
                self.report(each.id, Observed.RUNNING)

    def report(
        self, which: InstanceId, seen: Observed, code: int | None = None, times: int = 1
    ) -> None:
        self.facts.sightings += [Sighting(Observation(which, seen, "node-0", code))] * times

    @rule(memory=st.integers(0, 12), state=st.sampled_from([{}, {"draining": True}, {"online": 0}]))
    def see_nodes(self, memory: int, state: dict[str, bool]) -> None:
        self.facts.nodes = [node("node-0", memory, 16), node("node-1", 8, 16, **state)]

    @rule()
    def clean(self) -> None:
        picture = self.reactor.snapshot
        self.facts.cleaned += [
            each.id
            for each in picture.executions.values()
            if effects(each, tuple(picture.instances_of(each.id))).clean
        ]

    @rule(seconds=st.sampled_from([1, 30, 60, 90]), at_once=st.booleans())
    def wait(self, seconds: int, at_once: bool) -> None:
        self.now += seconds
        if at_once:
            self.step()

    # --- steps ---

    @rule()
    def step(self) -> None:
        step = self.reactor.step(self.facts, after(self.now))
        self.written.take(step.advance)
        self.reactor.commit(step)
        self.facts = Facts()
        self.nothing_new_is_placed_on_an_overdrawn_node(step)

    def nothing_new_is_placed_on_an_overdrawn_node(self, step: Step) -> None:
        free = free_room(step.snapshot)
        for each in step.advance.instances.values():
            if each.desired is Desired.PRESENT and each.observed is Observed.NONE:
                assert Amount().fits_in(free[each.node])

    @rule()
    def fail_to_write_a_step(self) -> None:
        """The database was away: nothing of the step happened, and the facts stay."""
        self.reactor.step(self.facts, after(self.now))

    @rule()
    def start_anew_from_what_is_written(self) -> None:
        self.reactor = self.make(self.written.live(), self.written.live_instances())
        if self.facts.nodes is None:
            self.facts.nodes = ROOMY

    # --- what always holds ---

    @invariant()
    def memory_is_what_is_written(self) -> None:
        picture = self.reactor.snapshot
        assert dict(picture.executions) == {each.id: each for each in self.written.live()}
        for number, view in self.written.executions.items():
            assert view.status is self.written.statuses[number]

    @invariant()
    def reservations_are_the_sum_over_instances(self) -> None:
        held = self.written.held()
        for name, free in free_room(self.reactor.snapshot).items():
            capacity = self.reactor.snapshot.nodes[name].capacity
            assert capacity - free == held.get(name, amount(0, 0))

    def teardown(self) -> None:
        """With room for all, everything ends once its instances end."""
        released = [Intent(0, each, "release", "ada", {}) for each in range(1, self.submitted + 1)]
        self.facts.news = News(self.facts.news.submitted, (*self.facts.news.intents, *released))
        self.facts.nodes = ROOMY
        self.step()
        for _ in range(8 * self.submitted + 8):
            for each in self.reactor.snapshot.all_instances():
                if each.observed not in (Observed.EXITED, Observed.LOST):
                    self.report(each.id, Observed.EXITED, 0)
            self.clean()
            self.step()
        assert self.written.live() == []
        assert self.written.held() == {}
        assert len(self.written.executions) == self.submitted


TestDeployment = Deployment.TestCase
TestDeployment.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
