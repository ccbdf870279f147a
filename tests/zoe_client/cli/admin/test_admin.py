"""`zoe-admin` against a running portal: each command, JSON, CSV, pictures, errors, exit codes."""

from __future__ import annotations

import csv
import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pexpect
import pytest
from click.testing import CliRunner, Result

from tests.support.running_zoe import ROOT
from tests.support.waiting import eventually
from tests.zoe_client.cli.site import PATIENCE, Site, end_of
from zoe_client import Execution, NotFound
from zoe_client.cli.admin import zoe_admin
from zoe_core.protocol import rest_platform
from zoe_core.protocol.rest_admin import UsageReport

pytestmark = pytest.mark.timeout(300)

HELLO = "print('hello')"
FOR_EVER = "import time; time.sleep(1000)"
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()


def run(site: Site, *arguments: object, **environment: str) -> Result:
    """Call the command in this process, as in a pipe."""
    env = site.environment | environment
    return CliRunner().invoke(zoe_admin, list(map(str, arguments)), env=env, prog_name="zoe-admin")


def ask(site: Site, *arguments: object) -> Any:
    """What it says with --json when it goes well."""
    result = run(site, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def terminal(site: Site, *arguments: object) -> pexpect.spawn:
    """Call it on a terminal of 100 columns."""
    return pexpect.spawn(
        sys.executable,
        ["-m", "zoe_client.cli.admin", *map(str, arguments)],
        dimensions=(40, 100),
        encoding="utf-8",
        timeout=PATIENCE,
        cwd=str(ROOT),
        env={**os.environ, **site.environment, "TERM": "xterm-256color"},
    )


def refused(result: Result, code: int, said: str) -> None:
    """It ends with that code, and says why in one line, with its own name."""
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith("zoe-admin: ")
    assert result.stderr.count("\n") == 1
    assert said in result.stderr


def ended(site: Site) -> Execution:
    return site.launch(HELLO).wait(PATIENCE)


# --- the cluster ---


def test_the_queue_says_what_waits_and_why(site: Site) -> None:
    with site.busy():
        waiting = site.launch(HELLO)
        eventually(lambda: str(waiting.id) in run(site, "queue").stdout, timeout=PATIENCE)
        shown = run(site, "queue").stdout
        assert "PLACE  ID" in shown
        assert f"{waiting.id}  admin  job" in shown
        assert "memory" in shown
        (entry,) = rest_platform.Queue.model_validate(ask(site, "queue")).items
        assert entry.execution_id == waiting.id
        waiting.stop()
    waiting.wait(PATIENCE)


def test_a_node_is_drained_and_used_again(site: Site) -> None:
    (node,) = ask(site, "nodes")["cluster"]["items"]
    name = node["name"]

    drained = run(site, "drain", name)

    assert drained.exit_code == 0
    assert f"zoe-admin undrain {name}" in drained.stdout
    shown = run(site, "nodes")
    assert "draining" in shown.stdout
    assert f"{name} is drained by admin, since" in shown.stderr
    assert [each["node"] for each in ask(site, "nodes")["drains"]] == [name]
    assert run(site, "undrain", name).stdout == f"{name} is used again.\n"
    assert ask(site, "nodes")["drains"] == []
    refused(run(site, "undrain", name), 1, "Nobody drains the node")
    refused(run(site, "drain", "nowhere"), 1, "There is no node 'nowhere'")


# --- quotas ---


def test_a_quota_is_set_limit_by_limit_and_removed(site: Site) -> None:
    limits = ("--memory", "8GB", "--cores", 4, "--executions", 3, "--runtime-limit", "2h")
    assert run(site, "quota", "set", "user", "alice", *limits).exit_code == 0
    run(site, "quota", "set", "group", "students", "--gpus", "unlimited", "--weight", 0.5)
    run(site, "quota", "set", "default", "--cores", 1.5)
    changed = ask(site, "quota", "set", "user", "alice", "--cores", "none", "--gpus", 1)

    assert (changed["memory"], changed["cores"], changed["gpus"]) == (8 * 2**30, None, 1)
    shown = [line.split() for line in run(site, "quota", "ls").stdout.splitlines()]
    assert shown == [
        ["OF", "NAME", "EXECUTIONS", "MEMORY", "CORES", "GPUS", "RUNTIME", "WEIGHT", "SET", "BY"],
        ["everybody", "-", "-", "-", "1.5", "-", "-", "-", "admin"],
        ["group", "students", "-", "-", "-", "unlimited", "-", "0.5", "admin"],
        ["user", "alice", "3", "8", "GB", "-", "1", "2h", "-", "admin"],
    ]
    for whose in (("user", "alice"), ("group", "students"), ("default",)):
        assert run(site, "quota", "rm", *whose).exit_code == 0
    assert ask(site, "quota", "ls") == []
    refused(run(site, "quota", "rm", "user", "alice"), 1, "There is no quota for user 'alice'")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("set", "user", "alice"), "give one limit at least"),
        (("set", "user", "--cores", "1"), "say which user"),
        (("set", "default", "all", "--cores", "1"), "there is only one default quota"),
        (
            ("set", "user", "alice", "--memory", "much"),
            "'much': must be such as 8GB, or 'unlimited'",
        ),
        (("set", "user", "alice", "--executions", "1.5"), "'1.5': must be such as 3"),
        (("set", "user", "alice", "--runtime-limit", "soon"), "'soon': must be such as 2h"),
        (("set", "user", "alice", "--cores", "-1"), "cores: "),
        (("set", "user", "alice", "--memory", "9" * 400), "--memory: is '999999"),
        (("set", "user", "alice", "--memory", "9" * 30), "less than or equal to 922337203685477"),
        (("set", "user", "alice", "--gpus", "9" * 5000), "…': must be such as 1, or"),
        (("set", "user", "alice", "--cores", "nan"), "--cores: is 'nan': must be such as 4, or"),
        (("set", "user", "alice", "--cores", "-inf"), "--cores: is '-inf': must be such as 4"),
        (("set", "user", "alice", "--cores", "1e30"), "cores: is 1e+30: must be less than"),
        (("set", "user", "alice", "--weight", "inf"), "--weight: is 'inf': must be such as 2"),
        (
            ("set", "user", "alice", "--runtime-limit", "9" * 400 + "h"),
            "…': must be such as 2h",
        ),
        (("set", "team", "alice", "--cores", "1"), "'team'"),
    ],
)
def test_a_wrong_limit_is_named(site: Site, arguments: tuple[str, ...], said: str) -> None:
    refused(run(site, "quota", *arguments), 2, said)
    assert ask(site, "quota", "ls") == []


