"""The Docker back-end: puts the parts of this package together as ``Backend`` wants them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from signal import SIGTERM, Signals
from typing import Any

from traitlets import Dict, Enum, Float, Int, List, TraitError, Unicode, default, validate

from zoe_core.cluster import Capabilities, InstanceId, Node, Observed
from zoe_core.names import workspace_name
from zoe_master.backends.base import (
    Backend,
    BackendError,
    Fatal,
    InstanceSpec,
    Item,
    Observation,
    Retry,
    Usage,
    Watcher,
)
from zoe_master.backends.docker.engine import Engine
from zoe_master.backends.docker.events import Events
from zoe_master.backends.docker.fleet import Fleet
from zoe_master.backends.docker.lifecycle import Containers, Site
from zoe_master.backends.docker.logs import Logs, read_piece, size_of
from zoe_master.backends.docker.networks import HOW_TO_JOIN, Networks
from zoe_master.backends.docker.news import News
from zoe_master.backends.docker.open_files import allow_open_files
from zoe_master.backends.docker.records import Record, Records
from zoe_master.backends.docker.settings import parse_engines
from zoe_master.backends.docker.stops import Stops
from zoe_master.backends.docker.strangers import list_items, list_remains, trouble
from zoe_master.backends.docker.subnets import Pool
from zoe_master.backends.docker.workspaces import check_user_ids, make_private, make_workspace


class DockerBackend(Backend):
    """Instances are containers on one or many Docker Engines; each engine is a node.

    Containers outlive the master and the portal; a master that comes back finds them by labels.
    """

    capabilities = Capabilities(
        memory_limits=True, network_isolation=True, gpus=True, several_nodes=True
    )

    engines: List[Any] = List(
        [{}],
        help="""The Docker Engines, a dictionary each: ``name`` of the node (default: this machine's
        host name), ``url`` (``unix:///PATH`` or ``tcp://HOST:PORT``; default: the environment
        variable DOCKER_HOST, else the local engine), ``tls`` (``{"ca": FILE, "cert": FILE,
        "key": FILE}``), ``labels`` (a list of words),
        ``address`` (a host name or IP address of the engine's machine on which the ports of its
        containers are published for the portal; default: none for a local engine, whose containers
        are reached directly, else the host of ``url``), ``gpus`` (a list of device ids),
        ``memory`` (bytes; default: 90 % of what the machine has), ``cores`` (default: all), and
        ``drain`` (True: nothing new is started there).""",
    ).tag(config=True)
    network_driver = Enum(
        ["bridge", "overlay"],
        help="What an execution's network is. ``bridge``: one on each engine, so that instances "
        "reach each other only on the same engine. ``overlay``: one over all engines, which must "
        "be managers of one swarm. Default: bridge with one engine, overlay with several.",
    ).tag(config=True)
    address_pool = Unicode(
        "10.201.0.0/16",
        help="The IPv4 addresses that networks of executions are cut from; nothing that an engine "
        "has to reach may have such an address. Empty: the engine's own pools, which last for "
        "about thirty networks by default. Default: 10.201.0.0/16.",
    ).tag(config=True)
    network_prefix = Int(
        25,
        help="Bits of the prefix of each such network: 25 leaves room for 125 instances on an "
        "engine, or with ``overlay`` on all engines, and gives 512 networks of the default pool. "
        "Default: 25.",
    ).tag(config=True)
    workspaces = Unicode(
        help="The directory that holds the workspaces, one for each user, at the same path on "
        "every engine's machine. Default: ``workspaces`` beside the back-end's own directory.",
    ).tag(config=True)
    user_ids = Unicode(
        help="``uid:gid`` of all containers; never root's. Default: those of the master, or "
        "1000:1000 when it runs as root.",
    ).tag(config=True)
    own_user_ids = Dict(
        help="``{user: 'uid:gid'}`` for users whose containers run as somebody else.",
    ).tag(config=True)
    pids_limit = Int(
        1024, min=16, help="Processes and threads that a container may have. Default: 1024."
    ).tag(config=True)
    offline_grace = Float(
        300.0,
        min=0.0,
        help="Seconds that an engine may be away before its instances count as lost. Default: 300.",
    ).tag(config=True)
    log_limit = Int(
        64 * 2**20,
        min=4096,
        help="Bytes of output that are kept of an instance; what follows is dropped. The engine "
        "keeps about as much while the container is there. Default: 64 MB.",
    ).tag(config=True)

    def __init__(self, *, deployment: str, directory: str, **kwargs: Any) -> None:
        super().__init__(deployment=deployment, directory=os.path.abspath(directory), **kwargs)
        overlay = self.network_driver == "overlay"
        self._engines = {
            each.name: Engine(each.publishing() if overlay else each, self.log)
            for each in parse_engines(self.engines)
        }
        self._records = Records(Path(self.directory, "instances"), deployment)
        self._networks = Networks(
            deployment, self.network_driver, self._pool_of_addresses(), list(self._engines.values())
        )
        self._logs = Logs(self.log_limit, self.log)
        self._containers = Containers(
            Site(deployment, self.pids_limit, self.log_limit, self.offline_grace),
            self._records,
            self._networks,
        )
        self._stops = {
            name: Stops(partial(self._containers.kill, engine), self.log)
            for name, engine in self._engines.items()
        }
        self._fleet = Fleet(list(self._engines.values()), self.log)
        # Who waits for the last words of a container holds up nobody else.
        self._endings = ThreadPoolExecutor(8, "zoe-docker-ends")
        self._news = News(
            deployment,
            self._records,
            self._containers,
            self._logs,
            self._stops,
            self._endings,
            self.log,
        )
        self._events = [
            Events(engine, deployment, self._news.changed, self.log)
            for engine in self._engines.values()
        ]

    @default("network_driver")
    def _default_network_driver(self) -> str:
        return "overlay" if len(self.engines) > 1 else "bridge"

    @default("workspaces")
    def _default_workspaces(self) -> str:
        return str(Path(self.directory).parent / "workspaces")

    @default("user_ids")
    def _default_user_ids(self) -> str:
        return f"{os.getuid()}:{os.getgid()}" if os.getuid() else "1000:1000"

    @validate("engines")
    def _check_engines(self, proposal: dict[str, Any]) -> list[Any]:
        try:
            parse_engines(proposal["value"])
        except ValueError as error:
            raise TraitError(f"c.DockerBackend.{error}") from error
        return proposal["value"]

    @validate("user_ids")
    def _check_user_ids(self, proposal: dict[str, Any]) -> str:
        return _checked("user_ids", proposal["value"])

    @validate("own_user_ids")
    def _check_own_user_ids(self, proposal: dict[str, Any]) -> dict[str, str]:
        for user, ids in proposal["value"].items():
            _checked(f"own_user_ids[{user!r}]", ids)
        return proposal["value"]

    def _pool_of_addresses(self) -> Pool | None:
        if not self.address_pool:
            return None
        try:
            return Pool.parse(self.address_pool, self.network_prefix)
        except ValueError as error:
            raise TraitError(f"c.DockerBackend.{error}") from error

    def open(self) -> None:
        """Follow what runs. An engine that does not answer is a node that is offline."""
        for directory in (self.directory, str(self._records.directory)):
            make_private(directory)
        allow_open_files(self.log)
        known = list(self._records.all())
        for name, stops in self._stops.items():
            stops.start(record for record, _, engine in known if engine == name)
        for events in self._events:
            events.start()
        self.nodes()
        if self._networks.divided:
            self.log.error("%s", HOW_TO_JOIN)
        self.observations()

    def close(self) -> None:
        """Leave the containers as they are."""
        for events in self._events:
            events.close()
        for stops in self._stops.values():
            stops.close()
        self._logs.close()
        self._fleet.close()
        self._endings.shutdown(wait=False, cancel_futures=True)
        for engine in self._engines.values():
            engine.close()

    def nodes(self) -> Sequence[Node]:
        """One for each engine, asked all at once."""
        return self._fleet.each(Engine.node)

    def prepare(self, execution_id: int) -> None:
        """Nothing: a network is made with the first container on an engine."""

    def release(self, execution_id: int) -> None:
        """Remove containers, networks and logs of an execution. Raises Retry while one runs.

        What is on an engine that is away stays: ``inventory`` shows it when the engine is back, and
        the master asks again.
        """
        listed = self._fleet.answers(lambda each: self._containers.all_of(each, execution_id))
        containers = [(engine, each) for engine, found in listed for each in found]
        # First all containers: a network over several engines goes when nothing is left in it.
        self._fleet.at_once(lambda each: self._containers.remove_listed(*each), containers)
        there = [engine for engine, _ in listed]
        self._fleet.answers(lambda each: self._networks.remove(each, execution_id), there)
        for record, instance, _ in self._records.all(execution_id):
            self._forget(record, instance)
        self._records.remove_rest(execution_id)

    def dns_name(self, execution_id: int, service: str, index: int) -> str:
        """``worker-0-42``: a name in the execution's network, at most 62 characters."""
        return f"{service}-{index}-{execution_id}"

    def workspace(self, user: str) -> str:
        """``<workspaces>/<user>``, the name escaped so that it leads nowhere else."""
        return os.path.join(self.workspaces, workspace_name(user))

    def start(self, spec: InstanceSpec) -> None:
        """Create and start a container; the first on its engine also makes the network.

        Raises Fatal for what the engine refuses, such as an image that nobody has.
        """
        engine = self._engines.get(spec.node)
        if engine is None:
            raise Fatal(f"There is no node {spec.node!r}.")
        user_ids = self.own_user_ids.get(spec.user, self.user_ids)
        make_workspace(spec.workspace, user_ids)
        record = self._records.of(spec.id)
        try:
            new = record.create(self.deployment, spec.id, engine.name)
        except OSError as error:
            raise Retry(f"{error.filename} cannot be written: {error.strerror}.") from error
        name = self.dns_name(spec.id.execution_id, spec.id.service, spec.id.index)
        self._containers.start(engine, spec, name, user_ids, new=new)
        self._logs.follow(engine, record)

    def stop(self, instance: InstanceId, grace: float, signal: Signals = SIGTERM) -> None:
        """Signal the main process; when that ends, the engine ends the others."""
        record = self._records.of(instance)
        known = record.identity(self.deployment)
        if known is not None and known[1] in self._stops:
            self._stops[known[1]].ask(record, grace, signal)

    def remove(self, instance: InstanceId) -> None:
        """Remove container, anonymous volumes and log. Raises Retry while it runs.

        One on an engine that is away, or is not in the settings any more, is forgotten.
        """
        record = self._records.of(instance)
        known = record.identity(self.deployment)
        engine = self._engines.get(known[1]) if known else None
        if engine is not None:
            try:
                self._containers.remove(engine, record)
            except Retry:
                if self._containers.may_run(engine, instance):
                    raise
        self._forget(record, instance)

    def observations(self) -> Sequence[Observation]:
        """What all engines list; of one that is away, what it last had, until the grace is over."""
        lists = self._fleet.each(self._observe)
        gone = self._containers.without_engine(self._engines.keys())
        return [*(seen for each in lists for seen in each), *gone]

    def inventory(self) -> Sequence[Item]:
        """Containers and networks with a label of a Zoe, and our records without a container."""
        known = list(self._records.all())
        return self._fleet.found(
            lambda each: list_items(each, self._records, known, self.deployment)
        )

    def remains(self) -> Collection[int]:
        """Executions with networks or records of containers, on the engines that answer."""
        known = list(self._records.all())
        return set(self._fleet.found(lambda each: list_remains(each, known, self.deployment)))

    def troubles(self) -> Mapping[str, str]:
        """What a connection to each engine that is away meets."""
        away = [each.settings for each in self._engines.values() if each.away_for]
        return {
            each.name: why
            for each, why in zip(away, self._fleet.at_once(trouble, away), strict=True)
        }

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Calls come from threads that listen to the engines."""
        return self._news.watch(watcher)

    def address(self, instance: InstanceId, port: int) -> tuple[str, int]:
        """The container's own address, or where its engine publishes the port. Raises Retry."""
        engine, record = self._find(instance)
        return self._containers.address(engine, record, instance.execution_id, port)

    def log_size(self, instance: InstanceId) -> int:
        """The size of our copy."""
        return size_of(self._records.of(instance))

    def read_log(self, instance: InstanceId, offset: int, limit: int) -> bytes:
        """A piece of our copy."""
        return read_piece(self._records.of(instance), offset, limit)

    def usage(self, instance: InstanceId) -> Usage | None:
        """From the kernel's files for a local engine; another is asked, which takes a second."""
        try:
            engine, record = self._find(instance)
            return self._containers.usage(engine, record)
        except (Retry, Fatal):
            return None

    def _engine(self, name: str) -> Engine:
        """Raises Fatal for one that was taken out of the settings."""
        if name not in self._engines:
            raise Fatal(f"The node {name!r} is not among the engines any more.")
        return self._engines[name]

    def _find(self, instance: InstanceId) -> tuple[Engine, Record]:
        record = self._records.of(instance)
        known = record.identity(self.deployment)
        if known is None:
            raise Retry(f"{instance.name} was not started, or is gone.")
        return self._engine(known[1]), record

    def _observe(self, engine: Engine) -> list[Observation]:
        try:
            seen = self._containers.list(engine)
        except BackendError as error:
            self._warn(engine, "The list of %s is missing: %s", engine.name, error)
            return list(self._containers.remembered(engine))
        return [found for each in seen if (found := self._look_at(engine, each))]

    def _look_at(self, engine: Engine, seen: Observation) -> Observation | None:
        """What is to be told of one that was listed; None when it is gone meanwhile.

        One that cannot be looked at is there, and spoils the list of no other. If it has ended, it
        still runs until its exit code can be told: an end is final.
        """
        try:
            return self._news.listed(engine, seen)
        except (BackendError, OSError) as error:
            self._warn(engine, "Instance %s cannot be looked at: %s", seen.id, error)
            return replace(seen, observed=Observed.RUNNING)

    def _warn(self, engine: Engine, said: str, *arguments: object) -> None:
        """The log tells once that an engine is away."""
        self.log.log(logging.DEBUG if engine.away_for else logging.WARNING, said, *arguments)

    def _forget(self, record: Record, instance: InstanceId) -> None:
        for stops in self._stops.values():
            stops.forget(record)
        self._logs.forget(record)
        try:
            record.remove()
        finally:
            self._containers.forget(instance)
            self._news.forget(instance)


def _checked(field: str, value: Any) -> str:
    try:
        return check_user_ids(value)
    except ValueError as error:
        raise TraitError(f"c.DockerBackend.{field}: {error}") from error
