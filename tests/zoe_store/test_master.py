"""What the acting master writes and reads again."""

from dataclasses import replace

import pytest
from sqlalchemy import event, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from tests.support.builders import START, after, amount, execution, instance, node, service, worker
from tests.support.submissions import submit
from zoe_core.cluster import (
    Capabilities,
    Desired,
    ExecutionStatus,
    ExecutionView,
    InstanceId,
    InstanceView,
    Observed,
    Outcome,
)
from zoe_core.scheduling import Advance, Happened
from zoe_core.zapp import ParsedZApp, SiteDefaults, parse_zapp, zapp_document
from zoe_store import cluster, drains, executions, master, tables, views
from zoe_store.cluster import Stranger
from zoe_store.database import Database
from zoe_store.events import newest_event, read_events
from zoe_store.office import Office
from zoe_store.tables import intents, launch_secrets

OTHERS = text(
    "select state from pg_stat_activity where datname = current_database()"
    " and pid <> pg_backend_pid()"
)
"""What the other sessions are doing."""


def moved(view: ExecutionView, *instances: InstanceView, told: int = 1) -> Advance:
    return Advance(
        executions={view.id: view},
        instances={each.id: each for each in instances},
        events=[Happened(view.id, "status", {"number": number}) for number in range(told)],
    )


def admitted(database: Database, office: Office, number: int = 1) -> ExecutionView:
    """An execution that the master has taken in."""
    parts = service(), worker(essential=1, elastic=1)
    execution_id = submit(database, execution(1, *parts).zapp)
    (found,) = (each for each in master.read_news(office).submitted if each.id == execution_id)
    view = replace(found, status=ExecutionStatus.QUEUED)
    master.write_advance(office, moved(view), [], START)
    return view


def test_a_submission_is_news_until_it_is_taken_in(database: Database, office: Office) -> None:
    wanted = execution(1, service(), worker(), limit=60)
    one = submit(database, wanted.zapp, name="Pi", user="bob", groups=("staff", "lab"))
    (view,) = master.read_news(office).submitted
    assert (view.id, view.user, view.name, view.submitted_at) == (one, "bob", "Pi", START)
    assert view.groups == ("lab", "staff")
    assert view.zapp == wanted.zapp
    assert zapp_document(view.zapp) == zapp_document(wanted.zapp)
    assert master.load_live(office) == ([], [])
    master.write_advance(office, moved(replace(view, status=ExecutionStatus.QUEUED)), [], START)
    assert master.read_news(office).submitted == ()


def test_what_was_written_is_loaded_as_it_was(database: Database, office: Office) -> None:
    view = replace(
        admitted(database, office),
        status=ExecutionStatus.CLEANING_UP,
        on_hold=True,
        starting_since=after(1),
        started_at=after(2),
        start_failures=2,
        overtaken=7,
        terminate="Enough.",
        outcome=Outcome(ExecutionStatus.ERROR, "main-0 has failed."),
    )
    mine = [
        instance(
            view.id,
            attempt=attempt,
            memory=1.5,
            cores=0.25,
            essential=attempt == 1,
            monitor=attempt == 2,
            desired=desired,
            observed=observed,
            exit_code=code,
            started_at=after(3),
            ended_at=after(4),
            detail="It used too much.",
            devices=("GPU-0", "GPU-3"),
            addresses=((8888, "127.0.0.2", 8888), (80, "127.0.0.2", 8080)),
        )
        for attempt, desired, observed, code in [
            (1, Desired.ABSENT, Observed.EXITED, -9),
            (2, Desired.PRESENT, Observed.RUNNING, None),
        ]
    ]
    master.write_advance(office, moved(view, *mine), [], START)
    loaded, instances = master.load_live(office)
    assert loaded == [view]
    assert sorted(instances, key=lambda each: each.id) == mine
    changed = replace(mine[1], observed=Observed.LOST, addresses=())
    master.write_advance(office, moved(view, changed), [], START)
    assert sorted(master.load_live(office)[1], key=lambda each: each.id) == [mine[0], changed]


