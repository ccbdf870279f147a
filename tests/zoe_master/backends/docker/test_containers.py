"""What a container is created with: every wall stands, whatever a description says."""

import re
from typing import Any

import pytest

from zoe_core.amount import Amount
from zoe_core.cluster import InstanceId
from zoe_master.backends.base import Fatal, InstanceSpec
from zoe_master.backends.docker.containers import (
    Surroundings,
    create_arguments,
    exit_code,
    has_init,
)
from zoe_master.backends.docker.identity import identify, instance_labels

DEPLOYMENT = "5a9c1f04-7f5e-4f4e-9d52-0c6a5a1f9b11"


def make(publish_on: str | None = None, own_init: bool = False, **fields: Any) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "id": InstanceId(42, "spark-worker", 1, attempt=3),
        "node": "here",
        "image": "zoe/spark",
        "command": ("work", "--hard"),
        "environment": {"GREETING": "hello = world"},
        "reservation": Amount.of(2**30, 0.5),
        "workspace": "/srv/workspaces/alice",
        "user": "alice",
        "memory_limit": 2**31,
    }
    around = Surroundings(
        deployment=DEPLOYMENT,
        dns_name="spark-worker-1-42",
        network="zoe-5a9c1f04-42",
        user_ids="1000:1001",
        pids_limit=100,
        log_bytes=3_000_000,
        publish_on=publish_on,
        own_init=own_init,
    )
    return create_arguments(InstanceSpec(**(defaults | fields)), around)


def test_the_walls_stand() -> None:
    arguments = make()
    assert arguments["cap_drop"] == ["ALL"]
    assert arguments["security_opt"] == ["no-new-privileges"]
    assert arguments["privileged"] is False
    assert arguments["user"] == "1000:1001"
    assert arguments["pids_limit"] == 100
    assert arguments["network"] == "zoe-5a9c1f04-42"
    assert arguments["restart_policy"] == {"Name": "no"}
    assert "exec" in arguments["tmpfs"]["/tmp"].split(",")
    assert not arguments.keys() & {"cap_add", "devices", "pid_mode", "volumes_from", "sysctls"}


def test_it_is_found_by_its_labels_and_its_name() -> None:
    arguments = make()
    assert arguments["name"] == "zoe-5a9c1f04-42-spark-worker-1-3"
    instance = InstanceId(42, "spark-worker", 1, attempt=3)
    assert identify(DEPLOYMENT, arguments["labels"]) == instance
    assert identify("another", arguments["labels"]) is None


@pytest.mark.parametrize("label", ["zoe.execution", "zoe.index", "zoe.attempt", "zoe.service"])
def test_labels_that_are_not_whole_are_nobodys(label: str) -> None:
    labels = instance_labels(DEPLOYMENT, InstanceId(1, "worker", 0))
    labels.pop(label)
    assert identify(DEPLOYMENT, labels) is None
    assert label == "zoe.service" or identify(DEPLOYMENT, {**labels, label: "x"}) is None


def test_memory_is_hard_and_without_swap() -> None:
    arguments = make(memory_limit=2**31, shm=2**26)
    assert arguments["mem_limit"] == arguments["memswap_limit"] == 2**31
    assert arguments["shm_size"] == 2**26
    assert "mem_limit" not in make(memory_limit=None)


@pytest.mark.parametrize(("cores", "shares"), [(0.5, 512), (1, 1024), (4, 4096), (0.001, 2)])
def test_cores_are_weights_and_no_caps(cores: float, shares: int) -> None:
    arguments = make(reservation=Amount.of(2**30, cores))
    assert arguments["cpu_shares"] == shares
    assert not arguments.keys() & {"nano_cpus", "cpu_quota", "cpuset_cpus"}


def test_the_workspace_is_mounted_and_the_volumes_that_were_allowed() -> None:
    mounts = make(volumes=(("/data/x:y", "/mnt/data", True),))["mounts"]
    assert [(each["Source"], each["Target"], each.get("ReadOnly", False)) for each in mounts] == [
        ("/srv/workspaces/alice", "/workspace", False),
        ("/data/x:y", "/mnt/data", True),  # a colon means nothing
    ]
    assert {each["Type"] for each in mounts} == {"bind"}


