"""What the master learns of the past when its term begins."""

from dataclasses import replace

import pytest

from tests.support.builders import GB, START, after, instance, service, zapp
from tests.support.submissions import submit
from zoe_core.amount import Amount
from zoe_core.cluster import (
    Desired,
    ExecutionStatus,
    ExecutionView,
    InstanceView,
    Observed,
    Outcome,
    PastUse,
)
from zoe_core.cluster.past_use import HALF_LIFE
from zoe_core.scheduling import Advance
from zoe_store import master
from zoe_store.database import Database
from zoe_store.office import Office
from zoe_store.past import REMEMBERED_USE, past_use, recent_runs

DONE = Outcome(ExecutionStatus.TERMINATED, "main-0 has finished.")


def stored(
    database: Database, office: Office, *instances: InstanceView, user: str = "alice"
) -> ExecutionView:
    """An execution that runs, with these instances."""
    one = submit(database, zapp(service(), name="pi"), user=user)
    (view,) = (each for each in master.read_news(office).submitted if each.id == one)
    running = replace(view, status=ExecutionStatus.RUNNING, started_at=after(10))
    mine = [replace(each, id=replace(each.id, execution_id=one)) for each in instances]
    step = Advance(executions={one: running}, instances={each.id: each for each in mine})
    master.write_advance(office, step, [], START)
    return running


def end(office: Office, view: ExecutionView, seconds: float) -> None:
    ended = replace(view, status=ExecutionStatus.TERMINATED, outcome=DONE)
    master.write_advance(office, Advance(executions={view.id: ended}), [], after(seconds))


def test_the_last_runs_in_the_order_of_their_ends(database: Database, office: Office) -> None:
    views = [stored(database, office, user=user) for user in ("ada", "bob", "eve", "joe")]
    never = replace(stored(database, office), started_at=None)
    end(office, views[1], 20)
    end(office, never, 25)
    end(office, views[0], 40.5)
    end(office, views[3], 30)
    found = recent_runs(office)
    assert [(each.user, each.zapp, each.seconds) for each in found] == [
        ("bob", "pi", 10),
        ("joe", "pi", 20),
        ("ada", "pi", 30.5),
    ]
    assert recent_runs(office, 2) == found[1:]


def test_past_use_counts_as_it_would_have_in_memory(database: Database, office: Office) -> None:
    now = after(3 * HALF_LIFE)
    ended = instance(
        memory=2,
        cores=0.5,
        desired=Desired.ABSENT,
        observed=Observed.EXITED,
        started_at=after(0),
        ended_at=after(HALF_LIFE),
    )
    running = instance(index=1, memory=1, cores=1, started_at=after(2 * HALF_LIFE))
    never = instance(index=2, observed=Observed.CREATING)
    stored(database, office, ended, running, never, user="ada")
    stored(database, office, running, user="bob")
    held, more = Amount(2 * GB, 500), Amount(GB, 1000)
    expected = (
        PastUse(START)
        .later(after(HALF_LIFE), {"ada": held})
        .later(after(2 * HALF_LIFE), {})
        .later(now, {"ada": more, "bob": more})
    )
    found = past_use(office, now)
    assert found.at == now
    assert set(found.by_user) == {"ada", "bob"}
    for user, use in expected.by_user.items():
        assert found.by_user[user] == pytest.approx(use)


def test_what_is_long_ago_is_forgotten(database: Database, office: Office) -> None:
    ended = instance(
        desired=Desired.ABSENT, observed=Observed.LOST, started_at=after(0), ended_at=after(9)
    )
    stored(database, office, ended)
    assert past_use(office, after(REMEMBERED_USE)).by_user
    assert not past_use(office, after(REMEMBERED_USE + 10)).by_user


def test_an_instance_given_up_before_it_ran_used_nothing(
    database: Database, office: Office
) -> None:
    given_up = instance(desired=Desired.ABSENT, observed=Observed.NONE, started_at=None)
    stored(database, office, given_up)
    assert past_use(office, after(60)) == PastUse(after(60), {})
