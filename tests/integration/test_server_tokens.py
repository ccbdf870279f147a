"""A server never runs with the token of another launch, however Hub and master take turns."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from tests.support.builders import DEFAULTS, START, node
from tests.support.submissions import submit
from zoe_core.cluster import Desired, ExecutionStatus, InstanceId, Observed
from zoe_core.scheduling import SchedulingSettings, StartRules
from zoe_master.backends.base import Observation
from zoe_master.engine.reactor import Facts, Reactor, Sighting, Step
from zoe_store import executions, master, servers, tables
from zoe_store.database import Database
from zoe_store.office import Office


def token(launch: int) -> dict[str, str]:
    return {"TOKEN": str(launch)}


class World:
    """A server, the Hub that launches it, the master and its applier: each does its next part."""

    def __init__(self, database: Database, office: Office) -> None:
        self.database = database
        self.office = office
        with database.transaction() as connection:
            connection.execute(delete(tables.executions))
        self.id = submit(database, zapp="jupyter", server_name="lab", secrets=token(0))
        self.launch = self.taken_over = 0
        self.reactor = Reactor(
            executions=[],
            instances=[],
            settings=SchedulingSettings(defaults=DEFAULTS),
            rules=StartRules(),
        )
        self.facts = Facts(nodes=[node()])
        self.pending: tuple[Step, Facts] | None = None
        self.started_with: dict[InstanceId, dict[str, str]] = {}

    # --- the Hub ---

    def restart_the_hub(self) -> None:
        self.launch += 1

    def hold(self) -> None:
        if self.taken_over != self.launch:
            servers.hold(self.database, self.id, "The Hub was restarted.", START)

    def take_over(self) -> None:
        if self.taken_over != self.launch:
            secrets = token(self.launch)
            if servers.relaunch(self.database, self.id, secrets, START):
                self.taken_over = self.launch

    # --- the master ---

    def decide(self) -> None:
        if self.pending is None:
            facts, self.facts = self.facts, Facts()
            facts.news = master.read_news(self.office)
            self.pending = self.reactor.step(facts, START), facts

    def write(self) -> None:
        if self.pending is not None:
            step, _ = self.pending
            master.write_advance(self.office, step.advance, step.handled, START)
            self.reactor.commit(step)
            self.pending = None

    def act(self) -> None:
        """Both at once, as mostly."""
        self.decide()
        self.write()

    def read_secrets(self) -> None:
        for instance in self.reactor.snapshot.instances_of(self.id):
            if instance.desired is Desired.PRESENT and instance.id not in self.started_with:
                self.started_with[instance.id] = master.secrets_of(self.office, self.id)

    def see(self) -> None:
        for instance in self.reactor.snapshot.instances_of(self.id):
            wanted = instance.desired is Desired.PRESENT
            if instance.id in self.started_with or not wanted:
                seen = Observed.RUNNING if wanted else Observed.LOST
                observation = Observation(instance.id, seen, instance.node)
                self.facts.sightings.append(Sighting(observation))

    # --- what must hold ---

    def check(self) -> None:
        record = executions.get(self.database, self.id)
        assert record is not None
        if record.status is ExecutionStatus.RUNNING and self.taken_over == self.launch:
            newest = max(self.started_with)
            assert self.started_with[newest] == token(self.launch)


ACTIONS: list[Callable[[World], None]] = [
    World.restart_the_hub,
    World.hold,
    World.take_over,
    World.act,
    World.decide,
    World.write,
    World.read_secrets,
    World.see,
]
STARTS = [World.act, World.read_secrets, World.see]
RESTART = [World.restart_the_hub, World.hold]
TAKEN_OVER = [World.restart_the_hub, World.take_over]


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(actions=st.lists(st.sampled_from(ACTIONS), min_size=8, max_size=40))
@example(actions=[World.act, *RESTART, *STARTS])
@example(actions=[World.act, World.read_secrets, *TAKEN_OVER, World.see, World.act])
@example(actions=[World.act, World.read_secrets, *RESTART, World.take_over, World.see, World.act])
@example(actions=[*STARTS, *RESTART, World.act, World.take_over, *STARTS, *STARTS])
@example(actions=[*RESTART, World.act, World.take_over, World.decide, *RESTART, World.write])
def test_what_runs_for_a_launch_has_its_token(
    database: Database, office: Office, actions: list[Callable[[World], None]]
) -> None:
    world = World(database, office)
    for action in actions:
        action(world)
        world.check()
    comes_to_rest(world)


def comes_to_rest(world: World) -> None:
    """Left alone, the server of the last launch is taken over and runs; or it ran before."""
    for _ in range(12):
        for action in (World.hold, World.take_over, *STARTS):
            action(world)
            world.check()
    record = executions.get(world.database, world.id)
    assert record is not None
    assert record.status is ExecutionStatus.RUNNING
