"""What holds of local processes: their surroundings, their secrets, all that they start."""

import json
import os
import signal
import socket
import sys
from pathlib import Path

import psutil
import pytest

from tests.contract.sites import Site
from tests.support.waiting import eventually
from zoe_core.cluster import Observed
from zoe_master.backends.base import Fatal

SECRET = "s3cr3t-4711"


def environment_of(site: Site, **variables: str) -> dict[str, str]:
    program = "import json, os; print(json.dumps(dict(os.environ)))"
    _, log = site.run(sys.executable, "-c", program, environment=variables)
    return json.loads(log)


def sleepers(seconds: int) -> list[psutil.Process]:
    """The processes that sleep for that unusual time."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"] == ["sleep", str(seconds)]
    ]


def test_the_environment_is_the_instances_own(
    process_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = {
        "ZOE_DATABASE_URL": "postgresql://zoe:pw@/zoe",
        "JUPYTERHUB_API_TOKEN": "hub-token",
        "CONFIGPROXY_AUTH_TOKEN": "proxy-token",
        "AWS_SECRET_ACCESS_KEY": "aws",
        "PYTHONPATH": "/nowhere",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    variables = environment_of(process_site, GREETING="hello = world")
    assert variables["GREETING"] == "hello = world"
    assert not secrets.keys() & variables.keys()


def test_an_instance_may_have_a_token_of_its_own(process_site: Site) -> None:
    assert (
        environment_of(process_site, JUPYTERHUB_API_TOKEN=SECRET)["JUPYTERHUB_API_TOKEN"] == SECRET
    )


def test_it_starts_in_the_workspace_which_is_private(process_site: Site) -> None:
    _, log = process_site.run("sh", "-c", "pwd; stat -c %a .")
    workspace = process_site.backend.workspace("alice")
    assert log.decode().splitlines() == [workspace, "700"]


def test_temporary_files_go_to_a_private_place(process_site: Site) -> None:
    variables = environment_of(process_site)
    assert Path(variables["TMPDIR"]).is_dir()
    assert Path(variables["TMPDIR"]).stat().st_mode & 0o777 == 0o700


def test_a_work_dir_is_below_the_workspace(process_site: Site) -> None:
    below = Path(process_site.backend.workspace("alice"), "data")
    below.mkdir(parents=True)
    _, log = process_site.run("pwd", work_dir="data")
    assert log.decode() == f"{below}\n"


def test_secrets_are_on_no_command_line_and_in_no_file(process_site: Site) -> None:
    instance = process_site.start(
        "sh", "-c", "echo ready; sleep infinity", environment={"TOKEN": SECRET}
    )
    process_site.await_log(instance, b"ready")
    for process in psutil.process_iter(["cmdline"]):
        assert SECRET not in " ".join(process.info["cmdline"] or [])
    files = [path for path in process_site.directory.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]


def test_the_back_ends_files_are_closed_to_others(process_site: Site) -> None:
    process_site.run("true")
    private = Path(process_site.backend.directory)
    assert private.stat().st_mode & 0o077 == 0


def test_a_command_that_is_not_there_says_so(process_site: Site) -> None:
    seen, log = process_site.run("no-such-command", "--help")
    assert seen.exit_code == 127
    assert seen.detail == "The command 'no-such-command' was not found."
    assert seen.detail.encode() in log


def test_a_file_that_is_no_program_says_so(process_site: Site, tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("1, 2, 3\n")
    seen, _ = process_site.run(str(tmp_path / "data.txt"))
    assert seen.exit_code == 126
    assert "cannot be run" in seen.detail


def test_an_unknown_image_is_fatal_and_names_the_known_ones(process_site: Site) -> None:
    with pytest.raises(Fatal, match=r"'no/such:image'.*test"):
        process_site.start("true", image="no/such:image")
    assert list(process_site.backend.observations()) == []


@pytest.mark.parametrize("missing", ["nowhere", "file", "file/data"])
def test_a_work_dir_that_is_none_is_fatal(real_site: Site, missing: str) -> None:
    real_site.run("touch", "file")
    workspace = Path(real_site.backend.workspace("alice"))
    with pytest.raises(Fatal, match=f"work_dir '{missing}' of worker-0 is not a directory"):
        real_site.start("true", execution=2, work_dir=missing)
    assert [each.name for each in workspace.iterdir()] == ["file"]


def test_a_workspace_that_is_a_file_is_fatal(process_site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Fatal, match="is not a directory"):
        process_site.start("true", workspace=str(tmp_path / "file"))


@pytest.mark.parametrize("bad", ["a\0b", "\0"])
def test_a_nul_character_is_fatal(process_site: Site, bad: str) -> None:
    with pytest.raises(Fatal, match="NUL"):
        process_site.start("echo", bad)
    with pytest.raises(Fatal, match="NAME"):
        process_site.start("true", environment={"NAME": bad})


@pytest.mark.parametrize("user", [".", "..", "a/../../b", "/etc"])
def test_a_user_name_does_not_lead_elsewhere(process_site: Site, user: str) -> None:
    ordinary = Path(process_site.backend.workspace("ada"))
    workspace = Path(process_site.backend.workspace(user))
    assert workspace.parent == ordinary.parent
    assert workspace.name not in (".", "..")


def test_stop_ends_children_and_daemons(process_site: Site) -> None:
    script = "sleep 98761 & setsid sleep 98761 & (setsid sleep 98761 &) ; echo ready; wait"
    instance = process_site.start("sh", "-c", script)
    eventually(lambda: len(sleepers(98761)) == 3)
    process_site.backend.stop(instance, grace=30)
    process_site.await_exit(instance)
    assert sleepers(98761) == []


def test_daemons_end_with_the_command(process_site: Site) -> None:
    seen, _ = process_site.run("sh", "-c", "(setsid sleep 98762 &); sleep 0.2; exit 3")
    assert seen.exit_code == 3
    assert sleepers(98762) == []


def test_stubborn_daemons_are_killed(process_site: Site) -> None:
    script = "trap '' TERM; (setsid sleep 98763 &); echo ready; sleep infinity"
    instance = process_site.start("sh", "-c", script)
    eventually(lambda: sleepers(98763))
    process_site.backend.stop(instance, grace=0.1)
    assert process_site.await_exit(instance).exit_code == -9
    assert sleepers(98763) == []


def test_a_polite_signal_is_for_the_command_alone_and_comes_once(process_site: Site) -> None:
    """By default it kills, so whatever the command has started must not get it."""
    trap = "trap 'echo asked' PWR"
    script = f"sleep 98764 & {trap}; echo ready; while :; do wait; done"
    instance = process_site.start("sh", "-c", script)
    process_site.await_log(instance, b"ready")
    process_site.backend.stop(instance, 3600, signal.SIGPWR)
    process_site.await_log(instance, b"asked")
    assert sleepers(98764)
    for grace in (3600, 0.5):
        process_site.backend.stop(instance, grace, signal.SIGPWR)
    assert process_site.await_exit(instance).exit_code == -signal.SIGKILL
    assert process_site.log(instance) == b"ready\nasked\n"
    assert sleepers(98764) == []


def test_signals_are_neither_ignored_nor_blocked_by_inheritance(process_site: Site) -> None:
    ignored = signal.signal(signal.SIGQUIT, signal.SIG_IGN)  # as a shell's `&` leaves it
    try:
        _, log = process_site.run("grep", "-E", "SigIgn|SigBlk", "/proc/self/status")
    finally:
        signal.signal(signal.SIGQUIT, ignored)
    masks = [int(mask, 16) for mask in log.split()[1::2]]
    standard = 2**31 - 1  # signals 1 to 31; the C library ignores two of its own above
    assert [mask & standard for mask in masks] == [0, 0]


def test_nothing_of_the_masters_is_open(process_site: Site) -> None:
    mine = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(mine, True)
    try:
        _, log = process_site.run("sh", "-c", "ls /proc/$$/fd")
    finally:
        os.close(mine)
    assert log.split() == [b"0", b"1", b"2"]


def test_an_instance_is_reached_at_its_address(process_site: Site) -> None:
    program = (
        "import socket, sys; s = socket.create_server((sys.argv[1], 23456));"
        "print('up', flush=True); s.accept()[0].sendall(sys.argv[2].encode())"
    )
    backend = process_site.backend
    for number, greeting in ((1, "one"), (2, "two")):
        host = backend.dns_name(number, "worker", 0)
        command = (sys.executable, "-c", program, host, greeting)
        instance = process_site.start(*command, execution=number)
        process_site.await_log(instance, b"up")
        with socket.create_connection(backend.address(instance, 23456)) as connection:
            assert connection.recv(100).decode() == greeting


def test_use_grows_with_work(process_site: Site) -> None:
    program = "data = bytearray(50_000_000)\nwhile True: pass"
    instance = process_site.start("sh", "-c", f"'{sys.executable}' -c '{program}' & wait")

    def busy() -> bool:
        usage = process_site.backend.usage(instance)
        return usage is not None and usage.memory > 50_000_000 and usage.cpu_seconds > 0.1

    eventually(busy)


def test_output_that_nobody_stops_does_not_keep_it_from_stopping(process_site: Site) -> None:
    instance = process_site.start("yes")
    process_site.await_log(instance, b"y\n")
    process_site.backend.stop(instance, grace=30)
    assert process_site.await_exit(instance).observed is Observed.EXITED
