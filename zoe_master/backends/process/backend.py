"""The process back-end: runs instances as local processes and finds them again after a restart."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGTERM, Signals
from typing import Any

import psutil
from traitlets import Dict, Float, Int, List, TraitError, Unicode, default, validate

from zoe_core.amount import Amount
from zoe_core.cluster import Capabilities, InstanceId, Node, Observed
from zoe_core.names import workspace_name
from zoe_master.backends.base import (
    Backend,
    Fatal,
    InstanceSpec,
    Observation,
    Retry,
    Usage,
    Watcher,
)
from zoe_master.backends.process.addresses import Addresses
from zoe_master.backends.process.environments import (
    Environment,
    Environments,
    default_environments,
)
from zoe_master.backends.process.files import InstanceFiles
from zoe_master.backends.process.gpus import find_gpus
from zoe_master.backends.process.launch import launch
from zoe_master.backends.process.lock import MasterLock
from zoe_master.backends.process.monitor import Monitor
from zoe_master.backends.process.order import make_order
from zoe_master.backends.process.pressure import MemoryPressure
from zoe_master.backends.process.processes import end_marked, measure, signal_process
from zoe_store.checkpoints import Checkpoint, reached

# Seconds that a new master waits for the one before it to let go, and that a kill may take.
_TAKEOVER = 10.0
_FORCING = 5.0


class ProcessBackend(Backend):
    """Instances are local processes, for one person on one machine.

    Each has a shim that keeps its exit code and its log, a private directory, and a loopback
    address of its own. They outlive the master; one that comes back finds them by process id and
    start time.
    """

    capabilities = Capabilities(gpus=True, needs_command=True)

    environments = Dict(
        help="""What each image name stands for: ``{image: {"path": [...], "env": {...},
        "requires": [...]}}``. The directories of ``path`` come first on PATH, ``env`` sets
        variables, and the image can be started when all of ``requires`` are there: ``java>=17``,
        ``module:pyspark`` or ``command:mpirun``. The default has the images of the gallery.""",
    ).tag(config=True)
    workspaces = Unicode(
        help="The directory that holds the workspaces, one for each user. Default: ``workspaces`` "
        "beside the back-end's own directory.",
    ).tag(config=True)
    memory = Int(
        min=1,
        help="Bytes of memory that instances may reserve. Default: 90 % of what the machine has.",
    ).tag(config=True)
    cores = Float(
        min=0.001,
        help="Cores that instances may reserve. Default: those the machine has.",
    ).tag(config=True)
    gpus = List(
        Unicode(),
        help="The ids of the GPUs that instances may get, as CUDA_VISIBLE_DEVICES takes them. Each "
        "instance sees those that it was given, and no others. Default: the numbers of all NVIDIA "
        "GPUs of the machine.",
    ).tag(config=True)
    labels = List(
        Unicode(),
        help="What is special about this machine, such as `ssd`: a service that asks for labels "
        "goes only where all of them are.",
    ).tag(config=True)
    grace = Float(
        10.0,
        min=0.0,
        help="Seconds that instances get to end by themselves when the portal stops or is gone.",
    ).tag(config=True)
    orphan_timeout = Float(
        60.0,
        min=0.1,
        help="Seconds without a master after which instances end.",
    ).tag(config=True)
    log_limit = Int(
        64 * 2**20,
        min=1,
        help="Bytes of output that are kept of an instance; what follows is dropped.",
    ).tag(config=True)

    def __init__(self, *, deployment: str, directory: str, **kwargs: Any) -> None:
        super().__init__(deployment=deployment, directory=os.path.abspath(directory), **kwargs)
        self._instances = Path(self.directory, "instances")
        self._prefix = f"zoe-{deployment[:8]}-"
        self._node = socket.gethostname()
        self._lock = MasterLock(os.path.join(self.directory, "master.lock"))
        self._addresses = Addresses(os.path.join(self.directory, "addresses.json"), deployment)
        self._images = Environments(
            {name: Environment.parse(name, each) for name, each in self.environments.items()}
        )
        self._pressure = MemoryPressure()
        self._monitor = Monitor()
        self._watchers: list[Watcher] = []
        self._followed: set[str] = set()  # names of directories

    @default("environments")
    def _default_environments(self) -> dict[str, dict[str, Any]]:
        return default_environments()

    @default("workspaces")
    def _default_workspaces(self) -> str:
        return str(Path(self.directory).parent / "workspaces")

    @default("memory")
    def _default_memory(self) -> int:
        return psutil.virtual_memory().total * 9 // 10

    @default("cores")
    def _default_cores(self) -> float:
        return float(psutil.cpu_count() or 1)

    @default("gpus")
    def _default_gpus(self) -> list[str]:
        return find_gpus()

    @validate("gpus")
    def _check_gpus(self, proposal: dict[str, Any]) -> list[str]:
        ids: list[str] = proposal["value"]
        bad = [each for each in ids if not each or "," in each or ids.count(each) > 1]
        if bad:
            raise TraitError(f"c.ProcessBackend.gpus: {bad[0]!r} is empty, double or has a comma")
        return ids

    @validate("environments")
    def _check_environments(self, proposal: dict[str, Any]) -> dict[str, Any]:
        try:
            for name, each in proposal["value"].items():
                Environment.parse(name, each)
        except ValueError as error:
            raise TraitError(f"c.ProcessBackend.{error}") from error
        return proposal["value"]

    def open(self) -> None:
        """Take the lock that shims look at, and follow what runs. Raises Fatal and Retry."""
        _check_platform()
        _make_private(self.directory)
        _make_private(str(self._instances))
        _make_private(self.workspaces)
        self._lock.take(_TAKEOVER)
        self._addresses.load()
        self._monitor.start()
        self.log.warning(
            "The process back-end is for one person on one machine: all instances run as the "
            "system user %s, without limits and without walls between them",
            psutil.Process().username(),
        )
        self._sweep()
        for files in self._all():
            self._follow(files)

    def close(self) -> None:
        """Let the shims wait for the next master."""
        self._monitor.close()
        self._lock.release()

    def end_all(self) -> None:
        """Stop every instance, and return when all are gone or the grace is long over."""
        for files in self._all():
            self._stop(files, self.grace, "It was stopped together with the portal.")
        if not self._monitor.wait_idle(self.grace + _FORCING):
            self.log.warning("Some instances did not end with the portal")

    def nodes(self) -> Sequence[Node]:
        """This machine."""
        images = self._images.startable()
        return [
            Node(
                name=self._node,
                capacity=Amount.of(self.memory, self.cores, len(self.gpus)),
                images=images,
                missing_images=self._images.missing(),
                labels=frozenset(self.labels),
                devices=tuple(self.gpus),
                pressured=self._pressure.look(),
                local_images=images,
            )
        ]

    def release(self, execution_id: int) -> None:
        """Delete what is left of an execution and give its addresses back. Raises Retry."""
        for files in self._all(f"{execution_id}-"):
            self._remove(files)
        self._addresses.release(execution_id)

    def dns_name(self, execution_id: int, service: str, index: int) -> str:
        """A loopback address: names would need the machine's resolver to know them."""
        return self._addresses.of(execution_id, service, index)

    def workspace(self, user: str) -> str:
        """``<workspaces>/<user>``, the name escaped so that it leads nowhere else."""
        return os.path.join(self.workspaces, workspace_name(user))

    def start(self, spec: InstanceSpec) -> None:
        """Run the command under a shim; takes about as long as starting Python twice."""
        files = self._files(spec.id)
        if files.claimed:
            self._follow(files)
            return
        if spec.ports:
            self._addresses.of(spec.id.execution_id, spec.id.service, spec.id.index)
        order = make_order(
            spec,
            variables=self._images.variables(spec.image),
            present=self.gpus,
            marker=files.directory.name,
            temporary=str(files.temporary),
            master_lock=os.path.join(self.directory, "master.lock"),
            orphan_timeout=self.orphan_timeout,
            grace=self.grace,
            log_limit=self.log_limit,
        )
        try:
            files.create(self.deployment, spec.id, self._node)
        except OSError as error:
            raise Retry(f"{error.filename} cannot be written: {error.strerror}.") from error
        reached(Checkpoint.PROCESS_CLAIMED)
        launch(files, order)
        self._follow(files)

    def stop(self, instance: InstanceId, grace: float, signal: Signals = SIGTERM) -> None:
        """Leave it to the shim: SIGTERM to all processes, and SIGKILL after ``grace`` seconds.

        Any other signal goes to the command's own process: its children may not know it.
        """
        files = self._files(instance)
        if signal == SIGTERM:
            self._stop(files, grace)
        else:
            self._leave_word(files, lambda: files.ask_politely(grace, signal))

    def remove(self, instance: InstanceId) -> None:
        """Delete its directory. Raises Retry while it runs."""
        self._remove(self._files(instance))

    def observations(self) -> Sequence[Observation]:
        """Read from the files of all instances: nothing is remembered."""
        found = []
        for files in self._all():
            seen = files.observe(self.deployment)
            if seen is not None:
                found.append(seen)
                self._follow(files)
        return found

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Calls come from the thread that started an instance, or from the monitor's."""
        self._watchers = [*self._watchers, watcher]

        def end() -> None:
            self._watchers = [each for each in self._watchers if each is not watcher]

        return end

    def address(self, instance: InstanceId, port: int) -> tuple[str, int]:
        """The loopback address of the instance, and the same port. Raises Retry."""
        address = self._addresses.known(instance.execution_id, instance.service, instance.index)
        if address is None:
            raise Retry(f"{instance.name} has no address: it was not started, or is gone.")
        return address, port

    def log_size(self, instance: InstanceId) -> int:
        """The size of the log file."""
        try:
            return self._files(instance).log.stat().st_size
        except FileNotFoundError:
            return 0

    def read_log(self, instance: InstanceId, offset: int, limit: int) -> bytes:
        """A piece of the log file."""
        try:
            with self._files(instance).log.open("rb") as file:
                file.seek(offset)
                return file.read(limit)
        except FileNotFoundError:
            return b""

    def usage(self, instance: InstanceId) -> Usage | None:
        """Summed over all its processes."""
        shim = self._files(instance).shim()
        return None if shim is None else measure(shim)

    def _files(self, instance: InstanceId) -> InstanceFiles:
        return InstanceFiles(self._instances / instance.container_name(self.deployment))

    def _all(self, prefix: str = "") -> Iterator[InstanceFiles]:
        for path in sorted(self._instances.glob(f"{self._prefix}{prefix}*")):
            files = InstanceFiles(path)
            if files.identity(self.deployment) is not None:
                yield files

    def _sweep(self) -> None:
        """Remove what a crash left half made or half removed: nothing can run in it."""
        for path in self._instances.glob(f"{self._prefix}*"):
            files = InstanceFiles(path)
            if files.torn:
                with suppress(BlockingIOError):
                    files.remove()

    def _follow(self, files: InstanceFiles) -> None:
        """Tell of it now, and when it ends; once, also if an earlier master has started it late."""
        name = files.directory.name
        if name in self._followed:
            return
        self._followed.add(name)
        shim = files.shim()
        self._tell(files)
        if shim is not None:
            self._monitor.add(shim, lambda: self._tell(files))

    def _tell(self, files: InstanceFiles) -> None:
        seen = files.observe(self.deployment)
        if seen is None:
            return
        if seen.observed is Observed.LOST:
            end_marked(files.directory.name)
        for watcher in self._watchers:
            try:
                watcher(seen)
            except Exception:
                self.log.exception("A watcher failed on %s of instance %s", seen.observed, seen.id)

    def _stop(self, files: InstanceFiles, grace: float, reason: str = "") -> None:
        self._leave_word(files, lambda: files.ask_to_stop(grace, reason))

    def _leave_word(self, files: InstanceFiles, leave: Callable[[], None]) -> None:
        """Write something for the shim, and wake it up."""
        shim = files.shim()
        if shim is not None:
            try:
                leave()
            except OSError as error:  # the disk is full: the shim knows a grace of its own
                self.log.warning("No word can be left in %s: %s", files.directory, error)
            reached(Checkpoint.PROCESS_ASKED)
            signal_process(shim, SIGTERM, still=lambda: files.shim() == shim)

    def _remove(self, files: InstanceFiles) -> None:
        seen = files.observe(self.deployment)
        name = files.directory.name
        if seen is not None and seen.observed is Observed.RUNNING:
            self._follow(files)
            raise Retry(f"{name} still runs.")
        if seen is not None and seen.observed is Observed.LOST:
            end_marked(name)
        try:
            files.remove()
        except BlockingIOError as error:
            raise Retry(f"{name} is still being started.") from error
        self._followed.discard(name)


def _make_private(directory: str) -> None:
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        os.chmod(directory, 0o700)
    except OSError as error:
        raise Fatal(f"The directory {directory} cannot be used: {error.strerror}.") from error


def _check_platform() -> None:
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError) as error:
        raise Fatal("The process back-end needs Linux 5.3 or newer.") from error
