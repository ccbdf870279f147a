"""Warnings about idle servers, and wishes to keep them."""

from datetime import timedelta

from sqlalchemy import update

from tests.support.builders import START
from tests.support.submissions import submit
from zoe_store import executions, idle
from zoe_store.database import Database
from zoe_store.events import read_events
from zoe_store.idle import RunningServer, running_servers
from zoe_store.tables import executions as table

LATER = START + timedelta(hours=1)
END = LATER + timedelta(minutes=15)


def a_server(database: Database, name: str | None = "lab", status: str = "running") -> int:
    number = submit(database, zapp="jupyter", server_name=name, name=str(name))
    with database.transaction() as connection:
        mine = update(table).where(table.c.id == number)
        connection.execute(mine.values(status=status, started_at=START))
    return number


def said(database: Database) -> list[str]:
    return [each.kind for each in read_events(database, after=0) if each.kind != "submitted"]


def test_servers_that_run_are_told(database: Database) -> None:
    lab = a_server(database)
    a_server(database, None)
    a_server(database, "waits", "queued")
    ending = a_server(database, "ends")
    executions.request_termination(database, ending, "alice", "Enough.", START)
    assert running_servers(database) == [RunningServer(lab, "alice", "lab", START, None, None)]


def test_a_warning_stands_until_it_is_over(database: Database) -> None:
    lab, other = a_server(database), a_server(database, "other")
    idle.warn(database, lab, END, LATER)
    assert [each.warned_at for each in running_servers(database)] == [LATER, None]
    [event] = read_events(database, after=0, execution_id=lab)[-1:]
    assert (event.kind, event.data) == ("idle_warning", {"ends_at": END.isoformat()})
    idle.say_over(database, lab, END)
    assert [each.warned_at for each in running_servers(database)] == [None, None]
    assert other not in {each.execution_id for each in read_events(database, after=event.id)}


def test_who_keeps_it_ends_the_warning(database: Database) -> None:
    lab = a_server(database)
    assert idle.keep(database, lab, "alice", START)
    idle.warn(database, lab, END, LATER)
    assert idle.keep(database, lab, "alice", END)
    assert running_servers(database) == [RunningServer(lab, "alice", "lab", START, END, None)]
    assert said(database) == ["keep_requested", "idle_warning", "keep_requested", "idle_over"]


def test_it_ends_unless_it_was_kept_since_it_was_judged(database: Database) -> None:
    lab, other = a_server(database), a_server(database, "other")
    assert idle.keep(database, lab, "alice", LATER)
    assert not idle.end(database, lab, START, "Zoe", "Nobody used it.", END)
    assert said(database) == ["keep_requested"]
    assert idle.end(database, lab, LATER, "Zoe", "Nobody used it.", END)
    assert idle.end(database, other, START, "Zoe", "Nobody used it.", END)
    assert not idle.end(database, other, START, "Zoe", "Nobody used it.", END)
    assert said(database)[1:] == ["terminate_requested"] * 2
    assert running_servers(database) == []


def test_nothing_is_said_of_what_does_not_run(database: Database) -> None:
    waits, ending = a_server(database, "waits", "queued"), a_server(database, "ends")
    executions.request_termination(database, ending, "alice", "Enough.", START)
    before = said(database)
    for each in (waits, ending):
        idle.warn(database, each, END, LATER)
        idle.say_over(database, each, LATER)
        assert not idle.keep(database, each, "alice", LATER)
    assert said(database) == before
