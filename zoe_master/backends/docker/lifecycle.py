"""The containers of a deployment on its engines: create, list, signal, remove."""

from __future__ import annotations

import socket
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import docker
from docker.errors import APIError, ImageNotFound, NotFound
from docker.models.containers import Container

from zoe_core.cluster import InstanceId, Observed
from zoe_master.backends.base import Fatal, InstanceSpec, Observation, Retry, Usage
from zoe_master.backends.docker.containers import (
    Surroundings,
    blames_command,
    create_arguments,
    has_init,
)
from zoe_master.backends.docker.engine import Engine
from zoe_master.backends.docker.identity import identify, label_filters, network_name
from zoe_master.backends.docker.networks import Networks
from zoe_master.backends.docker.records import Record, Records
from zoe_master.backends.docker.usage import parse_stats, read_control_groups
from zoe_master.backends.docker.workspaces import check_work_dir
from zoe_store.checkpoints import Checkpoint, reached

_NOT_FOUND, _CONFLICT = 404, 409
_OURS = "zoe/"  # what the names of the gallery's images begin with
_STATES = {
    "running": Observed.RUNNING,
    "paused": Observed.RUNNING,
    "restarting": Observed.RUNNING,
    "removing": Observed.EXITED,
    "exited": Observed.EXITED,
    "dead": Observed.EXITED,
}


@dataclass(frozen=True, slots=True)
class Site:
    """What is the same for all containers: see the settings of these names."""

    deployment: str
    pids_limit: int
    log_limit: int
    offline_grace: float


