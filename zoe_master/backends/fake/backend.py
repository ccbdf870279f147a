"""The fake back-end: the contract of back-ends over a ``FakeEngine``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from signal import SIGTERM, Signals
from typing import Any

from traitlets import Dict, Float, Int, List, Unicode

from zoe_core.amount import Amount
from zoe_core.cluster import Capabilities, InstanceId, Node, Observed
from zoe_master.backends.base import (
    Backend,
    Fatal,
    InstanceSpec,
    Observation,
    Usage,
    Watcher,
)
from zoe_master.backends.fake.clock import RealClock
from zoe_master.backends.fake.engine import FakeEngine
from zoe_master.backends.fake.remote import RemoteEngine


class FakeBackend(Backend):
    """Nothing really runs; see the package for what its instances do."""

    capabilities = Capabilities(gpus=True, several_nodes=True)

    node_count = Int(3, min=1, help="How many nodes there are: node-0, node-1, ….").tag(config=True)
    node_memory = Int(16 * 2**30, min=1, help="Bytes of memory of each node.").tag(config=True)
    node_cores = Float(8.0, min=0.001, help="Cores of each node.").tag(config=True)
    node_gpus = Int(0, min=0, help="GPUs of each node; their ids are 0, 1, ….").tag(config=True)
    local_images = Dict(
        value_trait=List(Unicode()),
        key_trait=Unicode(),
        help="The images that need not be fetched first, by the name of the node.",
    ).tag(config=True)
    engine_address = Unicode(
        help="The Unix socket of an engine that runs in a process of its own and outlives the "
        "master: `python -m zoe_master.backends.fake.serve SOCKET`. Default: the engine lives in "
        "the master, and ends with it."
    ).tag(config=True)

    def __init__(
        self, *, deployment: str, directory: str, engine: FakeEngine | None = None, **kwargs: Any
    ) -> None:
        super().__init__(deployment=deployment, directory=directory, **kwargs)
        self._clock: RealClock | None = None
        self.engine = engine or self._make_engine()
        self._watches: list[Callable[[], None]] = []

    def _make_engine(self) -> FakeEngine | RemoteEngine:
        if self.engine_address:
            return RemoteEngine(self.engine_address)
        self._clock = RealClock()
        return FakeEngine(self._clock)

    def close(self) -> None:
        """End the watches, and the clock if it is our own: a shared engine lives on."""
        for end in self._watches:
            end()
        if self._clock is not None:
            self._clock.close()

    def end_all(self) -> None:
        """Stop every instance, without grace."""
        for instance in self.engine.instances():
            reason = "It was stopped together with the portal."
            self.engine.stop(instance.spec.id, 0.0, reason=reason)

    def nodes(self) -> Sequence[Node]:
        """All alike, but for what the engine says: which have failed, and which lack memory."""
        failed, pressured = self.engine.failed_nodes, self.engine.pressured_nodes
        return [
            Node(
                name=name,
                capacity=Amount.of(self.node_memory, self.node_cores, self.node_gpus),
                online=name not in failed,
                devices=tuple(str(number) for number in range(self.node_gpus)),
                pressured=name in pressured,
                local_images=frozenset(self.local_images.get(name, ())),
            )
            for name in (f"node-{number}" for number in range(self.node_count))
        ]

    def release(self, execution_id: int) -> None:
        """Forget the execution's instances. Raises Retry while one runs."""
        for instance in self.engine.instances():
            if instance.spec.id.execution_id == execution_id:
                self.engine.remove(instance.spec.id)

    def dns_name(self, execution_id: int, service: str, index: int) -> str:
        """A name that nobody resolves."""
        return f"{service}-{index}.execution-{execution_id}.invalid"

    def workspace(self, user: str) -> str:
        """A directory that is never made."""
        return f"/workspaces/{user}"

    def start(self, spec: InstanceSpec) -> None:
        """Raises Fatal for a node that there is not, and what a script says."""
        if spec.node not in {node.name for node in self.nodes()}:
            raise Fatal(f"There is no node {spec.node!r}.")
        self.engine.start(spec)

    def stop(self, instance: InstanceId, grace: float, signal: Signals = SIGTERM) -> None:
        """At once, unless the command says ``trap '' TERM``, or whatever the signal is."""
        self.engine.stop(instance, grace, signal)

    def remove(self, instance: InstanceId) -> None:
        """Forget it. Raises Retry while it runs."""
        self.engine.remove(instance)

    def observations(self) -> Sequence[Observation]:
        """All that the engine holds."""
        return [instance.observation() for instance in self.engine.instances()]

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Calls come from the thread of the clock, or from the one that changed something."""

        def careful(observation: Observation) -> None:
            try:
                watcher(observation)
            except Exception:
                self.log.exception("A watcher failed on %s", observation)

        end = self.engine.watch(careful)
        self._watches.append(end)
        return end

    def address(self, instance: InstanceId, port: int) -> tuple[str, int]:
        """Where nobody listens."""
        return self.dns_name(instance.execution_id, instance.service, instance.index), port

    def log_size(self, instance: InstanceId) -> int:
        """What ``echo`` and scripts have printed."""
        found = self.engine.find(instance)
        return len(found.log) if found else 0

    def read_log(self, instance: InstanceId, offset: int, limit: int) -> bytes:
        """A piece of that."""
        found = self.engine.find(instance)
        return bytes(found.log[offset : offset + limit]) if found else b""

    def usage(self, instance: InstanceId) -> Usage | None:
        """Half of the memory that it reserved, and all of its cores."""
        found = self.engine.find(instance)
        if found is None or found.observed is not Observed.RUNNING:
            return None
        reserved = found.spec.reservation
        seconds = self.engine.now() - found.since
        return Usage(memory=reserved.memory // 2, cpu_seconds=seconds * reserved.cores)
