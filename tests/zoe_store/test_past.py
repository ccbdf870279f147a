"""What the master learns of the past when its term begins."""

from dataclasses import replace

import pytest
from sqlalchemy import func, insert, select

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
from zoe_store.past import REMEMBERED_RUNS, REMEMBERED_USE, Run, past_use, recent_runs
from zoe_store.purge import purge
from zoe_store.tables import executions, purged_runs, purged_use

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


def has_used(database: Database, office: Office, user: str, begin: float, end_at: float) -> int:
    """An execution that ran and has ended, with an instance of 2 GB and half a core."""
    used = instance(
        memory=2,
        cores=0.5,
        desired=Desired.ABSENT,
        observed=Observed.EXITED,
        started_at=after(begin),
        ended_at=after(end_at),
    )
    view = stored(database, office, used, user=user)
    end(office, view, end_at)
    return view.id


def test_purging_changes_neither_shares_nor_what_is_known_of_run_times(
    database: Database, office: Office
) -> None:
    """Also when it is done bit by bit, and whenever that is."""
    mine = [
        has_used(database, office, "ada", number * HALF_LIFE / 3, (number + 1) * HALF_LIFE / 2)
        for number in range(3)
    ]
    theirs = has_used(database, office, "bob", 0, 1.2 * HALF_LIFE)
    now = after(4 * HALF_LIFE)
    runs, use = recent_runs(office), past_use(office, now)
    assert len(runs) == 4
    assert len(use.by_user) == 2

    for each, days in ((mine[1], 1.6), (mine[0], 2.5), (theirs, 2.5), (mine[2], 4.0)):
        assert purge(office, [each], after(days * HALF_LIFE)) == [each]

    with database.transaction() as connection:
        assert connection.scalar(select(func.count()).select_from(executions)) == 0
    assert recent_runs(office) == runs
    assert recent_runs(office, 2) == runs[2:]
    found = past_use(office, now)
    assert found.by_user.keys() == use.by_user.keys()
    for user, amounts in use.by_user.items():
        assert found.by_user[user] == pytest.approx(amounts)


def test_what_was_used_with_what_is_purged_is_forgotten_in_the_end(
    database: Database, office: Office
) -> None:
    """And what was kept ten years ago is in nobody's way."""
    one = has_used(database, office, "ada", 0, 60)
    purge(office, [one], after(60))
    assert past_use(office, after(REMEMBERED_USE)).by_user
    assert not past_use(office, after(REMEMBERED_USE + 100)).by_user
    years = 3650 * 24 * 3600.0
    again = has_used(database, office, "ada", years, years + 60)
    before = past_use(office, after(years + 60)).by_user["ada"]
    purge(office, [again], after(years + 60))
    assert past_use(office, after(years + 60)).by_user["ada"] == pytest.approx(before)


def test_of_what_is_purged_only_the_last_run_times_are_kept(
    database: Database, office: Office
) -> None:
    old = [
        {
            "execution_id": 100_000 + number,
            "user_name": "bob",
            "zapp_name": "pi",
            "seconds": 5.0,
            "ended_at": after(-number),
        }
        for number in range(REMEMBERED_RUNS)
    ]
    with database.transaction() as connection:
        connection.execute(insert(purged_runs), old)

    purge(office, [has_used(database, office, "ada", 10, 70)], after(80))

    with database.transaction() as connection:
        kept = connection.execute(
            select(func.count(), func.min(purged_runs.c.ended_at)).select_from(purged_runs)
        ).one()
        assert connection.scalar(select(func.count()).select_from(purged_use)) == 1
    assert tuple(kept) == (REMEMBERED_RUNS, after(-REMEMBERED_RUNS + 2))
    assert recent_runs(office)[-1] == Run("ada", "pi", 60.0)
