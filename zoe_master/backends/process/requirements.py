"""What an environment needs of the machine, such as ``java>=17``, and whether it is there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping

FORMS = "java>=<version>, module:<Python module> or command:<name>"

_REQUIREMENT = re.compile(
    r"java>=(?P<java>\d+)|module:(?P<module>[A-Za-z_]\w*)|command:(?P<command>[\w.+-]+)"
)
# `java version "1.8.0_202"`, `openjdk version "17.0.15" 2025-04-15`, `openjdk version "22-ea"`
_JAVA_VERSION = re.compile(r'\bversion "(?:1\.)?(\d+)')
_PATIENCE = 20.0


def is_requirement(text: str) -> bool:
    """Whether ``text`` has one of ``FORMS``."""
    return _REQUIREMENT.fullmatch(text) is not None


def what_is_missing(requirement: str, environment: Mapping[str, str]) -> str | None:
    """None when it is met for a process with that ``environment``, else sentences for people."""
    match = _REQUIREMENT.fullmatch(requirement)
    if match is None:
        raise ValueError(f"{requirement!r} is not a requirement: {FORMS}")
    if match["java"]:
        return _missing_java(int(match["java"]), environment)
    if match["module"]:
        return _missing_module(match["module"], environment)
    return _missing_command(match["command"], environment)


def parse_java_version(output: str) -> int | None:
    """The feature version (8, 17, …) in what ``java -version`` prints; None when it says none."""
    match = _JAVA_VERSION.search(output)
    return int(match[1]) if match else None


def _missing_java(needed: int, environment: Mapping[str, str]) -> str | None:
    install = f"Install it (Debian: apt install openjdk-{needed}-jre-headless) or set JAVA_HOME."
    java = _find_java(environment)
    if java is None:
        return f"Java {needed} or newer was not found. {install}"
    found = parse_java_version(_output([java, "-version"], environment))
    if found is None:
        return f"{java} does not say its version; Java {needed} or newer is needed. {install}"
    if found < needed:
        return f"Java {found} was found ({java}), but {needed} or newer is needed. {install}"
    return None


def _find_java(environment: Mapping[str, str]) -> str | None:
    """JAVA_HOME goes before PATH, as in the scripts of Spark and Hadoop."""
    home = environment.get("JAVA_HOME")
    if home:
        return shutil.which(os.path.join(home, "bin", "java"))
    return shutil.which("java", path=environment["PATH"])


def _missing_module(name: str, environment: Mapping[str, str]) -> str | None:
    """Ask the environment's own Python, which need not be ours; nothing is imported."""
    question = f"import importlib.util; print(importlib.util.find_spec({name!r}) is not None)"
    if _output(["python3", "-c", question], environment).strip() == "True":
        return None
    return f"The Python module {name} was not found. Install it (pip install {name})."


def _missing_command(name: str, environment: Mapping[str, str]) -> str | None:
    if shutil.which(name, path=environment["PATH"]):
        return None
    return f"The command {name} was not found. Install it or put its directory on PATH."


def _output(command: list[str], environment: Mapping[str, str]) -> str:
    """What a command prints on both streams; empty when it cannot be run."""
    program = shutil.which(command[0], path=environment["PATH"])
    if program is None:
        return ""
    try:
        done = subprocess.run(
            [program, *command[1:]],
            env=dict(environment),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace")
