"""Whatever happens, in whatever order it is told: the life of executions keeps its rules."""

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support.builders import execution, node, service, worker
from tests.zoe_core.scheduling.lifecycle.life import Life
from tests.zoe_core.scheduling.world import Report, World
from tests.zoe_core.scheduling.written import Written
from zoe_core.cluster import FINAL, Desired, ExecutionStatus, Snapshot
from zoe_core.scheduling import Reconciler

Fact = Callable[[Reconciler], object]

picks = st.integers(0, 10**6)
NODES = [node("large", memory=6, cores=8), node("small", memory=3, cores=8)]
UP = (ExecutionStatus.STARTING, ExecutionStatus.RUNNING)


@dataclass(frozen=True)
class Application:
    """What is submitted: its services, and its runtime limit in seconds."""

    parts: tuple[dict, ...]
    limit: float | None


@st.composite
def applications(draw: st.DrawFn) -> Application:
    """A monitor, and mostly workers; sizes that often just fit or just don't."""
    restart = draw(st.sampled_from(["never", {"policy": "on-failure", "count": 1}]))
    essential, elastic = draw(st.integers(0, 2)), draw(st.integers(0, 3))
    fields = {
        "restart": restart,
        "shrink": {"allowed": draw(st.sampled_from([True, True, False]))},
        "min_hold": draw(st.sampled_from([0, 0, 45])),
    }
    monitor = service(memory=draw(st.sampled_from([1, 1, 2, 5])), restart=restart)
    workers = [worker(essential=essential, elastic=elastic, **fields)] * (essential + elastic > 0)
    return Application((monitor, *workers), draw(st.sampled_from([None, None, 90])))


