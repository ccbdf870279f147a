"""The contract between the master and whatever runs the instances.

All methods may block and are called from worker threads, several at once: implementations are
thread-safe. All are idempotent: the same call twice is the same as once, also after a restart of
the master. Identities (``InstanceId``) are deterministic, so a crash between any two calls loses
nothing.

Errors::

    BackendError            base class, never raised itself
    ├── Retry               a passing fault: the same call may succeed later
    └── Fatal               will not get better: the execution fails with this message

Messages of both are shown to users; they are the engine's own words, without secrets.
"""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from signal import SIGTERM, Signals

from traitlets import MetaHasTraits
from traitlets.config import LoggingConfigurable

from zoe_core.amount import Amount
from zoe_core.cluster import Capabilities, InstanceId, Node, Observed


class BackendError(Exception):
    """What a back-end may raise; see the module's tree."""


class Retry(BackendError):
    """A passing fault: the same call may succeed later."""


class Fatal(BackendError):
    """A fault that will not get better by itself."""


@dataclass(frozen=True, slots=True)
class InstanceSpec:
    """All that is needed to start one instance.

    ``command`` is split into words; ``None`` means the image's own. ``memory_limit`` and ``shm``
    are in bytes. ``workspace`` is the directory of the user on the node. ``ports`` are those the
    instance listens on (TCP). ``devices`` are the ids of the GPUs of its node that it alone may
    use: it sees no others. The cores of ``reservation`` are no cap: what idles is for whoever can
    use it; back-ends that can weigh instances against each other take them as the weight.
    ``environment`` may hold secrets: it never appears on a command line or in a log.
    """

    id: InstanceId
    node: str
    image: str
    command: tuple[str, ...] | None
    environment: Mapping[str, str] = field(repr=False)
    reservation: Amount
    workspace: str
    user: str
    memory_limit: int | None = None
    shm: int | None = None
    work_dir: str | None = None
    ports: tuple[int, ...] = ()
    volumes: tuple[tuple[str, str, bool], ...] = ()
    """Host path, path in the instance, read only; the administrator allowed each of them."""
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observation:
    """What is seen of one instance now.

    ``exit_code`` is set when it ``exited`` (negative: by signal). ``detail`` is a sentence for
    people when there is more to say ("killed: it used more than 2 GB").
    """

    id: InstanceId
    observed: Observed
    node: str
    exit_code: int | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Measured use of one instance: resident memory in bytes, CPU seconds since its start."""

    memory: int
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Item:
    """Something on a node that bears the mark of a Zoe, be it this one or another.

    ``kind`` is the back-end's word for it, such as ``container``. ``deployment`` is whose it is by
    its mark; ``execution_id`` and ``instance`` are what it belongs to there, None when the mark
    does not say. ``since`` is when it was made. ``removal`` is what an administrator types to
    remove it.
    """

    kind: str
    name: str
    node: str
    deployment: str
    removal: str
    execution_id: int | None = None
    instance: InstanceId | None = None
    since: datetime | None = None


Watcher = Callable[[Observation], None]


class _BackendType(ABCMeta, MetaHasTraits):
    """What a class with traits and abstract methods needs: both metaclasses in one."""


class Backend(LoggingConfigurable, metaclass=_BackendType):
    """Base class of all back-ends; a site adds its own by an entry point in ``zoe.backends``.

    ``deployment`` is the UUID of this Zoe: names and labels carry it, and instances of other
    deployments are never touched. ``directory`` is a private directory for the back-end's own
    files.
    """

    capabilities: Capabilities = Capabilities()

    def __init__(self, *, deployment: str, directory: str, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.deployment = deployment
        self.directory = directory

    def open(self) -> None:
        """Called once before anything else: find what already runs (re-adopt), connect."""

    def close(self) -> None:
        """Called once when the master stops; running instances are left as they are."""

    def end_all(self) -> None:
        """The portal as a whole is stopped in order: end what cannot outlive it (``process``)."""

    @abstractmethod
    def nodes(self) -> Sequence[Node]:
        """The nodes with their present capacity and state."""

    def prepare(self, execution_id: int) -> None:
        """Make what the instances of an execution share (its network)."""

    def release(self, execution_id: int) -> None:
        """Remove what ``prepare`` made and all else that belongs to the ended execution."""

    @abstractmethod
    def dns_name(self, execution_id: int, service: str, index: int) -> str:
        """The name or address under which others reach it: stable, known before it starts."""

    def workspace(self, user: str) -> str:
        """The directory of ``user`` on the nodes; made by ``start`` when it is missing."""
        raise NotImplementedError

    @abstractmethod
    def start(self, spec: InstanceSpec) -> None:
        """Start an instance; return once it is created. An identity that exists already is kept."""

    @abstractmethod
    def stop(self, instance: InstanceId, grace: float, signal: Signals = SIGTERM) -> None:
        """Ask it to end, force it after ``grace`` seconds; return at once. Unknown: no error.

        It is asked again with each full list that still shows it, also by the next master: that
        neither repeats the signal nor prolongs its grace. The shortest grace counts.

        A ``signal`` other than SIGTERM asks politely: it means something to this program only, so
        its main process alone gets it, once, and may go on until the grace is over (a Spark worker
        hands its data to others at SIGPWR, and stays). One that ends by it is gone at once. A
        SIGTERM may follow, and goes before it: after that no other signal is sent.
        """

    @abstractmethod
    def remove(self, instance: InstanceId) -> None:
        """Forget an instance that has exited, with its log. Unknown is not an error."""

    @abstractmethod
    def observations(self) -> Sequence[Observation]:
        """Everything of this deployment that exists now: the full list, for reconciliation.

        (``observe`` is taken: it is how traits are watched.)
        """

    def inventory(self) -> Sequence[Item]:
        """All that bears the mark of a Zoe on the nodes that answer, and may outlive an execution.

        The administrator is shown what of it nothing explains. A back-end whose instances leave
        nothing else has no need of it.
        """
        return ()

    def remains(self) -> Collection[int]:
        """Executions of this deployment of which there is more than instances, as networks.

        The master releases those that have ended. It asks with each full list, right after
        ``observations``, so what that shows need not be looked for again.
        """
        return ()

    def troubles(self) -> Mapping[str, str]:
        """Why nodes do not answer, by name, in sentences for the administrator."""
        return {}

    @abstractmethod
    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Call ``watcher`` (from any thread) on each change from now on; returns what ends it.

        Changes may be missed or doubled: the master also lists in full from time to time.
        """

    @abstractmethod
    def address(self, instance: InstanceId, port: int) -> tuple[str, int]:
        """Host and port where the portal reaches that port of a running instance.

        One of those in its specification. May raise Retry: it is just gone.
        """

    @abstractmethod
    def log_size(self, instance: InstanceId) -> int:
        """Bytes of output (stdout and stderr together) there are so far; 0 when it is unknown."""

    @abstractmethod
    def read_log(self, instance: InstanceId, offset: int, limit: int) -> bytes:
        """At most ``limit`` bytes of output from byte ``offset``; empty when there is no more."""

    @abstractmethod
    def usage(self, instance: InstanceId) -> Usage | None:
        """What it uses now; None when it does not run."""
