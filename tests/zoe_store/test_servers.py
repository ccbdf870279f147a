"""Servers that wait over a restart of the Hub: on hold, and launched again with other secrets."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from tests.support.builders import START
from tests.support.submissions import submit
from zoe_core.cluster import ExecutionStatus, ExecutionView
from zoe_core.scheduling import Advance
from zoe_store import executions, master
from zoe_store.database import Database
from zoe_store.events import read_events
from zoe_store.office import Office
from zoe_store.servers import hold, live_servers, relaunch
from zoe_store.tables import intents

OLD, NEW = {"TOKEN": "old"}, {"TOKEN": "new"}


def a_server(database: Database, **fields: Any) -> int:
    return submit(database, zapp="jupyter", server_name="lab", secrets=OLD, **fields)


def wishes(database: Database, execution_id: int) -> list[str]:
    """The kinds of all wishes about an execution, oldest first."""
    query = select(intents.c.kind).where(intents.c.execution_id == execution_id)
    with database.transaction() as connection:
        return list(connection.scalars(query.order_by(intents.c.id)))


def act(office: Office, **fields: Any) -> None:
    """The master takes everything in, and then sees the one execution so."""
    news = master.read_news(office)
    live, _ = master.load_live(office)
    views: dict[int, ExecutionView] = {each.id: each for each in (*live, *news.submitted)}
    changed = {key: replace(view, **fields) for key, view in views.items()}
    handled = [each.id for each in news.intents]
    master.write_advance(office, Advance(executions=changed), handled, START)


def queued(office: Office, *, on_hold: bool = False) -> None:
    act(office, status=ExecutionStatus.QUEUED, on_hold=on_hold)


def test_a_hold_is_wished_once(database: Database) -> None:
    lab = a_server(database)
    assert hold(database, lab, "The Hub was restarted.", START)
    assert hold(database, lab, "The Hub was restarted.", START)
    assert wishes(database, lab) == ["hold"]
    [event] = [each for each in read_events(database, after=0) if each.kind == "hold_requested"]
    assert event.data == {"by": "JupyterHub", "reason": "The Hub was restarted."}
    [server] = live_servers(database)
    assert (server.id, server.held, server.server_name) == (lab, True, "lab")


def test_secrets_are_replaced_only_when_the_master_has_confirmed_the_hold(
    database: Database, office: Office
) -> None:
    lab = a_server(database)
    queued(office)
    assert not relaunch(database, lab, NEW, START)
    assert hold(database, lab, "", START)
    assert not relaunch(database, lab, NEW, START)
    assert master.secrets_of(office, lab) == OLD
    queued(office, on_hold=True)
    assert relaunch(database, lab, NEW, START)
    assert master.secrets_of(office, lab) == NEW
    assert wishes(database, lab) == ["hold", "release"]
    assert not live_servers(database)[0].held


def test_the_same_secrets_are_stored_once_whatever_became_of_it(
    database: Database, office: Office
) -> None:
    lab = a_server(database)
    hold(database, lab, "", START)
    queued(office, on_hold=True)
    assert relaunch(database, lab, NEW, START)
    assert relaunch(database, lab, NEW, START)
    act(office, status=ExecutionStatus.RUNNING, on_hold=False)
    assert relaunch(database, lab, NEW, START)
    assert wishes(database, lab) == ["hold", "release"]


def test_another_restart_before_the_release_was_heard_needs_another_hold(
    database: Database, office: Office
) -> None:
    lab = a_server(database)
    hold(database, lab, "", START)
    queued(office, on_hold=True)
    assert relaunch(database, lab, NEW, START)
    # The master has not heard of it: it is still on hold in its eyes, but not for long.
    newer = {"TOKEN": "newer"}
    assert not relaunch(database, lab, newer, START)
    assert hold(database, lab, "", START)
    assert wishes(database, lab) == ["hold", "release", "hold"]
    assert not relaunch(database, lab, newer, START)
    queued(office, on_hold=True)
    assert relaunch(database, lab, newer, START)


@pytest.mark.parametrize(
    "status", [ExecutionStatus.RUNNING, ExecutionStatus.CLEANING_UP, ExecutionStatus.TERMINATED]
)
def test_what_waits_no_longer_is_left_alone(
    database: Database, office: Office, status: ExecutionStatus
) -> None:
    lab = a_server(database)
    act(office, status=status)
    before = master.secrets_of(office, lab)
    assert not hold(database, lab, "", START)
    assert not relaunch(database, lab, NEW, START)
    assert master.secrets_of(office, lab) == before
    assert wishes(database, lab) == []


@pytest.mark.parametrize("heard", [False, True])
def test_what_somebody_wants_to_end_is_left_alone(
    database: Database, office: Office, heard: bool
) -> None:
    lab = a_server(database)
    hold(database, lab, "", START)
    queued(office, on_hold=True)
    assert executions.request_termination(database, lab, "alice", "Enough.", START)
    if heard:
        act(office, terminate="Enough.")
    assert not hold(database, lab, "", START)
    assert not relaunch(database, lab, NEW, START)
    assert live_servers(database) == []


def test_unknown_executions_do_not_wait(database: Database) -> None:
    assert not hold(database, 4711, "", START)
    assert not relaunch(database, 4711, NEW, START)


def test_live_servers_are_those_of_the_hub_oldest_first(database: Database, office: Office) -> None:
    first = a_server(database, user="bob", parameters={"x": 1}, name="Lab")
    submit(database, name="a plain execution")
    second = a_server(database)
    act(office, status=ExecutionStatus.RUNNING)
    third = submit(database, zapp="jupyter", server_name="")
    found = live_servers(database)
    assert [(each.id, each.status, each.held) for each in found] == [
        (first, "running", False),
        (second, "running", False),
        (third, "submitted", False),
    ]
    assert (found[0].user, found[0].name, found[0].zapp) == ("bob", "Lab", "jupyter")
    assert found[0].parameters == {"x": 1}