# --- usage ---


def test_usage_as_a_table_as_csv_and_as_pictures(site: Site, tmp_path: Path) -> None:
    ended(site)
    picture, page = tmp_path / "usage.png", tmp_path / "usage.html"

    report = UsageReport.model_validate(ask(site, "usage", "--from", "1h"))
    shown = run(site, "usage", "--by", "zapp", "--plot", picture).stdout.splitlines()
    file = run(site, "usage", "--csv", "--plot", page).stdout_bytes
    rows = list(csv.DictReader(StringIO(file.decode())))

    (row,) = report.items
    assert (row.key, row.executions > 0, row.memory_gb_hours > 0) == ("admin", True, True)
    assert timedelta(minutes=59) < report.until - report.since < timedelta(minutes=61)
    assert shown[0].split()[:2] == ["ZAPP", "CORE-HOURS"]
    assert shown[1].startswith("(own description)")
    assert (rows[0]["user"], rows[0]["executions"]) == ("admin", str(row.executions))
    assert float(rows[0]["memory_gb_hours"]) > 0
    assert (b"\r" in file, file.count(b"\n")) == (False, len(rows) + 1)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "Usage by user" in page.read_text()
    by_day = ask(site, "usage", "--by", "day", "--user", "admin")["items"]
    assert [each["key"] for each in by_day][-1] == f"{datetime.now(UTC):%Y-%m-%d}"
    assert ask(site, "usage", "--user", "nobody")["items"] == []


def test_dates_of_usage_are_those_of_utc(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        plain = ask(site, "usage", "--from", "2026-11-01", "--to", "2026-11-02T12:30")
        zoned = ask(site, "usage", "--from", "2026-11-01T00:00+01:00", "--to", "2026-11-02")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert (plain["since"], plain["until"]) == ("2026-11-01T00:00:00Z", "2026-11-02T12:30:00Z")
    assert (zoned["since"], zoned["until"]) == ("2026-10-31T23:00:00Z", "2026-11-02T00:00:00Z")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "2026-11-02", "--to", "2026-11-01"), "must be before to"),
        (("--from", "once"), "--from: is 'once': must be a date"),
        (("--csv", "--json"), "give one of them"),
        (("--plot", "a.pdf"), "--plot: is 'a.pdf': must end in .png or .html"),
        (("--plot", "/nowhere/a.png"), "--plot: is '/nowhere/a.png': cannot be written"),
    ],
)
def test_a_wrong_option_of_usage_is_named(
    site: Site, arguments: tuple[str, ...], said: str
) -> None:
    refused(run(site, "usage", *arguments), 2, said)


# --- purging and ending ---


def gone(site: Site, execution_id: int) -> bool:
    try:
        site.client.get(execution_id)
    except NotFound:
        return True
    return False


def test_what_is_named_is_purged_and_its_usage_stays(site: Site) -> None:
    one, live = ended(site), site.launch(FOR_EVER)
    before = ask(site, "usage", "--user", "admin")["items"][0]["executions"]

    result = run(site, "purge", "--id", one.id, "--id", live.id, "--id", 999999, "--yes")

    assert (result.exit_code, result.stdout) == (1, "1 execution is being removed.\n")
    assert f"Execution {live.id} is " in result.stderr
    assert "You have no execution 999999" in result.stderr
    eventually(lambda: gone(site, one.id), timeout=PATIENCE)
    live.stop().wait(PATIENCE)
    after = ask(site, "usage", "--user", "admin")["items"][0]["executions"]
    assert after == before + 1


