"""A whole portal over two engines: people do not notice on which of them something runs."""

import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Interface

import pytest

from tests.integration.docker.hostile import description, shell
from tests.support.container_zoe import API, ContainerZoe, Person
from tests.support.docker_engine import OwnEngine, require_image, running_engine
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(240)

JUPYTER = "zoe/jupyter"
PAGE = "echo from $(hostname) > index.html; exec httpd -f -p 7000"


@pytest.fixture(scope="module")
def zoe(
    tmp_path_factory: pytest.TempPathFactory, engines: list[OwnEngine]
) -> Iterator[ContainerZoe]:
    """The first engine has the label `near`, the second `far`, and the image of notebooks."""
    near, far = engines
    copy_image(JUPYTER, far)
    settings = [near.settings(labels=["near"]), far.settings(labels=["far"])]
    more = f"c.DockerBackend.engines = {settings}; c.DockerBackend.network_driver = 'bridge'"
    zoe = ContainerZoe(tmp_path_factory.mktemp("engines") / "zoe", far, more)
    # Where both machines find this one: their gateway.
    network = IPv4Interface(f"{far.settings()['address']}/24").network
    zoe.extra_environment["ZOE_ADDRESS"] = str(network[1])
    try:
        with zoe:
            yield zoe
    finally:
        zoe.clean()
        if zoe.deployment is not None:
            near.remove_all(zoe.deployment)


@pytest.fixture(scope="module")
def ada(zoe: ContainerZoe) -> Iterator[Person]:
    with zoe.person("ada") as ada:
        yield ada


def copy_image(image: str, engine: OwnEngine) -> None:
    """Hand it from the engine of this machine to another, as an administrator would."""
    require_image(running_engine(), image)
    save = ["docker", "--host", running_engine().url, "save", image]
    load = ["docker", "--host", engine.url, "load", "--quiet"]
    with subprocess.Popen(save, stdout=subprocess.PIPE) as saved:
        subprocess.run(load, stdin=saved.stdout, check=True)
    assert saved.returncode == 0


@pytest.mark.parametrize("label", ["near", "far"])
def test_a_page_of_any_engine_is_opened_through_the_portal(ada: Person, label: str) -> None:
    port = {"name": "page", "port_number": 7000, "url_template": "http://{ip_port}/"}
    service = {"command": shell(PAGE), "labels": [label], "ports": [port]}
    launched = ada.json("POST", f"{API}/executions", json={"description": description(**service)})[
        "id"
    ]
    path = f"/services/zoe/executions/{launched}/endpoints/main-0/7000/"

    def opened() -> bool:
        assert ada.client.get(path).text == f"from main-0-{launched}\n"
        return True

    eventually(opened)
    node = ada.json("GET", f"{API}/executions/{launched}")["instances"][0]["node"]
    assert node == {"near": "node1", "far": "node2"}[label]
    ada.json("DELETE", f"{API}/executions/{launched}")


def test_a_notebook_runs_on_the_engine_that_has_its_image(zoe: ContainerZoe, ada: Person) -> None:
    launched = ada.running_server("lab")
    instance = ada.json("GET", f"{API}/executions/{launched}")["instances"][0]
    assert instance["node"] == "node2"
    assert ada.run("lab", ada.new_kernel("lab"), "print(6 * 7)") == "42\n"
    ada.stop_server("lab")
    eventually(lambda: not zoe.left_behind())
