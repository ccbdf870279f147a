"""The command `zoe` in a pipe, against a running portal: each command, JSON, errors, exit codes."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

import pytest

from tests.support.running_zoe import ROOT
from tests.support.waiting import eventually
from tests.zoe_client.cli.site import PATIENCE, PROGRAM, ROOM, Site
from zoe_core.protocol import rest, rest_platform

pytestmark = pytest.mark.timeout(300)

HOSTILE = r"print('\x1b[31mred\x1b]0;title\x07'); raise SystemExit(4)"


# --- which Zoe ---


def test_info_says_who_i_am(site: Site) -> None:
    shown = site.run("info")

    assert shown.exit_code == 0
    assert f"at {site.client.url}" in shown.stdout
    assert "You:         admin" in shown.stdout
    assert rest_platform.Info.model_validate(site.ask("info")).caller.name == "admin"


@pytest.mark.parametrize("given", ["{hub}/services/zoe/", "{hub}/hub/token", "{hub}"])
def test_a_login_is_kept_for_later(site: Site, tmp_path: Path, given: str) -> None:
    env = {"XDG_CONFIG_HOME": str(tmp_path)}
    kept = tmp_path / "zoe" / "config.json"

    before = site.run("info", env=env)
    login = site.run(
        "login", given.format(hub=site.zoe.url), "--token-stdin", env=env, stdin=f"{site.token}\n"
    )
    after = site.run("info", env=env)

    assert (before.exit_code, "zoe login" in before.stderr) == (2, True)
    assert (login.exit_code, login.stdout) == (
        0,
        f"You are admin at {site.client.url}. This is kept in {kept}.\n",
    )
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "You:         admin" in after.stdout


@pytest.mark.parametrize(("token", "said"), [("wrong", "token"), ("", "empty")])
def test_a_login_that_fails_keeps_nothing(
    site: Site, tmp_path: Path, token: str, said: str
) -> None:
    env = {"XDG_CONFIG_HOME": str(tmp_path)}

    login = site.run("login", site.zoe.url, "--token-stdin", env=env, stdin=f"{token}\n")

    assert login.exit_code == 2
    assert said in login.stderr
    assert login.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


# --- the gallery ---


def test_the_gallery_and_one_of_it(site: Site) -> None:
    assert "notebook-job" in site.run("gallery").stdout
    assert {each["slug"] for each in site.ask("gallery")} >= {"jupyter", "spark-job"}

    one = site.run("gallery", "spark-job").stdout
    assert "PARAMETER" in one
    assert "workers" in one
    assert rest.ZAppDetail.model_validate(site.ask("gallery", "spark-job")).slug == "spark-job"


def test_a_description_is_checked(site: Site) -> None:
    good = site.job("pass")
    bad = good.read_text().replace('"essential_count": 1', '"essential_count": -1')

    valid = site.run("validate", good)
    invalid = site.run("validate", "-", stdin=bad)

    assert (valid.exit_code, valid.stdout) == (0, "It is valid.\n")
    assert invalid.exit_code == 1
    assert "problem  services[0].essential_count: is -1" in invalid.stdout
    assert site.ask("validate", good)["valid"] is True


# --- a launch ---


def test_a_launch_in_a_script_says_the_id_alone(site: Site) -> None:
    launched = site.run("run", site.job("pass"), "--name", "mine")
    execution = site.client.get(int(launched.stdout)).wait(PATIENCE)

    assert launched.exit_code == 0
    assert execution.name == "mine"
    assert site.ask("run", site.job("pass"))["id"] > execution.id


@pytest.mark.parametrize(("program", "code"), [("pass", 0), ("exit(7)", 7), ("exit(200)", 1)])
def test_with_wait_the_exit_code_is_that_of_the_job(site: Site, program: str, code: int) -> None:
    waited = site.run("run", site.job(program), "--wait")

    assert waited.exit_code == code
    assert waited.stdout.strip().isdigit()
    assert f"execution {waited.stdout.strip()} has" in waited.stderr


def test_with_wait_and_json_there_is_one_document_of_the_end(site: Site) -> None:
    waited = site.run("run", site.job("exit(3)"), "--wait", "--json")

    assert waited.exit_code == 3
    assert rest.Execution.model_validate_json(waited.stdout).status == "error"


def test_with_follow_there_is_the_log_alone(site: Site) -> None:
    followed = site.run("run", site.job("print('one'); print('two'); exit(5)"), "--follow")

    assert (followed.exit_code, followed.stdout) == (5, "one\ntwo\n")
    assert "has failed" in followed.stderr.splitlines()[-1]


FAILS_ONCE = """
import pathlib, sys, time
go_on, begun = map(pathlib.Path, ({go_on!r}, {begun!r}))
if begun.exists():
    print("attempt 2")
    sys.exit(6)