class Containers:
    """Containers by their deterministic names; ends are remembered, as they are final."""

    def __init__(self, site: Site, records: Records, networks: Networks) -> None:
        self._site, self._records, self._networks = site, records, networks
        self._lock = threading.Lock()
        self._starting: dict[str, threading.Lock] = {}
        self._ended: dict[InstanceId, Observation] = {}

    def start(
        self, engine: Engine, spec: InstanceSpec, dns_name: str, user_ids: str, *, new: bool
    ) -> None:
        """Create and start it; one that exists is kept, and started if it never was.

        One thread at a time does so for each name: else the second could start again what the
        first started and what has exited meanwhile. ``new``: there is hardly one already, so that
        it is not looked for first.
        """
        name = spec.id.container_name(self._site.deployment)
        with self._one_at_a_time(name), engine.work() as client:
            container = None if new else self._get(client, name)
            if container is None and self._create(engine, client, spec, dns_name, user_ids):
                reached(Checkpoint.DOCKER_CREATED)
                self._start(engine, client, spec)
                return
            container = container or self._get(client, name)
            if container is None:
                raise Retry(f"Another container has the name {name}.")
            if _never_started(container):
                self._start(engine, client, spec)
            else:  # by a call whose answer was lost, perhaps
                self._records.of(spec.id).note_start()

    def list(self, engine: Engine) -> list[Observation]:
        """All that were started on an engine. Ends lack their codes: see ``inspect_ended``.

        One that was only created is not there yet: its start is under way, or broke off. Told as
        there, it would not be started again.
        """
        with engine.ask() as client:
            filters = label_filters(self._site.deployment)
            found = client.api.containers(all=True, filters=filters)
        seen = []
        for each in found:
            instance = identify(self._site.deployment, each["Labels"])
            if instance is None:
                continue
            observed = _STATES.get(each["State"], Observed.RUNNING)
            if each["State"] == "created":
                if not self._failed_to_start(engine, instance):
                    continue
                observed = Observed.EXITED
            seen.append(Observation(instance, observed, engine.name))
        return seen

    def remembered(self, engine: Engine) -> Iterator[Observation]:
        """What is to be said of an engine that does not answer."""
        away = engine.away_for
        for record, instance, name in self._records.all():
            if name != engine.name or not record.started:
                continue  # what could not be started yet would be missed when the engine is back
            end = self.end_of(instance)
            if end is not None:
                yield end
            elif away < self._site.offline_grace:
                yield Observation(instance, Observed.RUNNING, name)
            else:
                detail = f"The engine of {name} has not answered for {away:.0f} s."
                yield Observation(instance, Observed.LOST, name, detail=detail)

    def may_run(self, engine: Engine, instance: InstanceId) -> bool:
        """Whether it does as far as is known: always, when its engine says so."""
        away = engine.away_for
        return not away or (away < self._site.offline_grace and not self.has_ended(instance))

    def without_engine(self, engines: Collection[str]) -> Iterator[Observation]:
        """What was on engines that are not in the settings any more."""
        for _, instance, name in self._records.all():
            if name not in engines:
                detail = f"The node {name} is not among the engines any more."
                yield Observation(instance, Observed.LOST, name, detail=detail)

    def has_ended(self, instance: InstanceId) -> bool:
        """Whether its end is known."""
        return instance in self._ended

    def end_of(self, instance: InstanceId) -> Observation | None:
        """Its end, if it is known."""
        return self._ended.get(instance)

    def note_end(self, end: Observation, record: Record) -> None:
        """Remember an end, which is final: the engine need not be asked again.

        ``forget`` comes after the record was removed. So an end that is noted while that goes on is
        either forgotten by it, or here.
        """
        self._ended[end.id] = end
        if record.identity(self._site.deployment) is None:
            self.forget(end.id)

    def forget(self, instance: InstanceId) -> None:
        """It and its record were removed."""
        self._ended.pop(instance, None)
        with self._lock:
            self._starting.pop(instance.container_name(self._site.deployment), None)

    def exists(self, engine: Engine, record: Record) -> bool:
        """Whether there is such a container."""
        with engine.ask() as client:
            return self._get(client, record.name) is not None

    def inspect_ended(self, engine: Engine, record: Record) -> Mapping[str, Any] | None:
        """What the engine knows of one that has ended; None when it is gone or has not ended."""
        with engine.ask() as client:
            container = self._get(client, record.name)
        if container is None or container.status in ("running", "paused", "restarting"):
            return None
        attributes: Mapping[str, Any] = container.attrs
        return attributes

    def kill(self, engine: Engine, record: Record, signal: int) -> bool:
        """Send a signal to the main process; False when it does not run.

        One that was created and never started ends by being removed.
        """
        with engine.ask() as client:
            try:
                client.api.kill(record.name, signal)
                return True
            except NotFound:
                return False
            except APIError as error:
                if error.status_code != _CONFLICT:
                    raise
        with engine.work() as client:
            container = self._get(client, record.name)
            if container is not None and _never_started(container):
                _remove(client, container.id, record.name, container.status)
        return False

    def remove(self, engine: Engine, record: Record) -> None:
        """Remove it with its anonymous volumes. Raises Retry while it runs."""
        with engine.work() as client:
            container = self._get(client, record.name)
            if container is not None:
                _remove(client, container.id, record.name, container.status)

    def all_of(self, engine: Engine, execution_id: int) -> Sequence[Mapping[str, Any]]:
        """All containers of an execution, as the engine lists them."""
        with engine.work() as client:
            filters = label_filters(self._site.deployment, execution_id)
            found: Sequence[Mapping[str, Any]] = client.api.containers(all=True, filters=filters)
        return found

    def remove_listed(self, engine: Engine, listed: Mapping[str, Any]) -> None:
        """Remove one of those. Raises Retry while it runs."""
        with engine.work() as client:
            _remove(client, listed["Id"], listed["Names"][0].lstrip("/"), listed["State"])

    def address(
        self, engine: Engine, record: Record, execution_id: int, port: int
    ) -> tuple[str, int]:
        """Where the portal reaches a port. Raises Retry."""
        with engine.ask() as client:
            container = self._get(client, record.name)
        if container is None or container.status != "running":
            raise Retry(f"{record.name} does not run.")
        settings = container.attrs["NetworkSettings"]
        published = settings["Ports"].get(f"{port}/tcp")
        if engine.settings.address is not None and published:
            return engine.settings.address, int(published[0]["HostPort"])
        network = network_name(self._site.deployment, execution_id)
        address = (settings["Networks"].get(network) or {}).get("IPAddress")
        if not address:  # as when somebody has disconnected it
            raise Retry(f"{record.name} has no address in its network.")
        return address, port

    def usage(self, engine: Engine, record: Record) -> Usage | None:
        """What it uses now; None when it does not run."""
        with engine.ask() as client:
            container = self._get(client, record.name)
            if container is None or container.status != "running":
                return None
            pid = container.attrs["State"]["Pid"]
            measured = read_control_groups(pid) if engine.settings.local else None
            return measured or parse_stats(container.stats(stream=False, one_shot=True))

    def _get(self, client: docker.DockerClient, name: str) -> Container | None:
        """The container of that name, if it is of this deployment: its label says so."""
        try:
            container = client.containers.get(name)
        except NotFound:
            return None
        return container if identify(self._site.deployment, container.labels) else None

    def _create(
        self,
        engine: Engine,
        client: docker.DockerClient,
        spec: InstanceSpec,
        dns_name: str,
        user_ids: str,
    ) -> bool:
        """Whether it was created; False when the name is taken."""
        check_work_dir(spec)
        around = Surroundings(
            deployment=self._site.deployment,
            dns_name=dns_name,
            network=self._networks.ensure(engine, spec.id.execution_id),
            user_ids=user_ids,
            pids_limit=self._site.pids_limit,
            log_bytes=self._site.log_limit,
            publish_on=ip_to_publish_on(engine.settings.address),
            own_init=has_init(_image(client, spec.image)["Config"].get("Entrypoint")),
        )
        try:
            client.containers.create(**create_arguments(spec, around))
        except APIError as error:
            if error.status_code == _CONFLICT:
                return False
            if "Cannot mkdir" in str(error.explanation):  # told with 500, and will not get better
                said = f"The work_dir {spec.work_dir!r} of {spec.id.name}"
                raise Fatal(f"{said} is not a directory in its image.") from error
            raise
        return True

    def _start(self, engine: Engine, client: docker.DockerClient, spec: InstanceSpec) -> None:
        """What cannot be executed has exited, with the engine's reason: the list will say so."""
        name = spec.id.container_name(self._site.deployment)
        try:
            client.api.start(name)
        except APIError as error:
            if error.status_code == _NOT_FOUND and "network" in str(error.explanation):
                self._networks.doubt(engine, spec.id.execution_id)
                client.api.remove_container(name, v=True, force=True)
                raise Retry(f"The network of {spec.id.name} was removed by somebody.") from error
            state = client.api.inspect_container(name)["State"]
            if not blames_command(state["Error"]):
                raise Fatal(f"{spec.id.name} cannot be started: {error.explanation}") from error
        self._records.of(spec.id).note_start()

    def _failed_to_start(self, engine: Engine, instance: InstanceId) -> bool:
        with engine.ask() as client:
            container = self._get(client, instance.container_name(self._site.deployment))
            return container is not None and bool(container.attrs["State"]["Error"])

    @contextmanager
    def _one_at_a_time(self, name: str) -> Iterator[None]:
        with self._lock:
            lock = self._starting.setdefault(name, threading.Lock())
        with lock:
            yield