def test_what_has_ended_is_not_loaded_and_its_secrets_are_gone(
    database: Database, office: Office
) -> None:
    view = admitted(database, office)
    secret = {"execution_id": view.id, "environment": {"TOKEN": "s3cr3t"}}
    with database.transaction() as connection:
        connection.execute(insert(launch_secrets).values(secret))
    assert master.secrets_of(office, view.id) == {"TOKEN": "s3cr3t"}
    ended = replace(
        view,
        status=ExecutionStatus.TERMINATED,
        outcome=Outcome(ExecutionStatus.TERMINATED, "main-0 has finished."),
    )
    master.write_advance(office, moved(ended, instance(view.id)), [], after(9))
    assert master.load_live(office) == ([], [])
    assert master.secrets_of(office, view.id) == {}
    with database.transaction() as connection:
        assert connection.execute(select(launch_secrets)).all() == []
    record = executions.get(database, view.id)
    assert record is not None
    assert (record.status, record.final) == (ExecutionStatus.TERMINATED, True)
    assert (record.outcome, record.reason) == ("terminated", "main-0 has finished.")
    assert record.ended_at == after(9)


def test_a_step_is_written_whole_or_not_at_all(database: Database, office: Office) -> None:
    view = admitted(database, office)
    executions.request_termination(database, view.id, "alice", "Enough.", START)
    (wish,) = master.read_news(office).intents
    newest = newest_event(database)
    step = moved(replace(view, status=ExecutionStatus.STARTING), instance(view.id))
    step.events.append(Happened(view.id + 1, "status", {}))  # there is no such execution
    with pytest.raises(SQLAlchemyError):
        master.write_advance(office, step, [wish.id], START)
    assert master.load_live(office) == ([view], [])
    assert master.read_news(office).intents == (wish,)
    assert newest_event(database) == newest


def test_a_step_tells_its_events_in_order(database: Database, office: Office) -> None:
    view = admitted(database, office)
    before = newest_event(database)
    newest = master.write_advance(office, moved(view, told=50), [], after(5))
    told = read_events(database, after=before)
    assert [each.data["number"] for each in told] == list(range(50))
    assert (told[-1].id, told[-1].at) == (newest, after(5))
    assert master.write_advance(office, Advance(), [], START) == 0


def test_wishes_are_news_until_they_are_handled(database: Database, office: Office) -> None:
    ids = [submit(database) for _ in range(2)]
    for each in ids:
        executions.request_termination(database, each, "alice", f"Wish {each}.", START)
    first, second = master.read_news(office).intents
    assert [first.execution_id, second.execution_id] == ids
    assert (first.kind, first.arguments) == ("terminate", {"reason": f"Wish {ids[0]}."})
    master.write_advance(office, Advance(), [first.id], after(1))
    assert master.read_news(office).intents == (second,)
    with database.transaction() as connection:
        rows = connection.execute(intents.select().order_by(intents.c.id)).all()
    assert [row.handled_at for row in rows] == [after(1), None]


def test_no_wish_is_news_before_what_it_is_about(database_url: str, database: Database) -> None:
    """A submission and the wish to end it come in just between the two queries."""
    meddled = Database(database_url)
    office = Office(meddled)
    assert office.try_take()
    queries: list[str] = []

    def meddle(_: object, __: object, statement: str, *___: object) -> None:
        if "FROM intents" in statement or "FROM executions" in statement:
            queries.append(statement)
            if len(queries) == 1:
                one = submit(database)
                executions.request_termination(database, one, "alice", "Enough.", START)

    event.listen(meddled.engine, "after_cursor_execute", meddle)
    news = master.read_news(office)
    assert len(queries) == 2
    assert {each.execution_id for each in news.intents} <= {each.id for each in news.submitted}
    news = master.read_news(office)
    assert [each.execution_id for each in news.intents] == [each.id for each in news.submitted]
    office.leave()
    meddled.close()


def take_in(office: Office) -> master.News:
    """Read a page of news, and write what a master does about it."""
    news = master.read_news(office)
    queued = {each.id: replace(each, status=ExecutionStatus.QUEUED) for each in news.submitted}
    master.write_advance(
        office, Advance(executions=queued), [each.id for each in news.intents], START
    )
    return news


