"""The gallery's images on a real engine: walled in, for a user whom they do not know."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.models.containers import Container
from docker.types import Mount

from tests.support.docker_engine import DockerEngine, require_image, running_engine
from tests.support.waiting import eventually
from zapp_gallery import DEFAULT_DIRECTORY
from zapp_gallery.images.pip_settings import pip_settings
from zapp_gallery.images.recipes import RECIPES

WALLS: dict[str, Any] = {
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "pids_limit": 400,
    "read_only": True,
    "tmpfs": {"/tmp": "exec,nosuid,nodev,mode=1777"},
    "mem_limit": "2g",
}
NOBODY = 12345

WHEEL = {
    "mine.py": "VALUE = 42\n",
    "mine-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: mine\nVersion: 1\n",
    "mine-1.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "mine-1.dist-info/RECORD": "",
}

each_image = pytest.mark.parametrize("image", [recipe.image for recipe in RECIPES])


class Bench:
    """Containers that share a workspace, removed at the end."""

    def __init__(self, engine: DockerEngine, workspace: Path) -> None:
        self._engine = engine
        self.workspace = workspace
        workspace.mkdir()
        workspace.chmod(0o777)
        self._containers: list[Container] = []

    def start(self, image: str, *command: str, **settings: Any) -> Container:
        """Start a container; ``settings`` come first."""
        require_image(self._engine, image)
        options = {
            **WALLS,
            "environment": {
                "HOME": "/workspace",
                "ZOE_WORKSPACE": "/workspace",
                "ZOE_USER": "ada",
                **settings.pop("environment", {}),
            },
            "mounts": [Mount("/workspace", str(self.workspace), type="bind")],
            "user": f"{NOBODY}:{NOBODY}",
            "working_dir": "/workspace",
            **settings,
        }
        container = self._engine.client.containers.create(image, list(command), **options)
        self._containers.append(container)
        container.start()
        return container

    def run(self, image: str, *command: str, **settings: Any) -> str:
        """Run a command to its end, which must be a good one; return all it said."""
        container = self.start(image, *command, **settings)
        code, output = end(container)
        assert code == 0, output
        return output

    def close(self) -> None:
        for container in self._containers:
            container.remove(force=True, v=True)


def end(container: Container) -> tuple[int, str]:
    """Wait for the end of a container; return its exit code, and what it said."""
    code = int(container.wait(timeout=120)["StatusCode"])
    return code, container.logs().decode()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(running_engine(), tmp_path / "workspace")
    yield bench
    bench.close()


@each_image
def test_its_packages_fit_together_and_the_user_has_a_name(image: str, bench: Bench) -> None:
    said = bench.run(image, "sh", "-c", "id -un; id -gn; id -u; pip check; ls -d /opt/*")
    assert said.splitlines() == [
        "ada",
        "ada",
        str(NOBODY),
        "No broken requirements found.",
        "/opt/zoe",
    ]


def test_the_user_of_the_image_keeps_hers(bench: Bench) -> None:
    assert bench.run("zoe/base", "id", "-un", user="1000:1000").strip() == "zoe"


def test_a_strange_name_is_no_second_user(bench: Bench) -> None:
    environment = {"ZOE_USER": "ada:x:0:0\nroot"}
    said = bench.run("zoe/base", "sh", "-c", "id -un; id -u", environment=environment)
    assert said.split() == ["ada_x_0_0_root", str(NOBODY)]


@each_image
def test_its_history_says_nothing_of_how_it_was_built(image: str) -> None:
    engine = running_engine()
    require_image(engine, image)
    history = json.dumps(engine.client.images.get(image).history())
    for word in ("secrets", "pip.conf", "ca.pem", "pip install", "zoe-packages"):
        assert word not in history
    for name in ("index-url", "extra-index-url", "find-links"):
        for address in pip_settings().get(name, "").split():
            assert address not in history


@each_image
def test_no_setting_of_the_build_is_left_in_it(image: str, bench: Bench) -> None:
    names = r"\( -name pip.conf -o -name ca.pem -o -path '/run/secrets/*' \)"
    look = f"find / -xdev {names} -print 2>/dev/null; true"
    assert bench.run(image, "sh", "-c", look, user="0:0").strip() == ""


@pytest.mark.parametrize("command", [["sleep", "1000"], ["sh", "-c", "sleep 1000 & wait"]])
@pytest.mark.parametrize("init", [False, True])
def test_it_ends_when_it_is_asked_to(command: list[str], init: bool, bench: Bench) -> None:
    container = bench.start("zoe/base", *command, init=init)
    container.stop(timeout=100)
    code, output = end(container)
    assert (code, output) == (143, "")


def test_added_packages_stay_in_the_workspace(bench: Bench) -> None:
    wheel = bench.workspace / "mine-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        for name, content in WHEEL.items():
            file.writestr(name, content)
    bench.run("zoe/jupyter", "pip", "install", "--no-index", wheel.name)
    assert bench.run("zoe/jupyter", "python3", "-c", "import mine; print(mine.VALUE)") == "42\n"


@pytest.mark.parametrize("image", ["zoe/jupyter", "zoe/pyspark-notebook"])
def test_the_notebook_server_starts(image: str, bench: Bench) -> None:
    options = ["--no-browser", "--ip=0.0.0.0", "--IdentityProvider.token="]
    server = bench.start(image, "jupyter", "lab", *options)
    look = "import urllib.request as r; print(r.urlopen('http://localhost:8888/api/status').status)"

    def status() -> bool:
        server.reload()
        assert server.status == "running"
        return bool(server.exec_run(["python3", "-c", look]).exit_code == 0)

    eventually(status, timeout=60.0, message=lambda: server.logs().decode())


def test_the_single_user_server_is_there(bench: Bench) -> None:
    version = bench.run("zoe/jupyter", "zoe-jupyter", "--version").strip()
    assert f"jupyterhub=={version}\n" in (DEFAULT_DIRECTORY / "base/constraints.txt").read_text()


@pytest.mark.parametrize("image", ["zoe/jupyter", "zoe/notebook", "zoe/pyspark-notebook"])
def test_notebooks_have_the_client_and_its_commands(image: str, bench: Bench) -> None:
    look = "python3 -c 'import zoe_client.widgets' && zoe --help && zoe-admin --help"
    said = bench.run(image, "sh", "-c", look)
    assert said.count("Usage: ") == 2
    assert bench.run(image, "sh", "-c", "ls /opt/zoe/bin").split().count("zoe-master") == 0


def test_java_and_spark_know_the_user(bench: Bench) -> None:
    program = (
        "from pyspark.sql import SparkSession\n"
        "spark = SparkSession.builder.master('local').getOrCreate()\n"
        "print('user', spark.sparkContext.sparkUser())\n"
    )
    assert "user ada\n" in bench.run("zoe/pyspark-notebook", "python3", "-c", program)
