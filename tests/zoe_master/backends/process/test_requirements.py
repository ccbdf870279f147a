"""Requirements: what `java -version` prints, and what is said when something is missing."""

from pathlib import Path

import pytest

from zoe_master.backends.process.environments import Environment, Environments
from zoe_master.backends.process.requirements import parse_java_version, what_is_missing

OUTPUTS = {
    'java version "1.8.0_202"\nJava(TM) SE Runtime Environment (build 1.8.0_202-b08)': 8,
    'java version "9.0.4"\nJava(TM) SE Runtime Environment (build 9.0.4+11)': 9,
    'openjdk version "11.0.2" 2019-01-15\nOpenJDK Runtime Environment 18.9': 11,
    'openjdk version "17.0.15" 2025-04-15\nOpenJDK 64-Bit Server VM': 17,
    'openjdk version "21" 2023-09-19\nOpenJDK Runtime Environment': 21,
    'openjdk version "22-ea" 2024-03-19\n': 22,
    'Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "17.0.1" 2021-10-19\n': 17,
    "Error: could not find libjava.so": None,
    "": None,
}


@pytest.mark.parametrize(("output", "version"), OUTPUTS.items())
def test_java_says_its_version(output: str, version: int | None) -> None:
    assert parse_java_version(output) == version


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A directory for PATH, empty at first."""
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def put(path: Path, name: str, script: str) -> None:
    (path / name).write_text(f"#!/bin/sh\n{script}\n")
    (path / name).chmod(0o755)


def java(path: Path, version: str) -> None:
    put(path, "java", f"echo 'openjdk version \"{version}\"' >&2")


def test_no_java(path: Path) -> None:
    assert what_is_missing("java>=17", {"PATH": str(path)}) == (
        "Java 17 or newer was not found. "
        "Install it (Debian: apt install openjdk-17-jre-headless) or set JAVA_HOME."
    )


@pytest.mark.parametrize("version", ["17.0.15", "21", "22-ea"])
def test_a_new_enough_java(path: Path, version: str) -> None:
    java(path, version)
    assert what_is_missing("java>=17", {"PATH": str(path)}) is None


def test_an_old_java(path: Path) -> None:
    java(path, "11.0.2")
    missing = what_is_missing("java>=17", {"PATH": str(path)})
    assert missing.startswith(f"Java 11 was found ({path}/java), but 17 or newer is needed.")


def test_a_java_that_does_not_work(path: Path) -> None:
    put(path, "java", "echo broken; exit 1")
    assert "does not say its version" in what_is_missing("java>=17", {"PATH": str(path)})


def test_java_home_goes_before_path(path: Path, tmp_path: Path) -> None:
    java(path, "17.0.1")
    home = tmp_path / "old"
    (home / "bin").mkdir(parents=True)
    java(home / "bin", "1.8.0_202")
    missing = what_is_missing("java>=17", {"PATH": str(path), "JAVA_HOME": str(home)})
    assert missing.startswith("Java 8 was found")


def test_commands_are_looked_for_on_the_path(path: Path) -> None:
    assert "mpirun was not found" in what_is_missing("command:mpirun", {"PATH": str(path)})
    put(path, "mpirun", "true")
    assert what_is_missing("command:mpirun", {"PATH": str(path)}) is None


def test_modules_are_looked_for_in_the_python_of_the_path(path: Path) -> None:
    import sys

    (path / "python3").symlink_to(sys.executable)
    environment = {"PATH": str(path)}
    assert what_is_missing("module:json", environment) is None
    missing = what_is_missing("module:no_such_module", environment)
    assert missing == (
        "The Python module no_such_module was not found. Install it (pip install no_such_module)."
    )


def test_what_is_installed_later_is_noticed(path: Path) -> None:
    now = 0.0
    environment = Environment((str(path),), {}, ("command:late-comer",))
    environments = Environments({"x": environment}, clock=lambda: now)
    assert set(environments.missing()) == {"x"}
    put(path, "late-comer", "true")
    assert environments.startable() == frozenset()  # not asked again so soon
    now = 31.0
    assert environments.startable() == {"x"}
