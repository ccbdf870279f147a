"""Environments: what an image name means where there are no images, and whether it is to be had."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from zoe_master.backends.base import Fatal
from zoe_master.backends.process.requirements import FORMS, is_requirement, what_is_missing

# All else of the master's environment stays there: it holds tokens and addresses of databases.
INHERITED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SHELL", "JAVA_HOME")

RECHECK = 30.0
"""Seconds after which a missing requirement is looked for again: the person may install it."""

_FOLDERS = {
    "zoe/jupyter": ("jupyter",),
    "zoe/spark": ("spark-job",),
    "zoe/pyspark-notebook": ("spark-job", "jupyter"),
    "zoe/mpi": ("mpi-job",),
    "zoe/notebook": ("notebook-job",),
}
_REQUIRES = {
    "zoe/jupyter": ["command:jupyterhub-singleuser", "module:jupyterlab"],
    "zoe/spark": ["java>=17", "module:pyspark"],
    "zoe/pyspark-notebook": [
        "java>=17",
        "module:pyspark",
        "command:jupyterhub-singleuser",
        "module:jupyterlab",
    ],
    "zoe/mpi": ["command:mpirun", "module:mpi4py"],
    "zoe/notebook": ["command:papermill"],
}


def default_environments() -> dict[str, dict[str, Any]]:
    """Those of the gallery's own ZApps: they run in the Python environment of the master."""
    gallery = find_spec("zapp_gallery")
    places = list(gallery.submodule_search_locations or ()) if gallery else []
    own = str(Path(sys.executable).parent)
    return {
        image: {
            "path": [own, *(str(Path(places[0], folder, "bin")) for folder in folders if places)],
            "env": {},
            "requires": _REQUIRES[image],
        }
        for image, folders in _FOLDERS.items()
    }


@dataclass(frozen=True, slots=True)
class Environment:
    """Directories that come first on PATH, variables, and what must be there (``requirements``)."""

    path: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    requires: tuple[str, ...] = ()

    @classmethod
    def parse(cls, image: str, value: object) -> Environment:
        """Read one entry of the trait ``environments``. Raises ValueError that names the field."""
        where = f"environments[{image!r}]"
        if not isinstance(value, Mapping) or not set(value) <= {"path", "env", "requires"}:
            raise ValueError(f"{where} is a dict with path, env and requires, not {value!r}")
        path, requires = (value.get(key, []) for key in ("path", "requires"))
        env = value.get("env", {})
        if not _are_strings(path):
            raise ValueError(f"{where}['path'] is a list of directories, not {path!r}")
        if not isinstance(env, Mapping) or not _are_strings([*env, *env.values()]):
            raise ValueError(f"{where}['env'] gives variables their values as strings")
        if not _are_strings(requires) or not all(map(is_requirement, requires)):
            raise ValueError(f"{where}['requires'] lists {FORMS}, not {requires!r}")
        return cls(tuple(path), dict(env), tuple(requires))

    def variables(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """The environment of a process, made from the little that it takes over from ours."""
        variables = {name: inherited[name] for name in INHERITED if name in inherited}
        path = [*self.path, variables.get("PATH", os.defpath)]
        return variables | {"PATH": os.pathsep.join(path)} | dict(self.env)


class Environments:
    """The configured environments, and what each of them misses on this machine.

    Checks start other programs, so what is met is asked once, and what is not at most every
    ``RECHECK`` seconds.
    """

    def __init__(
        self, environments: Mapping[str, Environment], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._environments = environments
        self._clock = clock
        self._lock = threading.Lock()
        self._checked: dict[str, tuple[float, str | None]] = {}

    def startable(self) -> frozenset[str]:
        """The images whose requirements are met."""
        return frozenset(image for image in self._environments if self._missing(image) is None)

    def missing(self) -> dict[str, str]:
        """What is missing, in sentences, for each image that cannot be started."""
        found = {image: self._missing(image) for image in self._environments}
        return {image: sentences for image, sentences in found.items() if sentences}

    def variables(self, image: str) -> dict[str, str]:
        """The variables for an instance of ``image``. Raises Fatal when it cannot be started."""
        if image not in self._environments:
            known = ", ".join(sorted(self._environments)) or "none"
            raise Fatal(f"There is no environment for the image {image!r}; there are: {known}.")
        missing = self._missing(image)
        if missing:
            raise Fatal(f"The image {image!r} cannot be started: {missing}")
        return self._environments[image].variables(os.environ)

    def _missing(self, image: str) -> str | None:
        with self._lock:
            when, missing = self._checked.get(image, (float("-inf"), ""))
            if missing is not None and self._clock() - when >= RECHECK:
                missing = self._check(self._environments[image])
                self._checked[image] = (self._clock(), missing)
            return missing

    @staticmethod
    def _check(environment: Environment) -> str | None:
        variables = environment.variables(os.environ)
        problems = [what_is_missing(each, variables) for each in environment.requires]
        return " ".join(filter(None, problems)) or None


def _are_strings(values: object) -> bool:
    return isinstance(values, (list, tuple)) and all(isinstance(each, str) for each in values)
