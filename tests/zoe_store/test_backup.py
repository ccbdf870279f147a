"""A database in a file, and back: all of it, in whatever schema it was, and never by accident."""

import os
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlalchemy import select, text

from tests.support.masters import end_the_lock
from tests.support.postgres import fresh_database
from tests.support.submissions import submit
from zoe_core.cluster import Quota
from zoe_store import migrate, postgres_tools, quotas
from zoe_store.audit import Deed, record
from zoe_store.backup import (
    BackupError,
    Done,
    backup,
    for_servers_before_17,
    readable,
    restore,
    site_database,
)
from zoe_store.database import Database
from zoe_store.embedded import EmbeddedPostgres
from zoe_store.office import Office, OutOfOffice
from zoe_store.postgres_programs import find_programs
from zoe_store.postgres_tools import Tools
from zoe_store.tables import deployment, metadata

SCHEMAS = Path(__file__).parent / "schemas"
WHO = "a test"
POSTGRES_15 = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture
def other_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """Another database, as a new Zoe makes it."""
    with fresh_database(postgres) as url:
        yield url


def filled(database: Database, schema: str = "0007") -> None:
    """Rows in every table."""
    with database.transaction() as connection:
        connection.exec_driver_sql((SCHEMAS / f"{schema}.sql").read_text())


def uuid_of(url: str) -> str:
    return str(deployment_of(url).uuid)


def deployment_of(url: str) -> Any:
    """Its row: the UUID, the epoch."""
    with closing(Database(url)) as database, database.transaction() as connection:
        return connection.execute(select(deployment)).one()


def rows(url: str) -> dict[str, list[tuple[object, ...]]]:
    with closing(Database(url)) as database, database.transaction() as connection:
        return {
            name: sorted(tuple(map(repr, row)) for row in connection.execute(select(table)))
            for name, table in metadata.tables.items()
        }


def test_all_comes_back_but_the_secrets(
    database: Database, database_url: str, other_url: str, tmp_path: Path
) -> None:
    filled(database)
    file = tmp_path / "zoe.backup"

    saved = backup(database_url, file)
    restored = restore(other_url, file)

    assert saved == restored == Done("0007", uuid_of(database_url), 7, file.stat().st_size)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"not a real one" not in file.read_bytes()
    assert list(tmp_path.iterdir()) == [file]
    before = rows(database_url)
    assert all(before.values()), "the data set fills every table"
    but = {"launch_secrets": [], "deployment": []}
    assert rows(other_url) | {"deployment": []} == before | but
    with closing(Database(other_url)) as copy:
        assert submit(copy) == 8