class Lives(RuleBasedStateMachine):
    """What is wished and heard waits in ``facts`` until a rule takes the next step."""

    def __init__(self) -> None:
        super().__init__()
        self.life = Life(NODES)
        self.world = World()
        self.written = Written()
        self.facts: list[Fact] = []
        self.submitted = 0

    # --- people ---

    @initialize(them=st.lists(applications(), min_size=1, max_size=3))
    def some_run_already(self, them: list[Application]) -> None:
        for each in them:
            self.submit(each)
            self.work()

    @rule(it=applications())
    def submit(self, it: Application) -> None:
        self.submitted += 1
        new = execution(self.submitted, *it.parts, status="submitted", limit=it.limit)
        self.facts += [lambda each: each.admit(new)] * 2
        self.step()

    @precondition(lambda self: self.submitted)
    @rule(pick=picks, wish=st.sampled_from(["wish_end", "hold", "release", "release"]))
    def wish(self, pick: int, wish: str) -> None:
        number = pick % self.submitted + 1
        arguments = (number,) if wish == "release" else (number, "Why not.")
        self.facts.append(lambda each: getattr(each, wish)(*arguments))

    # --- the back-end ---

    @rule(runs=st.booleans(), stubborn=st.booleans())
    def act(self, runs: bool, stubborn: bool = False) -> None:
        self.world.act(self.life.picture, stubborn=stubborn)
        if runs:
            for each in self.world.alive():
                self.world.run(each)

    @rule()
    def work(self) -> None:
        """All goes well for a while."""
        self.act(runs=True)
        self.hear_all()

    @precondition(lambda self: self.world.alive())
    @rule(pick=picks, code=st.sampled_from([0, 1, 1, None]))
    def end_one(self, pick: int, code: int | None) -> None:
        """It ends with this code, or vanishes."""
        one = self.world.alive()[pick % len(self.world.alive())]
        if code is None:
            self.world.vanish(one)
            self.relist()
        else:
            self.world.exit(one, code)

    @precondition(lambda self: self.world.unread)
    @rule(pick=picks)
    def hear_one_out_of_turn(self, pick: int) -> None:
        self.hear(self.world.unread.pop(pick % len(self.world.unread)))

    @rule()
    def hear_all(self) -> None:
        while self.world.unread:
            self.hear(self.world.unread.pop(0))
        self.step()

    @precondition(lambda self: self.world.reports)
    @rule(pick=picks)
    def hear_one_once_more(self, pick: int) -> None:
        """Of all there ever were, however old; it was heard before."""
        old = [each for each in self.world.reports if each not in self.world.unread]
        if old:
            self.hear(old[pick % len(old)])

    @rule()
    def relist(self) -> None:
        self.world.relist(self.life.picture)
        self.hear_all()

    @rule(which=st.integers(0, 1), state=st.sampled_from([{}, {"online": False}, {"draining": 1}]))
    def see_nodes(self, which: int, state: dict[str, bool]) -> None:
        self.put_nodes([replace(NODES[which], **state), NODES[1 - which]])
        self.step()

    def hear(self, report: Report) -> None:
        if report.instance is None:
            self.facts.append(lambda each: each.cleaned(report.execution_id))
        else:
            which, seen, code = report.instance, report.observed, report.exit_code
            self.facts.append(lambda each: each.observe(which, seen, exit_code=code))

    # --- the master ---

    @rule(seconds=st.sampled_from([1, 30, 60, 90]))
    def wait(self, seconds: int) -> None:
        self.life.now += seconds
        self.step()

    @rule()
    def step(self) -> None:
        advance = self.life.step(self.take_in())
        self.facts = []
        self.written.take(advance)

    def take_in(self) -> Fact:
        facts = self.facts
        return lambda reconciler: [fact(reconciler) for fact in facts]

    @rule()
    def crash_before_a_step_is_written(self) -> None:
        """Nothing of it happened: the facts come again, reports by a full list as well."""
        ghost = copy.copy(self.life)
        ghost.events, ghost.last = [], {}
        ghost.begin_scheduling()
        ghost.step(self.take_in())
        self.start_anew()

    @rule()
    def start_anew(self) -> None:
        """Another master begins with what is written, and with a full list."""
        self.life.picture = Snapshot.of(
            self.life.picture.nodes.values(), self.written.live(), self.written.live_instances()
        )
        self.relist()

    @rule()
    def doubled_facts_change_nothing(self) -> None:
        """All that is known to be so is told once more; time stands still."""
        self.step()
        self.world.relist(self.life.picture)
        self.hear_all()
        for each in self.world.reports[-20:]:
            if each not in self.world.unread:
                self.hear(each)
        assert not self.life.step(self.take_in())
        self.facts = []

    # --- what always holds ---

    @invariant()
    def memory_is_what_is_written(self) -> None:
        picture = self.life.picture
        assert dict(picture.executions) == {each.id: each for each in self.written.live()}
        for number, view in self.written.executions.items():
            assert view.status is self.written.statuses[number]
            assert view.on_hold == self.written.on_hold.get(number, False)

    @invariant()
    def no_node_is_promised_twice(self) -> None:
        held = self.written.held()
        for each in NODES:
            assert each.name not in held or held[each.name].fits_in(each.capacity)

    @invariant()
    def what_is_there_holds_its_room(self) -> None:
        """Also what was given up while its start was under way."""
        for each in self.world.alive():
            assert self.written.instances[each].holds_reservation

    @invariant()
    def an_instance_has_one_attempt_at_a_time(self) -> None:
        wanted = [
            each.id
            for each in self.life.picture.all_instances()
            if each.desired is Desired.PRESENT and not each.gone
        ]
        for group in (wanted, self.world.alive()):
            attempts = Counter((each.execution_id, each.name) for each in group)
            assert max(attempts.values(), default=0) <= 1

    @invariant()
    def what_runs_has_all_that_it_needs(self) -> None:
        """Each essential instance has been wanted since the gang started."""
        for view in self.life.picture.executions.values():
            there = self.life.picture.instances_of(view.id)
            present = {each.id.name for each in there if each.desired is Desired.PRESENT}
            if view.status in UP:
                assert {each.id.name for each in there if each.essential} <= present
            else:
                assert not present
            assert not (view.on_hold and view.status in UP)

    @invariant()
    def what_has_ended_holds_nothing(self) -> None:
        for each in self.written.instances.values():
            ended = self.written.executions[each.id.execution_id].status in FINAL
            assert not ended or (each.gone and each.id not in self.world.there)

    def put_nodes(self, nodes: list) -> None:
        self.life.picture = replace(self.life.picture, nodes={each.name: each for each in nodes})

    def teardown(self) -> None:
        """With the faults over, everything ends once its instances have done their work."""
        self.put_nodes(NODES)
        for number in range(1, self.submitted + 1):
            self.facts.append(lambda each, number=number: each.release(number))
        for _ in range(6 * self.submitted + 6):
            self.relist()
            self.work()
            for each in self.world.alive():
                self.world.exit(each, 0)
        assert self.written.live() == []
        assert self.written.held() == {}
        assert self.world.there == {}
        assert len(self.written.executions) == self.submitted


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
