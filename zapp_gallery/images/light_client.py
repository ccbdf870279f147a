"""The light client as a source tree that pip installs: Zoe's own packages without the servers'."""

from __future__ import annotations

import json
import shutil
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("zoe_client", "zoe_core")
_DISTRIBUTION = "zoe"
_LEFT_OUT = shutil.ignore_patterns("__pycache__")

_PROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = {name}
version = {version}
dependencies = {dependencies}

[project.scripts]
{scripts}

[tool.setuptools.packages.find]
include = {packages}

[tool.setuptools.package-data]
"*" = ["*", "**/*"]
"""


def write_light_client(directory: Path) -> None:
    """Write the packages that are imported here, and what pip needs to know, to ``directory``."""
    directory.mkdir()
    (directory / "pyproject.toml").write_text(_project(), encoding="utf-8")
    for name in PACKAGES:
        shutil.copytree(_place_of(name), directory / name, ignore=_LEFT_OUT)


def _project() -> str:
    """What ``setup.py`` says of the distribution, without extras and the servers' commands."""
    zoe = distribution(_DISTRIBUTION)
    commands = {
        each.name: each.value
        for each in zoe.entry_points.select(group="console_scripts")
        if each.module.startswith(PACKAGES)
    }
    return _PROJECT.format(
        name=json.dumps(_DISTRIBUTION),
        version=json.dumps(zoe.version),
        dependencies=json.dumps([each for each in zoe.requires or () if "extra ==" not in each]),
        scripts="\n".join(f"{name} = {json.dumps(value)}" for name, value in commands.items()),
        packages=json.dumps([f"{name}*" for name in PACKAGES]),
    )


def _place_of(package: str) -> Path:
    found = find_spec(package)
    assert found is not None  # this package imports zoe_core, and both come together
    assert found.origin is not None
    return Path(found.origin).parent