begun.touch()
print("attempt 1")
while not go_on.exists(): time.sleep(0.02)
sys.exit(5)
"""


def test_a_job_that_is_started_again_is_followed_on(site: Site, tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    program = FAILS_ONCE.format(go_on=str(go_on), begun=str(tmp_path / "begun"))
    job = site.job(program, restart={"policy": "on-failure", "count": 1})

    process = subprocess.Popen(
        [*PROGRAM, "run", job, "--follow"],
        cwd=ROOT,
        env=site.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "attempt 1\n"
    go_on.touch()
    written, _ = process.communicate(timeout=PATIENCE)

    assert (written, process.returncode) == ("attempt 2\n", 6)


def test_with_follow_and_json_there_is_an_object_a_line(site: Site) -> None:
    followed = site.run("run", site.job("print('one'); print('two')"), "--follow", "--json")
    first, *lines, last = map(json.loads, followed.stdout.splitlines())

    assert followed.exit_code == 0
    assert [each["line"] for each in lines] == ["one", "two"]
    assert first["execution"]["id"] == last["execution"]["id"]
    assert last["execution"]["status"] == "terminated"


# --- what is there ---


def test_a_list_is_plain_text_in_columns(site: Site) -> None:
    site.run("run", site.job("pass"), "--name", "columns one", "--wait")
    site.run("run", site.job("exit(2)"), "--name", "columns two", "--wait")

    titles, *lines = site.run("ls", "--name", "columns").stdout.splitlines()
    listed = site.ask("ls", "--name", "columns")

    assert titles.split() == ["ID", "NAME", "ZAPP", "STATUS", "SUBMITTED", "LASTED", "NOTE"]
    for title in ("NAME", "ZAPP", "STATUS", "SUBMITTED", "NOTE"):
        begin = titles.index(title)
        assert all(line[begin - 2 : begin] == "  " and line[begin] != " " for line in lines)
    assert [each["name"] for each in listed] == ["columns two", "columns one"]
    assert [line.split()[0] for line in lines] == [str(each["id"]) for each in listed]


def test_a_list_is_filtered(site: Site) -> None:
    site.run("run", site.job("exit(2)"), "--name", "filtered", "--wait")

    def found(*options: str) -> int:
        return len(site.ask("ls", "--name", "filtered", *options))

    assert found("--status", "error", "--since", "1h", "--user", "*") == 1
    assert found("--status", "running", "--status", "queued") == 0
    assert found("--until", "2020-01-01") == 0
    assert len(site.ask("ls", "--limit", "1")) == 1
    assert "USER" in site.run("ls", "--user", "*").stdout


def test_nobody_speaks_to_my_terminal_but_a_log(site: Site) -> None:
    launched = site.run("run", site.job(HOSTILE), "--wait")
    number = launched.stdout.strip()

    assert "\x1b" not in launched.stderr
    for command in (("ls", "--limit", "1"), ("show", number), ("show", number, "--json")):
        shown = site.run(*command).stdout
        assert "31mred" in shown
        assert "\x1b" not in shown
    assert site.run("logs", number).stdout == "\x1b[31mred\x1b]0;title\x07\n"


def test_an_execution_is_shown(site: Site) -> None:
    number = site.run("run", site.job("exit(3)"), "--wait").stdout.strip()

    shown = site.run("show", number).stdout

    assert "Status:     error" in shown
    assert f"{site.client.url}executions/{number}" in shown
    assert "main-0" in shown
    assert site.ask("show", number)["id"] == int(number)


def test_why_says_the_place_the_reason_and_what_is_ahead(site: Site) -> None:
    with site.busy():
        ahead = site.launch("pass", memory=ROOM)
        waits = site.launch("pass", memory=ROOM)
        eventually(lambda: _position(site, waits.id) == 2, timeout=PATIENCE)
        said = site.run("why", waits.id).stdout
        listed = site.run("ls", "--status", "queued").stdout
        for each in (ahead, waits):
            each.stop()

    assert "Position:   2\n" in said
    assert f"Ahead:      {ahead.id} (job, admin)\n" in said
    assert "1 GB" in said
    assert "number 2 in the queue" in listed


def _position(site: Site, execution_id: int) -> object:
    waiting = site.ask("why", execution_id)
    return waiting and waiting["position"]


def test_top_shows_nodes_and_what_lives_once(site: Site) -> None:
    with site.busy() as holder:
        shown = site.run("top").stdout
        document = site.ask("top")

    assert "1 GB of 1 GB" in shown
    assert holder.id in [each["id"] for each in document["executions"]]
    assert (
        rest_platform.Cluster.model_validate(document["cluster"]).items[0].reserved.memory == ROOM
    )


def test_logs_of_an_instance_and_their_end(site: Site) -> None:
    number = site.run("run", site.job("print(*range(100), sep=chr(10))"), "--wait").stdout.strip()

    assert site.run("logs", number).stdout.splitlines() == list(map(str, range(100)))
    assert site.run("logs", number, "main-0", "--tail", "2").stdout == "98\n99\n"
    lines = site.run("logs", "-f", number, "--tail", "1", "--json").stdout.splitlines()
    assert list(map(json.loads, lines)) == [
        {"execution_id": int(number), "instance": None, "line": "99"}
    ]
    missing = site.run("logs", number, "main-7")
    assert (missing.exit_code, "there are main-0" in missing.stderr) == (1, True)


def test_an_endpoint_is_printed_where_there_is_no_browser(site: Site) -> None:
    port = {"name": "Page", "port_number": 8123, "protocol": "tcp", "kind": "web"}
    served = site.launch("import time; time.sleep(1000)", ports=[port])
    eventually(lambda: served.status == "running" and served.endpoints, timeout=PATIENCE)

    printed = site.run("open", served.id)
    by_name = site.run("open", served.id, "pa", "--print")
    unknown = site.run("open", served.id, "other")
    document = site.ask("open", served.id)
    served.stop().wait(PATIENCE)
    ended = site.run("open", served.id)

    assert printed.stdout == by_name.stdout == f"{served.url}/endpoints/main-0/8123/\n"
    assert (unknown.exit_code, "must be one of 'Page'" in unknown.stderr) == (2, True)
    assert document[0]["name"] == "Page"
    assert (ended.exit_code, "has no endpoint now" in ended.stderr) == (1, True)


def test_several_are_stopped_though_one_is_not_there(site: Site) -> None:
    running = [site.launch("import time; time.sleep(1000)") for _ in range(2)]

    stopped = site.run("stop", running[0].id, 999_999, running[1].id)

    assert stopped.exit_code == 1
    assert stopped.stderr == "zoe: You have no execution 999999.\n"
    assert all(each.wait(PATIENCE).status == "terminated" for each in running)
    assert [each["id"] for each in site.ask("stop", running[0].id)] == [running[0].id]


def test_one_that_was_stopped_did_not_go_well(site: Site) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "run", site.job("import time; time.sleep(1000)"), "--wait"],
        cwd=ROOT,
        env=site.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    site.run("stop", process.stdout.readline().strip())
    process.communicate(timeout=PATIENCE)

    assert process.returncode == 1


# --- what goes wrong ---


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("run", "notebook-job", "-p", "notebok=x"), 2, "did you mean 'notebook'?"),
        (("run", "spark-job", "-p", "workers=many"), 2, "parameters.workers: is 'many'"),
        (("run", "spark-job", "-p", "workers"), 2, "must be NAME=VALUE"),
        (("run", "spark-job", "-p", "workers=1e999"), 2, "-p workers: is '1e999': must be"),
        (("run", "spark-job", "-p", "a=1", "-p", "a=2"), 2, "-p a: is given twice"),
        (("run", "no-such-zapp"), 2, "no-such-zapp"),
        (("run", "Not a slug"), 2, "ZAPP: is 'Not a slug': must be lower-case letters"),
        (("run", "spark-job", "--name", "n" * 129), 2, "--name: is 129 characters long"),
        (("run", "there/is/none.json"), 2, "FILE: is 'there/is/none.json': cannot be read"),
        (("show", "999999"), 1, "no execution 999999"),
        (("ls", "--since", "yesterday"), 2, "--since: is 'yesterday': must be a date"),
        (("ls", "--limit", "0"), 2, "--limit"),
        (("lss",), 2, "Did you mean 'ls'?"),
        (("show",), 2, "ID"),
    ],
)
def test_an_error_is_one_line_and_says_what_would_be_right(
    site: Site, arguments: tuple[str, ...], code: int, said: str
) -> None:
    failed = site.run(*arguments)

    assert (failed.exit_code, failed.stdout) == (code, "")
    assert failed.stderr.startswith("zoe: ")
    assert failed.stderr.count("\n") == 1
    assert said in failed.stderr


def test_where_there_is_no_zoe_and_where_a_token_is_wrong(site: Site) -> None:
    away = site.run("ls", env={"ZOE_URL": "http://127.0.0.1:1/", "ZOE_TOKEN": "t"})
    wrong = site.run("ls", env={**site.environment, "ZOE_TOKEN": "wrong"})

    assert (away.exit_code, wrong.exit_code) == (1, 2)
    assert away.stderr.startswith("zoe: Zoe does not answer at http://127.0.0.1:1/")
    assert wrong.stderr.count("\n") == 1


def test_a_reader_that_has_seen_enough_is_no_error(site: Site) -> None:
    number = site.run("run", site.job("print('x\\n' * 500_000)"), "--wait").stdout.strip()

    piped = subprocess.run(
        ["/bin/sh", "-c", f"{' '.join(PROGRAM)} logs {number} | head -n 1"],
        cwd=ROOT,
        env={**site.environment, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )

    assert (piped.stdout, piped.stderr) == ("x\n", "")


def test_what_a_terminal_cannot_write_is_no_error(site: Site) -> None:
    number = site.run("run", site.job(r"print('done \u2713')"), "--wait").stdout.strip()

    shown = subprocess.run(
        [*PROGRAM, "logs", number],
        cwd=ROOT,
        env={**site.environment, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )

    assert shown.stdout == "done ?\n"