def _never_started(container: Container) -> bool:
    """Nor was that tried in vain."""
    return container.status == "created" and not container.attrs["State"]["Error"]


def _image(client: docker.DockerClient, name: str) -> Mapping[str, Any]:
    """What the engine knows of the image, fetched if it is not there. Raises Fatal."""
    found: Mapping[str, Any]
    try:
        found = client.api.inspect_image(name)
    except ImageNotFound:
        found = _fetch(client, name)
    return found


def _fetch(client: docker.DockerClient, name: str) -> Mapping[str, Any]:
    try:
        image: Mapping[str, Any] = client.images.pull(name).attrs
    except APIError as error:
        text = f"There is no image {name!r} on this node, and it cannot be fetched: "
        text += str(error.explanation).rstrip(".") + "."
        if name.startswith(_OURS):
            text += " “make images” builds the gallery's images."
        raise Fatal(text) from error
    return image


def _remove(client: docker.DockerClient, identity: str, name: str, status: str) -> None:
    if status in ("running", "paused", "restarting"):
        raise Retry(f"{name} still runs.")
    try:
        client.api.remove_container(identity, v=True)
    except NotFound:
        return
    except APIError as error:
        if error.status_code == _CONFLICT:  # it is being removed, or was started just now
            raise Retry(f"{name} cannot be removed yet: {error.explanation}") from error
        raise


def ip_to_publish_on(address: str | None) -> str | None:
    """The IP address to publish ports on. Raises Retry when nobody knows it."""
    if address is None:
        return None
    try:
        found = socket.getaddrinfo(address, None, socket.AF_INET, socket.SOCK_STREAM)
    except OSError as error:
        raise Retry(f"The address {address} of the node is not known: {error.strerror}.") from error
    return str(found[0][4][0])
