"""What a container can do, asked from inside, on a real engine."""

import socket
from pathlib import Path

import pytest

from tests.contract.sites import DockerSite
from tests.support.docker_engine import running_engine
from tests.support.waiting import eventually
from zoe_core.amount import Amount
from zoe_core.cluster import InstanceId
from zoe_master.backends.base import Fatal
from zoe_master.backends.docker.containers import LOG_FILE_BYTES, LOG_FILES

SECRET = "s3cr3t-4711"
TRIES = 3
"""containerd's shim forgets the news of the memory when the control group has gone by then."""


def test_it_runs_as_nobody_special(site: DockerSite) -> None:
    _, log = site.run("sh", "-c", "id -u; id -g; grep -E 'CapEff|NoNewPrivs' /proc/self/status")
    uid, gid, capabilities, privileges = log.decode().splitlines()
    assert (uid, gid) == ("1000", "1000")
    assert int(capabilities.split()[1], 16) == 0
    assert privileges.split()[1] == "1"


def test_it_starts_in_the_users_own_workspace(site: DockerSite) -> None:
    _, log = site.run("sh", "-c", 'pwd; echo "$ZOE_WORKSPACE $HOME"; echo 42 > result')
    assert log == b"/workspace\n/workspace /workspace\n"
    workspace = Path(site.backend.workspace("alice"))
    assert (workspace / "result").read_text() == "42\n"
    assert workspace.stat().st_mode & 0o777 == 0o700


def test_nothing_else_of_the_machine_is_there(site: DockerSite) -> None:
    _, log = site.run("sh", "-c", f"ls {site.directory} /root /home 2>&1; ls /workspace/..")
    assert b"No such file" in log
    assert b"alice" not in log


def test_only_allowed_volumes_are_mounted_and_kept_from_writing(
    site: DockerSite, tmp_path: Path
) -> None:
    data = tmp_path / "data: a:b"
    data.mkdir()
    (data / "text").write_text("hello\n")
    script = "cat /mnt/data/text; echo x > /mnt/data/new"
    _, log = site.run("sh", "-c", script, volumes=((str(data), "/mnt/data", True),))
    assert b"hello\n" in log
    assert b"Read-only" in log


def test_a_volume_that_is_not_there_is_fatal(site: DockerSite) -> None:
    with pytest.raises(Fatal, match="no-such-directory"):
        site.start("true", volumes=(("/no-such-directory", "/mnt/x", True),))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exec tail -c 200m /dev/zero", "killed: "),
        ("exec dd if=/dev/zero of=/tmp/x bs=1M count=200", "killed: "),
        ("tail -c 200m /dev/zero; exit 1", "a process of it was killed: "),
        ("dd if=/dev/zero of=/tmp/x bs=1M count=200; exit 1", "a process of it was killed: "),
    ],
    ids=["memory", "temporary files", "memory of a child", "temporary files of a child"],
)
def test_too_much_memory_is_said(site: DockerSite, script: str, said: str) -> None:
    details = []
    for number in range(1, TRIES + 1):
        seen, _ = site.run("sh", "-c", script, execution=number, memory_limit=2**25)
        assert seen.exit_code != 0
        details.append(seen.detail)
        if seen.detail is not None:
            break
    assert details[-1] == f"{said}it used more than 32 MB", details


def test_a_child_that_was_killed_does_not_matter_if_all_went_well(site: DockerSite) -> None:
    seen, _ = site.run("sh", "-c", "tail -c 200m /dev/zero; exit 0", memory_limit=2**25)
    assert (seen.exit_code, seen.detail) == (0, None)


def test_a_flood_of_output_is_bounded_on_the_disk_of_the_engine(site: DockerSite) -> None:
    site.restart_with(log_limit=2**20)
    flood = 'yes "$(seq -s . 1000)" | head -c 100000000; touch over; sleep infinity'
    instance = site.start("sh", "-c", flood)
    site.await_log(instance, b"what follows is not kept")
    client = running_engine().client
    container = client.containers.get(instance.container_name(site.backend.deployment))
    logs = Path(client.info()["DockerRootDir"], "containers", container.id, "local-logs")

    over = Path(site.backend.workspace("alice"), "over")

    def bounded() -> bool:
        assert kept(logs) <= LOG_FILES * LOG_FILE_BYTES + 2**20
        return over.exists()

    eventually(bounded)
    assert kept(logs) > LOG_FILE_BYTES


def kept(logs: Path) -> int:
    """Bytes in all files of a log; one may be removed meanwhile."""
    try:
        return sum(each.stat().st_size for each in logs.iterdir())
    except FileNotFoundError:
        return 0


def test_a_fork_bomb_is_contained(site: DockerSite) -> None:
    site.restart_with(pids_limit=32)
    _, log = site.run("sh", "-c", "for i in $(seq 100); do sleep 60 & done; echo survived")
    assert b"fork" in log


def test_instances_find_each_other_by_name_and_others_do_not(site: DockerSite) -> None:
    server = site.start("sh", "-c", "while :; do echo hello | nc -l -p 7000; done", ports=(7000,))
    name = site.backend.dns_name(1, "worker", 0)
    script = f"for i in $(seq 50); do nc {name} 7000 </dev/null && exit; sleep 0.1; done; exit 1"
    seen, log = site.run("sh", "-c", script, id=InstanceId(1, "client", 0))
    assert (seen.exit_code, log.splitlines()[-1]) == (0, b"hello")
    host, port = site.backend.address(server, 7000)
    for target in (name, host):
        seen, _ = site.run(
            "nc", "-w", "1", target, str(port), id=InstanceId(2, f"to-{len(target)}", 0)
        )
        assert seen.exit_code != 0


def test_the_portal_reaches_it(site: DockerSite) -> None:
    instance = site.start("sh", "-c", "while :; do echo hello | nc -l -p 7000; done", ports=(7000,))

    def greeting() -> bytes:
        try:
            with socket.create_connection(site.backend.address(instance, 7000), 5) as connection:
                return connection.recv(100)
        except OSError:
            return b""

    assert eventually(greeting) == b"hello\n"


def test_secrets_are_in_no_file_of_ours(site: DockerSite) -> None:
    instance = site.start("sleep", "infinity", environment={"TOKEN": SECRET})
    eventually(lambda: site.observe(instance))
    files = [path for path in Path(site.backend.directory).rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]


def test_cores_are_weights(site: DockerSite) -> None:
    script = "cat /sys/fs/cgroup/cpu/cpu.shares 2>/dev/null || cat /sys/fs/cgroup/cpu.weight"
    _, light = site.run("sh", "-c", script, reservation=Amount.of(2**26, 0.5))
    _, heavy = site.run("sh", "-c", script, execution=2, reservation=Amount.of(2**26, 2))
    assert int(light) < int(heavy)
