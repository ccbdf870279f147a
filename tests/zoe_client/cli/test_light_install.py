"""`pip install .` alone is the light client: no server, no Hub, and its command works."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.running_zoe import ROOT
from tests.zoe_client.cli.site import Site

pytestmark = pytest.mark.timeout(400)

SOURCES = ("setup.py", "pyproject.toml", "README.md", "LICENSE")
PACKAGES = ("zoe_client", "zoe_core", "zoe_hub", "zoe_master", "zoe_store", "zapp_gallery")
OF_SERVERS = {
    "aiohttp",
    "alembic",
    "docker",
    "ipywidgets",
    "jupyterhub",
    "matplotlib",
    "numpy",
    "psycopg2",
    "psycopg2-binary",
    "pyzmq",
    "sqlalchemy",
    "tornado",
}
MOST = 30  # distributions, all that those we need bring along included


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment with the light client.

    Built from a copy of the tree: setuptools writes into the one that it builds from.
    """
    directory = tmp_path_factory.mktemp("light")
    source = directory / "source"
    source.mkdir()
    for name in SOURCES:
        shutil.copy(ROOT / name, source)
    for name in PACKAGES:
        unneeded = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=unneeded)
    subprocess.run([sys.executable, "-m", "venv", directory / "venv"], check=True)
    python = directory / "venv" / "bin" / "python"
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", source]
    subprocess.run([python, *install], check=True, cwd=directory)
    return python


def test_it_brings_no_server_along(python: Path) -> None:
    listed = subprocess.run(
        [python, "-m", "pip", "--disable-pip-version-check", "list", "--format=json"],
        check=True,
        capture_output=True,
        text=True,
    )
    names = {each["name"].lower() for each in json.loads(listed.stdout)}

    assert "zoe" in names
    assert names.isdisjoint(OF_SERVERS)
    assert len(names) <= MOST


def test_its_command_works(python: Path, site: Site) -> None:
    command = python.with_name("zoe")

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [command, *arguments],
            cwd=python.parent,  # not where our sources are
            env=site.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    assert "Commands:" in run("--help")
    assert json.loads(run("info", "--json"))["caller"]["name"] == "admin"
    assert run("run", str(site.job("print('it runs')")), "--follow") == "it runs\n"


def test_help_loads_nothing_that_is_slow(python: Path) -> None:
    program = (
        "import sys\n"
        "from zoe_client.cli.zoe import zoe\n"
        "zoe.main(['--help'], prog_name='zoe', standalone_mode=False)\n"
        "print(*sorted({'httpx', 'pydantic', 'rich'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [python, "-c", program], cwd=python.parent, check=True, capture_output=True, text=True
    )

    assert done.stderr == "\n"