def test_a_backlog_is_taken_in_page_by_page(
    database: Database, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(master, "PAGE", 3)
    ids = [submit(database) for _ in range(7)]
    for each in (ids[6], ids[0], ids[3], ids[1]):
        executions.request_termination(database, each, "alice", f"Wish {each}.", START)
    pages = [take_in(office)]
    while pages[-1].more:
        pages.append(take_in(office))
    assert [[each.id for each in page.submitted] for page in pages] == [ids[:3], ids[3:6], ids[6:]]
    known: set[int] = set()
    for page in pages:
        known |= {each.id for each in page.submitted}
        assert {each.execution_id for each in page.intents} <= known
    assert sorted(each.execution_id for page in pages for each in page.intents) == sorted(
        [ids[0], ids[1], ids[3], ids[6]]
    )
    assert take_in(office) == master.News((), ())


def test_more_wishes_than_a_page_are_all_read(
    database: Database, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(master, "PAGE", 2)
    for view in [admitted(database, office) for _ in range(5)]:
        executions.request_termination(database, view.id, "alice", "Enough.", START)
    pages = [take_in(office) for _ in range(3)]
    assert [(len(page.intents), page.more) for page in pages] == [(2, True), (2, True), (1, False)]


def test_more_than_a_page_is_loaded(
    database: Database, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = [admitted(database, office) for _ in range(5)]
    for view in views:
        master.write_advance(office, moved(view, instance(view.id)), [], START)
    submit(database)
    for page in (2, 5):
        monkeypatch.setattr(master, "PAGE", page)
        loaded, instances = master.load_live(office)
        assert loaded == views
        assert instances == [instance(view.id) for view in views]


def test_nothing_is_parsed_within_a_transaction(
    database: Database, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long that takes: Postgres ends a session that is idle in a transaction."""
    admitted(database, office)
    submit(database)
    states: list[str] = []

    def parse_slowly(document: object) -> ParsedZApp:
        with database.transaction() as connection:
            states.extend(connection.scalars(OTHERS))
        return parse_zapp(document)

    monkeypatch.setattr(views, "parse_zapp", parse_slowly)
    assert len(master.read_news(office).submitted) == 1
    assert len(master.load_live(office)[0]) == 1
    assert set(states) == {"idle"}


def test_what_cannot_be_read_ends_and_holds_no_room(database: Database, office: Office) -> None:
    broken, whole, new = admitted(database, office), admitted(database, office), submit(database)
    for view in (broken, whole):
        seen = [instance(view.id), instance(view.id, index=1, observed=Observed.EXITED)]
        master.write_advance(office, moved(view, *seen), [], START)
    with database.transaction() as connection:
        for each in (broken.id, new):
            connection.execute(insert(launch_secrets).values(execution_id=each, environment={}))
            connection.execute(
                update(tables.executions).filter_by(id=each).values(description={"version": 99})
            )
    before = newest_event(database)
    assert master.load_live(office) == (
        [whole],
        [instance(whole.id), instance(whole.id, index=1, observed=Observed.EXITED)],
    )
    assert master.read_news(office).submitted == ()
    assert cluster.reserved_by_node(database) == {"node-0": instance(whole.id).reservation}
    for each in (broken.id, new):
        record = executions.get(database, each)
        assert record is not None
        assert (record.status, record.outcome) == ("error", "error")
        assert "This version of Zoe cannot read it" in (record.reason or "")
        assert record.ended_at is not None
    told = read_events(database, after=before)
    assert [(each.execution_id, each.data["from"], each.data["to"]) for each in told] == [
        (broken.id, "queued", "error"),
        (new, "submitted", "error"),
    ]
    (found,) = executions.instances_of(database, [broken.id]).values()
    assert [(each.observed, each.exit_code) for each in found] == [("lost", None), ("exited", None)]
    with database.transaction() as connection:
        assert connection.execute(select(launch_secrets)).all() == []


def test_statuses(database: Database, office: Office) -> None:
    one, other = submit(database), admitted(database, office).id
    assert master.statuses_of(office, [one, other, 10**9]) == {
        one: ExecutionStatus.SUBMITTED,
        other: ExecutionStatus.QUEUED,
    }


def test_the_hub_sees_the_newest_attempts(database: Database, office: Office) -> None:
    view = admitted(database, office)
    attempts = [
        instance(view.id, "worker", 1, attempt=1, observed=Observed.LOST),
        instance(view.id, "worker", 1, attempt=2),
        instance(view.id, "worker", 0),
        instance(view.id, attempt=1, devices=("GPU-1",)),
    ]
    master.write_advance(office, moved(view, *attempts), [], START)
    found = executions.instances_of(database, [view.id, view.id + 1])
    assert found[view.id + 1] == []
    assert [(each.name, each.attempt) for each in found[view.id]] == [
        ("main-0", 1),
        ("worker-0", 1),
        ("worker-1", 2),
    ]
    assert found[view.id][0].memory == amount().memory
    assert found[view.id][0].devices == ["GPU-1"]


# --- nodes and the master itself ---


def test_nodes_are_known_as_they_were_last_seen(database: Database, office: Office) -> None:
    seen = [
        node("b", labels=frozenset({"gpu", "big"}), draining=True),
        node("a", images=frozenset({"x"}), missing_images={"spark": "Java."}, online=False),
        node("c", images=frozenset()),
        node("d", devices=("GPU-1", "GPU-0"), pressured=True, local_images=frozenset({"x", "y"})),
    ]
    master.write_nodes(office, seen, START)
    assert cluster.known_nodes(database) == sorted(seen, key=lambda each: each.name)
    master.write_nodes(office, seen[:1], START)
    assert cluster.known_nodes(database) == seen[:1]
    master.write_nodes(office, [], START)
    assert cluster.known_nodes(database) == []


def test_a_node_that_somebody_wants_drained_counts_as_draining(
    database: Database, office: Office
) -> None:
    master.write_nodes(office, [node("a"), node("b", draining=True), node("c")], START)
    for name in ("a", "b", "unknown"):
        drains.set_drain(database, name, "root", True)
    assert [each.draining for each in cluster.known_nodes(database)] == [True, True, False]
    for name in ("a", "b"):
        drains.set_drain(database, name, "root", False)
    assert [each.draining for each in cluster.known_nodes(database)] == [False, True, False]


def test_strangers_are_replaced_and_known_since_they_were_first_seen(
    database: Database, office: Office
) -> None:
    one, other = (
        Stranger(InstanceId(number, "main", 0), "node-0", Observed.RUNNING, "Unknown.")
        for number in (10**6, 10**7)
    )
    assert cluster.known_strangers(database) == []
    assert master.write_strangers(office, [one], START) == [one.id]
    assert master.write_strangers(office, [other, one], after(1)) == [other.id]
    assert cluster.known_strangers(database) == [
        replace(one, first_seen_at=START),
        replace(other, first_seen_at=after(1)),
    ]
    ended = replace(one, observed=Observed.EXITED, node="node-1", why="Still unknown.")
    assert master.write_strangers(office, [ended], after(2)) == []
    assert cluster.known_strangers(database) == [replace(ended, first_seen_at=START)]
    assert master.write_strangers(office, [], after(3)) == []
    assert cluster.known_strangers(database) == []


def test_reservations_count_as_in_memory(database: Database, office: Office) -> None:
    view = admitted(database, office)
    every = [
        instance(view.id, index=number, node=f"node-{number % 2}", desired=desired, observed=seen)
        for number, (desired, seen) in enumerate(
            (desired, seen) for desired in Desired for seen in Observed
        )
    ]
    master.write_advance(office, moved(view, *every), [], START)
    expected = {
        name: sum(
            (each.reservation for each in every if each.holds_reservation and each.node == name),
            amount(0, 0),
        )
        for name in ("node-0", "node-1")
    }
    assert cluster.reserved_by_node(database) == expected
    with database.transaction() as connection:
        connection.execute(tables.executions.update().values(status="terminated"))
    assert cluster.reserved_by_node(database) == {}


def test_the_master_says_where_it_listens(database: Database, office: Office) -> None:
    before = cluster.master_record(database)
    assert (before.commands_url, before.backend, before.away_for) == (None, None, None)
    assert (before.uuid, before.epoch) == (office.deployment, office.epoch)
    able = Capabilities(several_nodes=True)
    defaults = SiteDefaults(memory=1, cores=2.0)
    master.announce(
        office,
        commands_url="tcp://a:1",
        logs_url="tcp://a:3",
        events_url="tcp://a:2",
        backend="fake",
        capabilities=able,
        defaults=defaults,
    )
    said = cluster.master_record(database)
    assert (said.commands_url, said.events_url) == ("tcp://a:1", "tcp://a:2")
    assert said.logs_url == "tcp://a:3"
    assert (said.backend, said.capabilities, said.defaults) == ("fake", able, defaults)
    assert said.seen_at is not None
    master.heartbeat(office)
    newer = cluster.master_record(database)
    assert newer.seen_at is not None
    assert newer.seen_at > said.seen_at