def test_what_ended_before_a_day_is_purged_once_one_agrees(site: Site) -> None:
    one = ended(site)
    everything = ("purge", "--before", TOMORROW)

    assert ask(site, "purge", "--before", "1h", "--dry-run")["purged"] == []
    dry = run(site, *everything, "--dry-run")
    assert str(one.id) in dry.stdout
    assert dry.stdout.endswith("would be removed.\n")
    asked = run(site, *everything)
    assert (asked.exit_code, "give --yes" in asked.stderr) == (2, True)
    assert not gone(site, one.id)
    assert ask(site, *everything, "--user", "nobody", "--yes")["purged"] == []

    purged = ask(site, *everything, "--user", "admin", "--yes")

    assert one.id in purged["purged"]
    eventually(lambda: gone(site, one.id), timeout=PATIENCE)
    refused(run(site, "purge"), 2, "give either --before or --id")
    refused(run(site, "purge", "--id", 1, "--user", "ada"), 2, "--user may be given with --before")


def test_a_terminal_gets_a_drawing_and_is_asked(site: Site) -> None:
    one = ended(site)

    for answer, code, said in (("n", 1, "nothing was done"), ("y", 0, "being removed")):
        shown = terminal(site, "purge", "--before", TOMORROW)
        shown.expect(r"for ever\? \[y/N\]: ")
        assert "───" in shown.before
        assert not gone(site, one.id)
        shown.sendline(answer)
        told, ended_with = end_of(shown)
        assert (said in told, ended_with) == (True, code)
    eventually(lambda: gone(site, one.id), timeout=PATIENCE)


def test_all_that_a_user_has_is_ended(site: Site) -> None:
    live = [site.launch(FOR_EVER) for _ in range(2)]

    assert run(site, "terminate", "--user", "nobody").stdout == "nobody has nothing.\n"
    asked = run(site, "terminate", "--user", "admin")
    assert (asked.exit_code, "give --yes" in asked.stderr) == (2, True)
    result = run(site, "terminate", "--user", "admin", "--yes")

    assert result.stdout == "2 executions of admin end.\n"
    assert {each.wait(PATIENCE).status for each in live} == {"terminated"}


# --- the doctor, backups, and who may ---


def test_the_doctor_says_what_to_see_to(site: Site) -> None:
    """The environments of this portal have none of the gallery's images."""
    result = run(site, "doctor")

    assert result.exit_code == 1
    assert result.stdout.startswith("ok       The database answers.\n")
    assert "\nPROBLEM  image zoe/mpi\n" in result.stdout
    document = json.loads(run(site, "doctor", "--json").stdout)
    assert (document["all_well"], document["items"][0]["serious"]) == (False, True)


def test_the_database_of_a_running_zoe_is_saved_and_not_replaced(
    site: Site, tmp_path: Path
) -> None:
    one = ended(site)
    file = tmp_path / "zoe.backup"
    place = ("--dir", site.zoe.directory)

    saved = ask(site, "backup", file, *place)
    refusal = run(site, "restore", file, "--overwrite", "--yes", *place)
    restored = ask(site, "restore", file, "--yes", "--dir", tmp_path / "new")

    assert saved["executions"] >= 1
    refused(refusal, 1, "a master acts on this database: stop Zoe first")
    assert restored == saved
    warned = run(site, "restore", file, "--overwrite", "--yes", "--dir", tmp_path / "new").stdout
    assert f"This is the Zoe {site.client.info().deployment} again. Never run another" in warned
    assert site.client.get(one.id).status == "terminated"


def test_no_postgres_is_made_before_it_is_known_that_there_is_something_to_restore(
    site: Site, tmp_path: Path
) -> None:
    letter, new = tmp_path / "letter", tmp_path / "new"
    letter.write_text("Dear Zoe,")

    unasked = run(site, "restore", letter, "--dir", new)
    wrong = run(site, "restore", letter, "--yes", "--dir", new)

    refused(unasked, 2, "give --yes")
    refused(wrong, 1, "does not appear to be a valid archive")
    assert not new.exists()


def test_backups_name_the_extra_that_they_need(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str) -> Any:
        raise ModuleNotFoundError(name="sqlalchemy")

    monkeypatch.setattr("zoe_client.cli.admin.backup.import_module", without)
    refused(run(site, "backup", "file"), 1, "pip install 'zoe[portal]'")


def test_who_may_not_ask_is_told(site: Site) -> None:
    result = run(site, "usage", ZOE_TOKEN="wrong")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "token" in result.stderr


def test_a_portal_that_does_not_answer_is_named(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoe_client._connection.PAUSES", ())
    refused(run(site, "queue", ZOE_URL="http://127.0.0.1:9/"), 1, "Zoe does not answer at")


def test_every_command_has_help(site: Site) -> None:
    shown = run(site, "--help").stdout
    assert "Exit codes:" in shown
    for name in zoe_admin.commands:
        assert name in shown
        assert run(site, name, "--help").exit_code == 0
