"""What a master knows when its term begins, from the database."""

from __future__ import annotations

from datetime import UTC, datetime

from zoe_core.scheduling import SchedulingSettings, StartRules
from zoe_master.engine.experience import Experience
from zoe_master.engine.reactor import Reactor
from zoe_store.master import load_live
from zoe_store.office import Office
from zoe_store.past import past_use, recent_runs
from zoe_store.site_rules import quotas_of


def recollect(
    office: Office, settings: SchedulingSettings, rules: StartRules
) -> tuple[Reactor, Experience]:
    """What lives, and how long things ran; blocks. Raises OutOfOffice, DatabaseAway."""
    executions, instances = load_live(office)
    experience = Experience(recent_runs(office))
    reactor = Reactor(
        executions=experience.foreseen(executions, quotas_of(office)),
        instances=instances,
        settings=settings,
        rules=rules,
        past=past_use(office, datetime.now(UTC)),
    )
    return reactor, experience
