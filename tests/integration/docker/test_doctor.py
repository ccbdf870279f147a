"""``zoe-admin doctor`` with a whole Zoe on a real engine, and what it says to type typed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.sites import DEPLOYMENT, DockerSite
from tests.support.builders import START
from tests.support.container_zoe import ContainerZoe, container_zoe
from tests.support.docker_engine import TEST_IMAGE
from tests.support.waiting import eventually
from zoe_core.cluster import InstanceId
from zoe_master.backends.docker import identity
from zoe_master.backends.docker.identity import execution_labels, instance_labels, network_name
from zoe_master.backends.docker.records import Records

pytestmark = pytest.mark.timeout(180)

OTHER = "c0ffee00-7f5e-4f4e-9d52-0c6a5a1f9b11"
UNKNOWN = 1_000_000


@pytest.fixture(scope="module")
def zoe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerZoe]:
    settings = "c.ZoeMaster.relist_interval = 1.0\n"
    with container_zoe(tmp_path_factory.mktemp("doctor") / "zoe", more=settings) as zoe:
        yield zoe


@pytest.fixture(scope="module")
def token(zoe: ContainerZoe) -> str:
    with zoe.person("admin"):
        return zoe.administrator().make_token()


def doctor(zoe: ContainerZoe, token: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "zoe_client.cli.admin", "doctor", *options]
    where = {"ZOE_URL": f"{zoe.url}/services/zoe/", "ZOE_TOKEN": token}
    done = subprocess.run(
        command, env=os.environ | where, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode in (0, 1), done.stderr
    return done


def findings(zoe: ContainerZoe, token: str) -> dict[str, Any]:
    """What it finds, by its name."""
    told = json.loads(doctor(zoe, token, "--json").stdout)["items"]
    return {each["what"]: each for each in told}


def problems(zoe: ContainerZoe, token: str) -> dict[str, Any]:
    """The serious ones, but for images, which may not have been built."""
    return {
        what: each
        for what, each in findings(zoe, token).items()
        if each["serious"] and not what.startswith("image ")
    }


def put_strangers(zoe: ContainerZoe) -> dict[str, str]:
    """A container, a network and a record of an execution that nobody knows: kinds and names."""
    assert zoe.deployment is not None
    instance = InstanceId(UNKNOWN, "main", 0)
    name = instance.container_name(zoe.deployment)
    network = network_name(zoe.deployment, UNKNOWN)
    engine = zoe.engine.client
    engine.networks.create(network, labels=execution_labels(zoe.deployment, UNKNOWN))
    labels = instance_labels(zoe.deployment, instance)
    engine.containers.run(TEST_IMAGE, name=name, labels=labels, network=network, detach=True)
    engine.containers.create(
        TEST_IMAGE, name=f"zoe-odd-{name}", labels={identity.DEPLOYMENT: zoe.deployment}
    )
    record = Records(zoe.directory / "docker" / "instances", zoe.deployment).of(
        InstanceId(UNKNOWN, "other", 0)
    )
    record.create(zoe.deployment, InstanceId(UNKNOWN, "other", 0), engine_name(zoe))
    return {
        name: "container",
        f"zoe-odd-{name}": "container",
        network: "network",
        record.name: "record",
    }


def engine_name(zoe: ContainerZoe) -> str:
    with zoe.person("admin") as admin:
        (node,) = admin.json("GET", "/services/zoe/api/v1/cluster")["items"]
        return str(node["name"])


def test_an_engine_is_asked_for_all_that_may_outlive_an_execution(site: DockerSite) -> None:
    def kinds() -> list[str]:
        items = [each for each in site.backend.inventory() if each.deployment == DEPLOYMENT]
        assert {each.execution_id for each in items} <= {1}
        return sorted(each.kind for each in items)

    instance = site.start("true")
    assert kinds() == ["container", "network"]
    site.await_exit(instance)
    site.backend.remove(instance)
    assert kinds() == ["network"]
    site.backend.release(1)
    assert kinds() == []


def test_strangers_are_told_with_what_removes_them(zoe: ContainerZoe, token: str) -> None:
    assert problems(zoe, token) == {}
    names = put_strangers(zoe)
    expected = {f"{kind} {name}" for name, kind in names.items()}
    found = problems(zoe, token)
    assert found.keys() == expected
    for each in found.values():
        assert each["since"] > START.isoformat()
        assert "Zoe leaves it alone" in each["why"]
    text = doctor(zoe, token)
    assert text.returncode == 1
    assert "ok       The scheduler acts" in text.stdout
    if shutil.which("docker") is None:
        pytest.skip("the command docker is not here, so that nothing can be typed")
    for kind in ("container", "network", "record"):  # a network in use cannot be removed
        for what, each in found.items():
            if what.startswith(kind):
                subprocess.run(["sh", "-c", each["remedy"]], check=True, capture_output=True)
    eventually(lambda: problems(zoe, token) == {}, message=lambda: str(problems(zoe, token)))


def test_another_zoe_is_counted_and_never_touched(zoe: ContainerZoe, token: str) -> None:
    engine = zoe.engine.client
    labels = instance_labels(OTHER, InstanceId(1, "main", 0))
    container = engine.containers.create(TEST_IMAGE, labels=labels)
    try:
        (found,) = (each for each in findings(zoe, token).values() if OTHER in each["why"])
        assert found["what"] == "1 container of another Zoe"
        assert (found["serious"], found["remedy"]) == (False, None)
        container.reload()
    finally:
        container.remove(v=True)


def test_a_network_that_an_ended_execution_left_goes_by_itself(
    zoe: ContainerZoe, token: str
) -> None:
    with zoe.person("admin") as admin:
        service = {"name": "main", "image": TEST_IMAGE, "monitor": True, "command": "true"}
        counts = {"total_count": 1, "essential_count": 1}
        body = {"name": "short", "version": 4, "services": [service | counts]}
        path = "/services/zoe/api/v1/executions"
        one = admin.json("POST", path, json={"description": body})["id"]
        eventually(lambda: admin.json("GET", f"{path}/{one}")["status"] == "terminated")
    eventually(lambda: zoe.left_behind() == [])
    assert zoe.deployment is not None
    labels = execution_labels(zoe.deployment, one)
    zoe.engine.client.networks.create(network_name(zoe.deployment, one), labels=labels)
    eventually(lambda: zoe.left_behind() == [])
    assert Path(zoe.directory, "docker", "instances").is_dir()