def test_a_description_cannot_say_where_the_workspace_is_or_who_it_runs_as() -> None:
    environment = {"ZOE_WORKSPACE": "/etc", "ZOE_UID": "0", "HOME": "/home/me", "A": "b"}
    given = make(environment=environment)["environment"]
    assert (given["ZOE_WORKSPACE"], given["ZOE_UID"], given["ZOE_GID"]) == (
        "/workspace",
        "1000",
        "1001",
    )
    assert (given["HOME"], given["A"]) == ("/home/me", "b")
    assert make()["use_config_proxy"] is False


@pytest.mark.parametrize(
    ("command", "work_dir", "expected"),
    [
        (("run",), None, "/workspace"),
        (("run",), "data", "/workspace/data"),
        (("run",), "/opt", "/opt"),
        (("run",), "../workspace/data/", "/workspace/data"),
        (("run",), "/workspace/../opt", "/opt"),
        (None, None, None),
        (None, "data", "/workspace/data"),
    ],
)
def test_where_it_starts(
    command: tuple[str, ...] | None, work_dir: str | None, expected: str | None
) -> None:
    arguments = make(command=command, work_dir=work_dir)
    assert arguments["working_dir"] == expected
    assert arguments["command"] == (None if command is None else list(command))


@pytest.mark.parametrize("bad", ["..", "../..", "data/../../etc", "../workspaces"])
def test_what_is_relative_does_not_leave_the_workspace(bad: str) -> None:
    said = f"The work_dir {bad!r} of spark-worker-1 leads out of the workspace."
    with pytest.raises(Fatal, match=re.escape(said)):
        make(work_dir=bad)


def test_ports_are_published_only_where_they_must_be() -> None:
    assert make(ports=(80,))["ports"] == {}
    assert make(ports=(80,), publish_on="192.0.2.7")["ports"] == {"80/tcp": ("192.0.2.7", None)}


def test_gpus_are_given_by_id() -> None:
    assert "device_requests" not in make()
    (request,) = make(devices=("GPU-7",))["device_requests"]
    assert (request["DeviceIDs"], request["Capabilities"]) == (["GPU-7"], [["gpu"]])


def test_the_engine_keeps_a_bounded_log() -> None:
    log = make()["log_config"]
    assert log["Type"] == "local"
    assert (log["Config"]["max-size"], log["Config"]["max-file"]) == (str(2**24), "2")


def test_an_init_is_added_unless_the_image_has_one() -> None:
    assert make()["init"] is True
    assert make(own_init=True)["init"] is False


@pytest.mark.parametrize(
    ("entrypoint", "expected"),
    [
        (None, False),
        ([], False),
        (["/docker-entrypoint.sh"], False),
        (["tini", "--"], True),
        (["/usr/bin/tini", "-g", "--"], True),
        (["/usr/bin/dumb-init"], True),
    ],
)
def test_an_images_own_init_is_known(entrypoint: list[str] | None, expected: bool) -> None:
    assert has_init(entrypoint) is expected


@pytest.mark.parametrize(
    ("status", "code"), [(0, 0), (1, 1), (128, 128), (137, -9), (143, -15), (158, -30), (255, 255)]
)
def test_a_death_by_signal_is_negative(status: int, code: int) -> None:
    assert exit_code(status) == code


@pytest.mark.parametrize("bad", [{"command": ("a\0b",)}, {"environment": {"NAME": "\0"}}])
def test_a_nul_character_is_fatal(bad: dict[str, Any]) -> None:
    with pytest.raises(Fatal, match="NUL"):
        make(**bad)


@pytest.mark.parametrize("name", ["", "A=B", "A\0"])
def test_a_bad_variable_is_fatal(name: str) -> None:
    with pytest.raises(Fatal, match="cannot be set"):
        make(environment={name: "x"})
