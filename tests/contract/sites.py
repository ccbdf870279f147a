"""A site is a back-end with what it stands on: the contract suite runs over each kind of site."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.support.docker_engine import TEST_IMAGE, DockerEngine, running_engine
from tests.support.engines import ServedEngine
from tests.support.waiting import eventually
from zoe_core.amount import Amount
from zoe_core.cluster import InstanceId, Observed
from zoe_master.backends.base import Backend, InstanceSpec, Observation
from zoe_master.backends.docker import DockerBackend
from zoe_master.backends.fake import FakeBackend, FakeEngine, RealClock
from zoe_master.backends.process import ProcessBackend

# Others may test on the same engine at the same time.
DEPLOYMENT, OTHER_DEPLOYMENT = str(uuid4()), str(uuid4())


class Site(ABC):
    """Makes back-ends over one engine, and specifications of instances for it."""

    image = "test"
    real = True
    """Whether commands really run, so that they can be asked about their world."""
    has_gpus = True
    """Whether an instance that asks for a GPU can start."""
    outlives_portal = False
    """Whether instances go on when the portal as a whole is stopped."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._opened: list[Backend] = []
        self.backend = self.open()

    @abstractmethod
    def make(self, deployment: str) -> Backend:
        """A back-end that is not opened yet."""

    def open(self, deployment: str = DEPLOYMENT) -> Backend:
        """A back-end that is opened."""
        backend = self.make(deployment)
        backend.open()
        self._opened.append(backend)
        return backend

    def restart(self) -> Backend:
        """The master ends and a new one comes."""
        self.backend.close()
        self._opened.remove(self.backend)
        self.backend = self.open()
        return self.backend

    def close(self) -> None:
        """End everything that this site has started."""
        for backend in self._opened:
            backend.end_all()
            backend.close()

    def spec(self, *command: str, execution: int = 1, **fields: Any) -> InstanceSpec:
        """An instance ``worker-0`` of an execution; any field may be given."""
        defaults = {
            "id": InstanceId(execution, "worker", 0),
            "node": self.backend.nodes()[0].name,
            "image": self.image,
            "command": command,
            "environment": {},
            "reservation": Amount.of(2**26, 0.1),
            "workspace": self.backend.workspace("alice"),
            "user": "alice",
        }
        return InstanceSpec(**(defaults | fields))

    def start(self, *command: str, **fields: Any) -> InstanceId:
        """Start such an instance."""
        spec = self.spec(*command, **fields)
        self.backend.start(spec)
        return spec.id

    def observe(self, instance: InstanceId) -> Observation | None:
        """What the full list says of it."""
        found = [each for each in self.backend.observations() if each.id == instance]
        assert len(found) <= 1
        return found[0] if found else None

    def await_exit(self, instance: InstanceId) -> Observation:
        """Wait until the full list says that it has exited."""

        def exited() -> Observation | None:
            seen = self.observe(instance)
            return seen if seen and seen.observed is Observed.EXITED else None

        return eventually(exited, message=lambda: f"{instance} exits: {self.observe(instance)}")

    def log(self, instance: InstanceId) -> bytes:
        """All of its output so far."""
        return self.backend.read_log(instance, 0, self.backend.log_size(instance))

    def await_log(self, instance: InstanceId, text: bytes) -> bytes:
        """Wait until its output holds ``text``; returns all of it."""
        return eventually(
            lambda: text in self.log(instance) and self.log(instance),
            message=lambda: f"{text!r} in the log {self.log(instance)!r}",
        )

    def run(self, *command: str, **fields: Any) -> tuple[Observation, bytes]:
        """Start an instance and wait for its end; returns what is seen of it and its output."""
        instance = self.start(*command, **fields)
        return self.await_exit(instance), self.log(instance)


class ProcessSite(Site):
    """Local processes."""

    def make(self, deployment: str, **traits: Any) -> ProcessBackend:
        settings = {"environments": {self.image: {}}, "grace": 1.0, "gpus": ["0", "1"]} | traits
        return ProcessBackend(
            deployment=deployment, directory=str(self.directory / deployment), **settings
        )


class DockerSite(Site):
    """Containers on a real engine; its tests are skipped, and say so, where there is none."""

    image = TEST_IMAGE
    has_gpus = False
    outlives_portal = True

    def __init__(self, directory: Path, engine: DockerEngine | None = None) -> None:
        self._engine = engine or running_engine()
        super().__init__(directory)

    def make(self, deployment: str, **traits: Any) -> DockerBackend:
        engine = {"url": self._engine.url, "gpus": ["0", "1"]}
        return DockerBackend(
            deployment=deployment,
            directory=str(self.directory / deployment),
            **({"engines": [engine]} | traits),
        )

    def restart_with(self, **traits: Any) -> None:
        """A new master comes with other settings."""
        self.backend.close()
        self._opened.remove(self.backend)
        self.backend = self.make(DEPLOYMENT, **traits)
        self.backend.open()
        self._opened.append(self.backend)

    def close(self) -> None:
        super().close()
        for deployment in (DEPLOYMENT, OTHER_DEPLOYMENT):
            self._engine.remove_all(deployment)


class FakeSite(Site):
    """Instances in memory, in real time."""

    real = False

    def __init__(self, directory: Path) -> None:
        self._clock = RealClock()
        self._engines: dict[str, FakeEngine] = {}
        super().__init__(directory)

    def make(self, deployment: str) -> FakeBackend:
        engine = self._engines.setdefault(deployment, FakeEngine(self._clock))
        return FakeBackend(
            deployment=deployment,
            directory=str(self.directory / deployment),
            engine=engine,
            node_gpus=2,
        )

    def close(self) -> None:
        super().close()
        self._clock.close()


class ServedFakeSite(Site):
    """The same in a process of its own, which outlives its masters."""

    real = False

    def __init__(self, directory: Path) -> None:
        self._engines: dict[str, ServedEngine] = {}
        super().__init__(directory)

    def make(self, deployment: str) -> FakeBackend:
        if deployment not in self._engines:
            engine = ServedEngine(self.directory / deployment[:8])
            engine.start()
            self._engines[deployment] = engine
        return FakeBackend(
            deployment=deployment,
            directory=str(self.directory / deployment),
            engine_address=self._engines[deployment].address,
            node_gpus=2,
        )

    def close(self) -> None:
        super().close()
        for engine in self._engines.values():
            engine.kill()