def test_a_backup_of_an_older_zoe_is_brought_up_to_date(
    database_url: str, other_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "old.backup"
    with closing(Database(other_url)) as old:
        metadata.drop_all(old.engine)
        with old.transaction() as connection:
            connection.execute(text("drop table alembic_version"))
        migrate.upgrade(other_url, "0003")
        filled(old, "0003")
    with monkeypatch.context() as patch:
        patch.setattr("zoe_store.backup.check", lambda database: None)  # an older Zoe would not
        assert backup(other_url, file).schema == "0003"

    restored = restore(database_url, file)

    assert (restored.schema, restored.executions) == ("0003", 7)
    with closing(Database(database_url)) as database:
        migrate.check(database)
        assert len(quotas.list_quotas(database)) == 3


def test_what_is_there_is_replaced_only_when_that_is_said(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    quotas.set_quota(database, "user", "ada", Quota(executions=3), "root")
    file = tmp_path / "zoe.backup"
    backup(database_url, file)
    quotas.set_quota(database, "user", "bob", Quota(executions=1), "root")
    ids = [submit(database) for _ in range(3)]

    with pytest.raises(BackupError, match="not empty: its table executions has rows"):
        restore(database_url, file)
    assert len(quotas.list_quotas(database)) == 2

    restore(database_url, file, overwrite=True)

    database.engine.dispose()
    assert [each.name for each in quotas.list_quotas(database)] == ["ada"]
    assert submit(database) == max(ids) + 1, "what was started of the others may still run"


def test_a_log_of_deeds_is_not_replaced_unsaid(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    """Its deeds may all be undone, or refused: then nothing else is in the database."""
    file = tmp_path / "zoe.backup"
    backup(database_url, file)
    refused = Deed(datetime.now(UTC), "root", "user", "setQuota", "quotas/user/ada", "refused")
    record(database, [refused])

    with pytest.raises(BackupError, match="not empty: its table audit has rows"):
        restore(database_url, file)


def test_no_number_is_given_again_also_when_the_rest_breaks_off(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "zoe.backup"
    backup(database_url, file)
    last = [submit(database) for _ in range(3)][-1]

    def broken_off(url: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("zoe_store.backup.upgrade", broken_off)
    with pytest.raises(KeyboardInterrupt):
        restore(database_url, file, overwrite=True)

    database.engine.dispose()
    assert submit(database) == last + 1


def test_a_master_of_before_cannot_write_into_what_is_restored(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    """Its connection has ended, and it does not know that yet."""
    file = tmp_path / "zoe.backup"
    backup(database_url, file)
    before = deployment_of(database_url)
    past = Office(database)
    assert past.try_take()
    end_the_lock(database)
    with past.reading():
        pass

    done = restore(database_url, file, overwrite=True)

    database.engine.dispose()
    now = deployment_of(database_url)
    assert now.epoch > past.epoch > before.epoch
    assert now.uuid == before.uuid == done.deployment
    with pytest.raises(OutOfOffice), past.transaction():
        pass


def test_nothing_is_restored_under_a_master(
    database_url: str, other_url: str, office: Office, tmp_path: Path
) -> None:
    file = tmp_path / "zoe.backup"
    backup(database_url, file)
    with pytest.raises(BackupError, match="a master acts on this database: stop Zoe first"):
        restore(database_url, file)
    restore(other_url, file)


def test_a_restore_that_fails_leaves_all_as_it_was(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    filled(database)
    file = tmp_path / "zoe.backup"
    backup(database_url, file)
    before = rows(database_url)
    with database.transaction() as connection:
        connection.execute(text("drop index ix_events_execution_id_id"))
        connection.execute(text("create table guest (x int)"))
        connection.execute(text("create index ix_events_execution_id_id on guest (x)"))

    with pytest.raises(BackupError, match=r"ix_events_execution_id_id.* already exists"):
        restore(database_url, file, overwrite=True)

    assert rows(database_url) == before


def test_a_file_that_is_no_backup_is_refused(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "letter"
    file.write_text("Dear Zoe,")
    with pytest.raises(BackupError, match="does not appear to be a valid archive"):
        readable(file)
    with pytest.raises(BackupError, match="does not appear to be a valid archive"):
        restore(database_url, file)


def test_a_backup_of_a_newer_zoe_is_refused(
    database: Database, database_url: str, other_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "zoe.backup"
    backup(database_url, file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoe_store.backup.revisions", lambda: ["0005", "0004"])
        with pytest.raises(BackupError, match=r"has the schema 0007, made by a newer .*\(0005\)"):
            restore(other_url, file)


def test_a_database_in_another_schema_is_not_saved(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    with database.transaction() as connection:
        connection.execute(text("update alembic_version set version_num = '0003'"))
    with (
        pytest.raises(BackupError, match="older schema 0003"),
        site_database(database_url, tmp_path, who=WHO) as url,
    ):
        backup(url, tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_the_password_is_on_no_command_line(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server trusts its socket, so any password will do."""
    commands: list[list[str]] = []
    secrets: list[str | None] = []
    run = subprocess.run

    def noted(command: list[str], **options: object) -> object:
        commands.append([str(each) for each in command])
        environment = options.get("env") or os.environ
        secrets.append(environment.get("PGPASSWORD"))  # type: ignore[attr-defined]
        return run(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", noted)
    backup(database_url.replace("zoe@", "zoe:hunter2@"), tmp_path / "file")

    assert "hunter2" in secrets
    assert "hunter2" not in str(commands)


def test_the_postgres_of_zoe_itself_is_started_for_it(tmp_path: Path) -> None:
    file = tmp_path / "zoe.backup"
    with site_database(None, tmp_path / "one", who=WHO, make=True) as url:
        migrate.upgrade(url)
        uuid = uuid_of(url)
        backup(url, file)
        assert EmbeddedPostgres(tmp_path / "one" / "postgres").owner() == WHO
    with site_database(None, tmp_path / "two", who=WHO, make=True) as url:
        restore(url, file)
        assert uuid_of(url) == uuid


def test_where_no_zoe_is_none_is_made(tmp_path: Path) -> None:
    with (
        pytest.raises(BackupError, match=f"no Zoe has a Postgres of its own in {tmp_path}"),
        site_database(None, tmp_path, who=WHO),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_is_none_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(BackupError, match="address of the database is no address"),
        site_database("junk", tmp_path, who=WHO),
    ):
        pass


@pytest.fixture
def older_url() -> Iterator[str]:
    """A database on a server of Postgres 15."""
    if not (POSTGRES_15 / "initdb").exists():
        pytest.skip(f"there is no Postgres 15 in {POSTGRES_15}")
    programs = find_programs()
    with TemporaryDirectory(prefix="zoe-15-") as place:  # where its user can go
        programs.own(Path(place))

        def run(program: str, *arguments: str) -> None:
            command = [str(POSTGRES_15 / program), "-D", place, *arguments]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **programs.identity())

        run("initdb", "--username=zoe", "--auth=trust", "--encoding=UTF8", "--no-locale")
        settings = f"-c listen_addresses= -c unix_socket_directories={place}"
        run("pg_ctl", "--wait", f"--log={place}/log", f"--options={settings}", "start")
        try:
            url = f"postgresql+psycopg2://zoe@/postgres?host={place}"
            migrate.upgrade(url)
            yield url
        finally:
            run("pg_ctl", "--wait", "--mode=immediate", "stop")


def test_a_backup_of_18_is_restored_by_a_server_of_15_and_back(
    database: Database, database_url: str, older_url: str, other_url: str, tmp_path: Path
) -> None:
    filled(database)
    backup(database_url, tmp_path / "new")

    restored = restore(older_url, tmp_path / "new")
    backup(older_url, tmp_path / "old")
    restore(other_url, tmp_path / "old")

    assert restored.executions == 7
    assert rows(older_url)["executions"] == rows(database_url)["executions"]
    assert rows(other_url)["instances"] == rows(database_url)["instances"]


def test_a_setting_that_older_servers_do_not_know_is_left_out_and_nothing_else(
    tmp_path: Path,
) -> None:
    head = "SET lock_timeout = 0;\n{}SET row_security = off;\n"
    rows = "COPY public.notes (note) FROM stdin;\nSET transaction_timeout = 0;\n\\.\n"
    script = tmp_path / "script"
    script.write_text(head.format("SET transaction_timeout = 0;\n") + "-- x\n" * 1000 + rows)

    for_servers_before_17(script)

    expected = head.format("--T transaction_timeout = 0;\n") + "-- x\n" * 1000 + rows
    assert script.read_text() == expected
    for_servers_before_17(script)
    assert script.read_text() == expected


def test_the_newest_programs_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = []
    for version in (15, 18, 17):
        place = tmp_path / str(version)
        place.mkdir()
        (place / "pg_dump").write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}.2'\n")
        (place / "pg_dump").chmod(0o755)
        places.append(place)
    monkeypatch.setattr(postgres_tools, "_places", lambda: iter(places))
    assert Tools.newest() == Tools(18, tmp_path / "18")


def test_programs_older_than_the_server_are_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BackupError, match=r"of Postgres 18 or newer here: install .*-18"):
        Tools(17, Path("/nowhere")).reaching(database)
    monkeypatch.setattr(postgres_tools, "_places", lambda: iter(()))
    with pytest.raises(BackupError, match="there are no pg_dump, pg_restore, psql here"):
        Tools.newest()
