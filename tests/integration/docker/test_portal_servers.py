"""The notebook portal on containers: a real Hub, its users' servers on a real engine."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.container_zoe import ContainerZoe, Person, container_zoe
from tests.support.running_zoe import ROOT
from tests.support.waiting import eventually

NOTEBOOKS = ROOT / "notebooks"

pytestmark = pytest.mark.timeout(240)

LOOK_AROUND = """
import json, os
from pathlib import Path
import zoe_client
Path("mine.txt").write_text("written in a container")
print(json.dumps({
    "ids": [os.getuid(), os.getgid()],
    "workspace": sorted(os.listdir(os.environ["ZOE_WORKSPACE"])),
    "home": os.environ["HOME"],
    "caller": zoe_client.Client().info().caller.name,
    "examples": sorted(os.listdir("examples")),
    "mounts": [line.split()[1] for line in open("/proc/mounts") if "workspace" in line],
}))
"""


@pytest.fixture(scope="module")
def zoe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerZoe]:
    with container_zoe(tmp_path_factory.mktemp("portal") / "zoe", "zoe/jupyter") as zoe:
        yield zoe


@pytest.fixture(scope="module")
def ada(zoe: ContainerZoe) -> Iterator[Person]:
    with zoe.person("ada") as ada:
        yield ada


def workspace(zoe: ContainerZoe, name: str) -> Path:
    return zoe.directory / "workspaces" / name


def test_servers_run_in_containers_with_a_workspace_each(zoe: ContainerZoe, ada: Person) -> None:
    execution = ada.running_server("lab")
    with zoe.person("bob") as bob:
        other = bob.running_server("lab")
        bob.run("lab", bob.new_kernel("lab"), "open('secret.txt', 'w').write('of bob')")
        seen = json.loads(ada.run("lab", ada.new_kernel("lab"), LOOK_AROUND))
        assert seen["workspace"].count("mine.txt") == 1
        assert "secret.txt" not in seen["workspace"]
        assert (seen["home"], seen["caller"]) == ("/workspace", "ada")
        assert seen["examples"] == sorted(each.name for each in NOTEBOOKS.glob("*.ipynb"))
        assert seen["mounts"] == ["/workspace"]
        written = workspace(zoe, "ada") / "mine.txt"
        assert written.read_text() == "written in a container"
        assert [written.stat().st_uid, written.stat().st_gid] == seen["ids"]
        assert 0 not in seen["ids"]
        assert (workspace(zoe, "bob") / "secret.txt").read_text() == "of bob"
        # Nobody else gets into her server, and hers is not reached by the name of his.
        assert bob.client.get("/user/ada/lab/api/kernels").status_code == 403
        assert list(zoe.containers(other)) == [f"notebook-0-{other}"]
        bob.stop_server("lab")
    assert zoe.containers(other) == {}
    ada.stop_server("lab")
    assert zoe.containers(execution) == {}
    eventually(lambda: not zoe.left_behind(), message=lambda: str(zoe.left_behind()))


def test_a_server_outlives_kills_and_stops_of_the_portal(zoe: ContainerZoe, ada: Person) -> None:
    execution = ada.running_server("lab")
    [before] = zoe.containers(execution).values()
    kernel = ada.new_kernel("lab")
    ada.run("lab", kernel, "kept = 6 * 7")

    assert zoe.process is not None
    zoe.process.kill()
    zoe.process.wait()
    zoe.start_and_wait()
    eventually(lambda: ada.server_is_ready("lab"), message=zoe.output)
    assert ada.run("lab", kernel, "print(kept)") == "42\n"

    assert zoe.stop() == 0
    before.reload()
    assert before.status == "running"
    zoe.start_and_wait()
    assert "Containers that run then go on; the next start finds them again." in zoe.output()
    eventually(lambda: ada.server_is_ready("lab"), message=zoe.output)
    assert ada.run("lab", kernel, "print(kept)") == "42\n"
    assert [each.id for each in zoe.containers(execution).values()] == [before.id]
    assert ada.execution("lab")["status"] == "running"

    ada.stop_server("lab")
    eventually(lambda: not zoe.left_behind(), message=lambda: str(zoe.left_behind()))
