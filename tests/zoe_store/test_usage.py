"""What was used in a period, of what there is and of what was purged; and purging itself."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import insert, select, text, update

from tests.support.builders import GB, START, after, instance, service, zapp
from tests.support.submissions import submit
from zoe_core.amount import Amount
from zoe_core.cluster import Desired, ExecutionStatus, InstanceView, Observed, Outcome
from zoe_core.intervals import Interval
from zoe_core.scheduling import Advance
from zoe_store import master
from zoe_store.database import Database
from zoe_store.office import Office
from zoe_store.purge import purge, request_purge, wanted
from zoe_store.tables import events, executions, instances, usage_totals
from zoe_store.usage import Usage, series, usage

HOUR = 3600.0
LATER = after(10 * HOUR)


def held(begin: float, end: float | None, index: int = 0) -> InstanceView:
    """An instance of 2 GB and half a core, held between these seconds."""
    return instance(
        memory=2,
        cores=0.5,
        index=index,
        desired=Desired.PRESENT if end is None else Desired.ABSENT,
        observed=Observed.RUNNING if end is None else Observed.EXITED,
        started_at=after(begin),
        ended_at=None if end is None else after(end),
    )


def stored(
    database: Database,
    office: Office,
    *parts: InstanceView,
    user: str = "alice",
    groups: Sequence[str] = (),
    gallery: str | None = None,
    started: float | None = 60,
    ended: float | None = None,
    status: ExecutionStatus = ExecutionStatus.TERMINATED,
) -> int:
    """An execution, submitted at START, with these instances."""
    one = submit(database, zapp(service(), name="pi"), user=user)
    (view,) = (each for each in master.read_news(office).submitted if each.id == one)
    running = replace(
        view,
        status=ExecutionStatus.RUNNING,
        started_at=None if started is None else after(started),
    )
    mine = [replace(each, id=replace(each.id, execution_id=one)) for each in parts]
    step = Advance(executions={one: running}, instances={each.id: each for each in mine})
    master.write_advance(office, step, [], START)
    if ended is not None:
        over = replace(running, status=status, outcome=Outcome(status, "It is over."))
        master.write_advance(office, Advance(executions={one: over}), [], after(ended))
    values = {"zapp": gallery, "groups": list(groups), "submitted_at": START}
    with database.transaction() as connection:
        connection.execute(update(executions).where(executions.c.id == one).values(values))
    return one


def by_key(found: list[Usage]) -> dict[str, Usage]:
    return {each.key: each for each in found}


def test_only_what_was_held_within_the_period_counts(database: Database, office: Office) -> None:
    stored(database, office, held(0, 4 * HOUR), ended=4 * HOUR + 5)

    (first,) = usage(database, after(HOUR), after(3 * HOUR), LATER)
    (second,) = usage(database, after(3 * HOUR), after(9 * HOUR), LATER)

    assert (first.executions, first.millicore_seconds) == (0, 500 * 2 * HOUR)
    assert (second.executions, second.millicore_seconds) == (1, 500 * HOUR)
    assert second.byte_seconds == 2 * GB * HOUR
    assert usage(database, after(5 * HOUR), after(9 * HOUR), LATER) == []


def test_what_is_held_now_counts_up_to_now(database: Database, office: Office) -> None:
    stored(database, office, held(HOUR, None))

    (found,) = usage(database, START, after(100 * HOUR), after(3 * HOUR))

    assert found == Usage("alice", 0, 0, 0, 0, 500 * 2 * HOUR, 2 * GB * 2 * HOUR, 0)


def test_failures_and_waiting_are_counted_where_executions_end(
    database: Database, office: Office
) -> None:
    stored(database, office, started=60, ended=100)
    stored(database, office, started=120, ended=200, status=ExecutionStatus.ERROR)
    stored(database, office, started=None, ended=300, status=ExecutionStatus.ERROR)

    (found,) = usage(database, START, LATER, LATER)

    assert (found.executions, found.failed, found.ran, found.wait_seconds) == (3, 2, 2, 180)


def test_by_user_group_zapp_and_day(database: Database, office: Office) -> None:
    midnight = (datetime(2026, 11, 3, tzinfo=UTC) - START).total_seconds()
    stored(
        database,
        office,
        held(midnight - HOUR, midnight + 2 * HOUR),
        user="ada",
        groups=["lab", "staff"],
        gallery="spark-job",
        ended=midnight + 2 * HOUR,
    )
    stored(database, office, held(0, HOUR), user="bob", ended=HOUR)
    until = after(midnight + 9 * HOUR)

    def hours(group_by: str, user: str | None = None) -> dict[str, tuple[int, float]]:
        found = usage(database, START, until, until, group_by=group_by, user=user)  # type: ignore[arg-type]
        return {each.key: (each.executions, each.millicore_seconds / 500 / HOUR) for each in found}

    assert hours("user") == {"ada": (1, 3), "bob": (1, 1)}
    assert hours("group") == {"": (1, 1), "lab": (1, 3), "staff": (1, 3)}
    assert hours("zapp") == {"": (1, 1), "spark-job": (1, 3)}
    assert hours("day") == {"2026-11-02": (1, 2), "2026-11-03": (1, 2)}
    assert hours("day", "ada") == {"2026-11-02": (0, 1), "2026-11-03": (1, 2)}


def test_days_are_those_of_utc_whatever_the_session_has(database: Database, office: Office) -> None:
    """On the night in which the clocks of Rome are put back."""
    stored(database, office, held(0, HOUR), ended=HOUR)
    night = datetime(2026, 10, 24, 12, tzinfo=UTC)
    with database.transaction() as connection:
        name = connection.scalar(text("select current_database()"))
        connection.execute(text(f"alter database {name} set timezone = 'Europe/Rome'"))
        connection.execute(
            text("update instances set started_at = :begin, ended_at = :end"),
            {"begin": night, "end": night + timedelta(days=2)},
        )
    database.engine.dispose()

    found = usage(database, night, night + timedelta(days=3), LATER, group_by="day")

    assert [(each.key, each.millicore_seconds / 500 / HOUR) for each in found] == [
        ("2026-10-24", 12),
        ("2026-10-25", 24),
        ("2026-10-26", 12),
    ]


def test_a_clock_that_was_put_back_takes_nothing_away(database: Database, office: Office) -> None:
    stored(database, office, held(HOUR, 0), held(0, HOUR, 1), ended=HOUR)

    (found,) = usage(database, START, LATER, LATER)

    assert found.millicore_seconds == 500 * HOUR


def test_what_is_purged_goes_with_all_that_is_its_and_its_usage_stays(
    database: Database, office: Office
) -> None:
    one = stored(
        database, office, held(0, 30 * HOUR), groups=["lab"], gallery="pi", ended=30 * HOUR
    )
    two = stored(
        database, office, held(0, HOUR), ended=HOUR, groups=["lab"], status=ExecutionStatus.ERROR
    )
    rest = stored(database, office, held(0, HOUR), ended=HOUR)
    start, end = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 9, tzinfo=UTC)
    before = {
        group_by: usage(database, start, end, end, group_by=group_by)
        for group_by in ("user", "group", "zapp", "day")
    }

    assert purge(office, [one], LATER) == [one]
    assert purge(office, [one, two], LATER) == [two], "again: nothing is counted twice"

    for group_by, expected in before.items():
        found = usage(database, start, end, end, group_by=group_by)
        assert [each.key for each in found] == [each.key for each in expected]
        for new, old in zip(found, expected, strict=True):
            assert new.millicore_seconds == pytest.approx(old.millicore_seconds)
            assert (new.executions, new.failed, new.ran) == (old.executions, old.failed, old.ran)
    with database.transaction() as connection:
        for column in (executions.c.id, instances.c.execution_id, events.c.execution_id):
            assert set(connection.scalars(select(column))) == {rest}, column


def test_somebody_in_many_groups_can_be_purged(database: Database, office: Office) -> None:
    groups = [str(UUID(int=number, version=4)) for number in range(1000)]
    many = [stored(database, office, held(0, HOUR), ended=HOUR, groups=groups) for _ in range(2)]

    assert purge(office, many, LATER) == many

    midnight = datetime(2026, 11, 2, tzinfo=UTC)
    assert len(usage(database, midnight, LATER, LATER, group_by="group")) == 1000


def test_of_what_was_purged_days_count_that_begin_in_the_period(database: Database) -> None:
    day = {"user_name": "ada", "groups": [], "zapp": "", "executions": 1, "failed": 0, "ran": 0}
    none = dict.fromkeys(("wait_seconds", "millicore_seconds", "byte_seconds", "gpu_seconds"), 0)
    with database.transaction() as connection:
        connection.execute(insert(usage_totals).values({**day, **none, "day": START.date()}))
    midnight = datetime(2026, 11, 2, tzinfo=UTC)

    assert len(usage(database, midnight, midnight + timedelta(hours=1), LATER)) == 1
    assert usage(database, midnight + timedelta(hours=1), LATER, LATER) == []


def test_the_wish_to_purge_is_noted_once_and_only_for_what_has_ended(
    database: Database, office: Office
) -> None:
    ended = stored(database, office, ended=5)
    live = stored(database, office)

    assert request_purge(database, ended, "olga", START)
    assert request_purge(database, ended, "olga", START)
    assert not request_purge(database, live, "olga", START)
    assert not request_purge(database, 77, "olga", START)

    assert master.read_news(office).intents == (), "nothing that the scheduler acts on"
    assert wanted(office, START) == {ended: "olga"}
    assert purge(office, [ended, live], LATER) == [ended], "what lives is never purged"
    assert wanted(office, START) == {}


def test_what_ended_after_the_last_full_list_is_not_purged_yet(
    database: Database, office: Office
) -> None:
    """Its node may have gone away right before: nothing would explain what is left there."""
    ran = stored(database, office, held(0, HOUR), ended=HOUR)
    never_ran = stored(database, office, ended=HOUR)
    for each in (ran, never_ran):
        request_purge(database, each, "olga", LATER)
    end = START + timedelta(seconds=HOUR)

    assert wanted(office, end) == {never_ran: "olga"}
    assert wanted(office, end + timedelta(seconds=1)) == {ran: "olga", never_ran: "olga"}
    assert wanted(office, LATER, away={"node-0"}) == {never_ran: "olga"}
    assert wanted(office, LATER, but={ran}) == {never_ran: "olga"}


# --- over time ---


def test_a_series_has_the_same_as_the_sums(database: Database, office: Office) -> None:
    day = 24 * HOUR
    stored(database, office, held(0, 30 * HOUR), user="ada", groups=["a", "b"], ended=30 * HOUR)
    stored(database, office, held(9 * day, 10 * day), user="bob", gallery="pi", ended=10 * day)
    until = after(20 * day)

    for group_by in ("user", "group", "zapp"):
        sums = by_key(usage(database, START, until, until, group_by=group_by))
        for interval in ("day", "week", "month"):
            found = series(
                database, START, until, until, group_by=group_by, interval=interval, most=9
            )
            assert not any(each.rest for each in found)
            for key, expected in sums.items():
                mine = [each.used for each in found if each.used.key == key]
                held_for = sum(each.millicore_seconds for each in mine)
                assert held_for == pytest.approx(expected.millicore_seconds)
                assert sum(each.executions for each in mine) == expected.executions


def test_intervals_begin_where_calendars_have_them(database: Database, office: Office) -> None:
    """START is Monday, the 2nd of November 2026."""
    midnight = (datetime(2026, 11, 9, tzinfo=UTC) - START).total_seconds()
    stored(database, office, held(midnight - HOUR, midnight + HOUR), ended=midnight + HOUR)
    until = datetime(2026, 12, 2, tzinfo=UTC)

    def starts(interval: Interval) -> list[tuple[str, float]]:
        found = series(database, START, until, until, interval=interval, most=1)
        return [(str(each.start), each.used.millicore_seconds / 500 / HOUR) for each in found]

    assert starts("day") == [("2026-11-08", 1), ("2026-11-09", 1)]
    assert starts("week") == [("2026-11-02", 1), ("2026-11-09", 1)]
    assert starts("month") == [("2026-11-01", 2)]


def test_the_rest_is_summed_up_and_comes_last(database: Database, office: Office) -> None:
    for number, user in enumerate("abcd", 1):
        stored(database, office, held(0, number * HOUR), user=user, ended=number * HOUR)

    found = series(database, START, LATER, LATER, interval="day", most=2)

    told = [(each.used.key, each.rest, each.used.millicore_seconds / 500 / HOUR) for each in found]
    assert told == [("d", False, 4), ("c", False, 3), ("", True, 3)]
    (hers,) = series(database, START, LATER, LATER, interval="day", most=2, user="b")
    assert (hers.used.key, hers.rest) == ("b", False)


def test_who_holds_most_of_anything_is_among_the_first(database: Database, office: Office) -> None:
    large = replace(held(0, HOUR), reservation=Amount(100 * GB, 1))
    for number in range(3):
        stored(database, office, held(0, HOUR), user=f"user-{number}", ended=HOUR)
    stored(database, office, large, user="zoe", ended=HOUR)

    first, *_ = series(database, START, LATER, LATER, interval="day", most=1)

    assert (first.used.key, first.used.byte_seconds) == ("zoe", 100 * GB * HOUR)


def test_nothing_was_used(database: Database) -> None:
    assert series(database, START, LATER, LATER, interval="week", most=3) == []
