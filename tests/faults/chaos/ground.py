"""The ground a world stands on: its back-end, what programs do there and what they leave."""

import json
import re
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.support.engines import ServedEngine
from zoe_core.cluster import Observed
from zoe_master.backends.base import Observation, Retry
from zoe_master.backends.fake import Script
from zoe_master.backends.process.processes import MARKER

CORES = 4.0
"""What each ground offers: little enough that executions wait for each other."""


@dataclass
class Runs:
    """How often each attempt, such as `7/main-0#1`, has begun, and how often it has succeeded."""

    begun: Counter[str] = field(default_factory=Counter)
    succeeded: Counter[str] = field(default_factory=Counter)


class Ground(ABC):
    """`directory` is that of the world, ZOE_DIR."""

    backend: str

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def open(self) -> None:  # noqa: B027 -- there may be nothing to do
        """Make ready what masters will use."""

    def close(self) -> None:  # noqa: B027
        """End what `open` began."""

    @abstractmethod
    def settings(self) -> str:
        """Lines of a configuration file."""

    @abstractmethod
    def program(self, seconds: float, code: int = 0) -> str:
        """A command that runs so long and exits so, and is counted in `runs`."""

    @abstractmethod
    def runs(self) -> Runs:
        """What has run so far."""

    @abstractmethod
    def leftovers(self) -> list[str]:
        """What is there of any instance, in words."""


class ProcessGround(Ground):
    """Local processes; each writes into the workspace when it begins and when it succeeds."""

    backend = "process"

    def settings(self) -> str:
        return (
            "c.ProcessBackend.environments = {'test': {}}\n"
            f"c.ProcessBackend.cores = {CORES}\n"
            f"c.ProcessBackend.memory = {64 * 2**30}\n"
            "c.ProcessBackend.grace = 1.0\n"
        )

    def program(self, seconds: float, code: int = 0) -> str:
        note = f'${MARKER}" >> "$ZOE_WORKSPACE/runs"'
        script = f'echo "begun {note}; sleep {seconds:.2f}; '
        script += f"exit {code}" if code else f'echo "succeeded {note}'
        return f"sh -c '{script}'"

    def runs(self) -> Runs:
        runs = Runs()
        for file in (self.directory / "workspaces").glob("*/runs"):
            for line in file.read_text().splitlines():
                what, marker = line.split()
                found = re.fullmatch(r"zoe-\w+-(\d+)-(.+)-(\d+)", marker)
                assert found, line
                getattr(runs, what)["{}/{}#{}".format(*found.groups())] += 1
        return runs

    def leftovers(self) -> list[str]:
        own = self.directory / "process"
        found = [f"the directory {each}" for each in (own / "instances").iterdir()]
        addresses = own / "addresses.json"
        if addresses.exists():
            found += [f"the address of {each}" for each in json.loads(addresses.read_text())]
        return found + [f"the process {each}" for each in self._processes()]

    def _processes(self) -> list[psutil.Process]:
        """Those of instances of this world: their temporary directory is in it."""
        inside = f"{self.directory}/"
        found = []
        for process in psutil.process_iter():
            try:
                environment = process.environ()
            except psutil.Error:
                continue
            if MARKER in environment and environment.get("TMPDIR", "").startswith(inside):
                found.append(process)
        return found


class FakeGround(Ground):
    """Instances in the memory of an engine that nobody kills; a watch of our own counts them."""

    backend = "fake"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        # Beside the directory, which the world makes; short, because sockets need short paths.
        self._engine = ServedEngine(directory.with_name("engine"))
        self._runs = Runs()

    def open(self) -> None:
        self._engine.start()
        # Elastic instances that come late, and are lost again and again.
        errors = (Retry("no address left"), Retry("busy"))
        self._engine.remote.script("fickle", Script(start_errors=errors, lose_after=0.5))
        self._end_watch = self._engine.remote.watch(self._note)

    def close(self) -> None:
        self._end_watch()
        self._engine.kill()

    def settings(self) -> str:
        return (
            f"c.FakeBackend.engine_address = {self._engine.address!r}\n"
            "c.FakeBackend.node_count = 2\n"
            f"c.FakeBackend.node_cores = {CORES / 2}\n"
            f"c.FakeBackend.node_memory = {32 * 2**30}\n"
        )

    def program(self, seconds: float, code: int = 0) -> str:
        return f'sh -c "echo begun; sleep {seconds:.2f}; exit {code}"'

    def runs(self) -> Runs:
        return self._runs

    def leftovers(self) -> list[str]:
        return [f"the instance {each.spec.id}" for each in self._engine.remote.instances()]

    def _note(self, seen: Observation) -> None:
        if seen.observed is Observed.CREATING:
            self._runs.begun[str(seen.id)] += 1
        elif seen.observed is Observed.EXITED and seen.exit_code == 0:
            self._runs.succeeded[str(seen.id)] += 1
