"""`zoe-admin audit`, `users`, and `usage` over time, against a running portal."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest

from tests.zoe_client.cli.admin.test_admin import ask, ended, refused, run, terminal
from tests.zoe_client.cli.site import Site, end_of
from zoe_core.protocol.rest_admin import AuditEntry, UsageSeries, UserUse

pytestmark = pytest.mark.timeout(300)

_STYLE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


# --- who did what ---


def test_what_was_done_and_what_was_refused_is_told(site: Site) -> None:
    run(site, "quota", "set", "user", "alice", "--memory", "8GB", "--runtime-limit", "2h")
    run(site, "quota", "rm", "user", "alice")
    run(site, "quota", "rm", "user", "alice")

    found = [AuditEntry.model_validate(each) for each in ask(site, "audit", "--since", "1h")]
    titles, *lines = run(site, "audit", "--action", "setQuota").stdout.splitlines()
    [wrong] = run(site, "audit", "--outcome", "refused", "--limit", 1).stdout.splitlines()[1:]

    assert [each.action for each in found[:3]] == ["removeQuota", "removeQuota", "setQuota"]
    assert titles.split("  ")[0] == "WHEN"
    assert re.match(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  admin  setQuota  quotas/user/alice  ", lines[0]
    )
    assert "memory=8 GB" in lines[0]
    assert "runtime_limit=2h" in lines[0]
    assert "why=There is no quota for user 'alice'" in wrong
    assert ask(site, "audit", "--user", "nobody") == []
    assert ask(site, "audit", "--until", "2020-01-01") == []
    only = ask(site, "audit", "--target", "quotas/user/alice", "--user", "admin")
    assert {each["target"] for each in only} == {"quotas/user/alice"}


def test_there_are_more_than_were_asked_for(site: Site) -> None:
    for _ in range(2):
        run(site, "quota", "set", "user", "bob", "--cores", 1)
    run(site, "quota", "rm", "user", "bob")

    some = run(site, "audit", "--limit", 2, "--action", "setQuota", "--json")
    file = run(site, "audit", "--csv", "--since", "1h").stdout_bytes
    lines = list(csv.DictReader(StringIO(file.decode())))
    everything = ask(site, "audit", "--since", "1h", "--limit", 1000)

    assert some.stderr == "zoe-admin: these are the newest 2; --limit shows more\n"
    assert [int(line["id"]) for line in lines] == [each["id"] for each in everything]
    assert lines[0]["action"] == "removeQuota"
    assert b"\r" not in file


def test_on_a_terminal_it_is_a_table(site: Site) -> None:
    run(site, "quota", "rm", "user", "nobody")

    written, code = end_of(terminal(site, "audit", "--limit", 1))
    nothing, _ = end_of(terminal(site, "audit", "--user", "nobody"))

    assert code == 0
    assert "\x1b[33mrefused" in written
    assert f"{datetime.now().astimezone():%Y-}" in _STYLE.sub("", written)
    assert _STYLE.sub("", nothing) == "There is nothing.\r\n"


# --- users ---


def test_users_are_shown_with_what_their_quota_allows(site: Site) -> None:
    run(site, "quota", "set", "user", "carol", "--memory", "8GB", "--executions", 3)
    with site.busy():
        shown = run(site, "users").stdout.splitlines()
        documents = {each["name"]: UserUse.model_validate(each) for each in ask(site, "users")}
    run(site, "quota", "rm", "user", "carol")

    assert shown[0].split("  ")[0] == "USER"
    rows = {line.split()[0]: " ".join(line.split()) for line in shown[1:]}
    assert rows["carol"] == "carol - 0 of 3 0 0 bytes of 8 GB 0 0 - -"
    assert rows["admin"].startswith("admin zoe-admin 1 0 1 GB ")
    assert (documents["admin"].up, documents["admin"].held.memory) == (1, 2**30)


# --- usage over time ---


def test_usage_over_time_as_a_table_as_csv_and_as_pictures(site: Site, tmp_path: Path) -> None:
    ended(site)
    picture, page = tmp_path / "usage.png", tmp_path / "usage.html"
    by_zapp = ("usage", "--interval", "day", "--by", "zapp", "--top", 1)

    series = UsageSeries.model_validate(ask(site, "usage", "--from", "1h", "--interval", "month"))
    shown = run(site, *by_zapp, "--plot", picture).stdout.splitlines()
    file = run(site, *by_zapp, "--csv", "--plot", page).stdout_bytes
    rows = list(csv.DictReader(StringIO(file.decode())))

    assert {each.key for each in series.items} == {"admin"}
    assert series.interval == "month"
    assert shown[0].split()[:3] == ["DAY", "ZAPP", "CORE-HOURS"]
    assert shown[-1].startswith(f"{datetime.now(UTC):%Y-%m-%d}  (own description)  ")
    assert list(rows[-1])[:3] == ["day", "zapp", "executions"]
    assert (b"\r" in file, file.count(b"\n")) == (False, len(rows) + 1)
    assert float(rows[-1]["memory_gb_hours"]) > 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "Usage by zapp and day" in page.read_text()


def test_a_period_without_usage_is_drawn_too(site: Site, tmp_path: Path) -> None:
    period = ("--from", "2020-01-01", "--to", "2020-02-01", "--interval", "week")
    file = tmp_path / "nothing.png"

    empty = run(site, "usage", *period, "--plot", file)
    written, _ = end_of(terminal(site, "usage", *period))

    assert empty.exit_code == 0, empty.output
    assert file.exists()
    assert "Nobody used anything." in written


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("usage", "--interval", "day", "--by", "day"), "--by day: may not be given with"),
        (("usage", "--top", "3"), "--top: may be given with --interval only"),
        (("usage", "--interval", "day", "--top", "0"), "--top: is '0': must be a whole number, 1"),
        (("usage", "--interval", "day", "--from", "2000-01-01"), "interval: is 'day': the period"),
        (("usage", "--interval", "hour"), "--interval: 'hour' is not one of"),
        (("audit", "--csv", "--json"), "--csv and --json: give one of them"),
        (("audit", "--csv", "--limit", "3"), "--csv and --limit: give one of them"),
        (("audit", "--outcome", "odd"), "--outcome: 'odd' is not one of"),
        (("audit", "--since", "once"), "--since: is 'once': must be a date"),
        (("audit", "--target", "x" * 301), "target: "),
    ],
)
def test_a_wrong_option_is_named(site: Site, arguments: tuple[str, ...], said: str) -> None:
    refused(run(site, *arguments), 2, said)
