"""A network for each execution: its instances find each other by name, and nobody else does."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Network
from typing import Any

import docker
from docker.errors import APIError, NotFound
from docker.types import IPAMConfig, IPAMPool

from zoe_master.backends.base import Fatal, Retry
from zoe_master.backends.docker.engine import Engine
from zoe_master.backends.docker.identity import execution_labels, label_filters, network_name
from zoe_master.backends.docker.subnets import Pool, routed_here

_CONFLICT = 409
_TRIES = 8  # to find a subnet while others take some
_APART = 23
"""Subnets between two tries: those who look for the next free one at the same time would meet."""

HOW_TO_JOIN = (
    "The engines are not managers of one swarm, so the instances of an execution would have no "
    "network in common: nothing can be started. Either join them (on one: docker swarm init "
    "--advertise-addr ADDRESS, then docker swarm join-token manager; on each other: what that "
    "printed), or set c.DockerBackend.network_driver = 'bridge', if labels keep each "
    "ZApp on one node."
)
"""What an administrator can do."""

_DIVIDED = (
    "The nodes have no network in common: their administrator has to join the engines into one "
    "swarm, as managers."
)


class Networks:
    """Makes and removes networks: bridges, one on each engine where an instance goes, or overlays.

    An overlay spans all engines of a swarm; it is made on any manager among them, and engines
    learn of it when the first container joins. ``pool`` is where addresses come from; without one
    the engine chooses.
    """

    def __init__(
        self, deployment: str, driver: str, pool: Pool | None, engines: Sequence[Engine]
    ) -> None:
        self._deployment, self._pool = deployment, pool
        self._engines = engines if driver == "overlay" else ()
        self._driver = driver
        self._lock = threading.Lock()
        self._locks: dict[tuple[str, int], threading.Lock] = {}
        self._made: set[tuple[str, int]] = set()
        self._choosing = threading.Lock()

    @property
    def divided(self) -> bool:
        """Whether overlays cannot span all engines that were heard of: they are no one swarm."""
        swarms = {each.swarm for each in self._engines if each.swarm is not None}
        return len(swarms) > 1 or "" in swarms

    def ensure(self, engine: Engine, execution_id: int) -> str:
        """The name of the execution's network, made on ``engine`` if there is none.

        Raises Retry when no addresses are left, and Fatal when the engines are no one swarm.
        Engines may accept two networks of one name (moby#20648), so one thread at a time makes it.
        """
        name = network_name(self._deployment, execution_id)
        with self._alone(engine, execution_id):
            if (engine.name, execution_id) not in self._made:
                if self.divided:
                    raise Fatal(_DIVIDED)
                with engine.work() as client:
                    self._make(engine, client, name, execution_id)
                self._made.add((engine.name, execution_id))
        return name

    def doubt(self, engine: Engine, execution_id: int) -> None:
        """It is not there any more: somebody else removed it."""
        self._made.discard((engine.name, execution_id))

    def remove(self, engine: Engine, execution_id: int) -> None:
        """Remove it from ``engine``. Raises Retry while something is still connected to it."""
        with self._alone(engine, execution_id):
            self._made.discard((engine.name, execution_id))
            with engine.work() as client:
                filters = label_filters(self._deployment, execution_id)
                for network in client.api.networks(filters=filters):
                    _remove(client, network)
        with self._lock:
            self._locks.pop((engine.name, execution_id), None)

    @contextmanager
    def _alone(self, engine: Engine, execution_id: int) -> Iterator[None]:
        """Taken again when it was let go of meanwhile: a removal forgets the lock."""
        key = (engine.name, execution_id)
        while True:
            with self._lock:
                lock = self._locks.setdefault(key, threading.Lock())
            with lock:
                if self._locks.get(key) is lock:
                    yield
                    return

    def _make(self, engine: Engine, client: docker.DockerClient, name: str, execution: int) -> None:
        for attempt in range(_TRIES):
            try:
                if self._driver == "overlay":
                    # A swarm gives out addresses only after it has accepted a network, so that an
                    # overlap is not refused: one thread at a time chooses, and looks before.
                    with self._choosing:
                        subnet = self._choose(engine, execution, look=True)
                        self._create(client, name, execution, subnet)
                else:
                    # Mostly free by its number alone; the engine refuses what is not.
                    number = execution + attempt * _APART
                    subnet = self._choose(engine, number, look=attempt > 0)
                    self._create(client, name, execution, subnet)
                return
            except APIError as error:
                if error.status_code == _CONFLICT:
                    return  # an earlier master made it, or another engine of the swarm
                if not _overlaps(error):
                    raise _understood(error) from error
        raise Retry("The engine has not found free addresses for another network.")

    def _create(
        self, client: docker.DockerClient, name: str, execution: int, subnet: IPv4Network | None
    ) -> None:
        ipam = IPAMConfig(pool_configs=[IPAMPool(subnet=str(subnet))]) if subnet else None
        client.api.create_network(
            name,
            driver=self._driver,
            ipam=ipam,
            labels=execution_labels(self._deployment, execution),
            attachable=self._driver == "overlay" or None,
            check_duplicate=True,
        )

    def _choose(self, engine: Engine, number: int, *, look: bool) -> IPv4Network | None:
        """A subnet from that one on; the engine is asked what it has if ``look``. Raises Retry."""
        if self._pool is None:
            return None
        taken = routed_here() if engine.settings.local else []
        if look:
            with engine.ask() as client:
                taken += [each for network in client.api.networks() for each in _subnets(network)]
        first = int(self._deployment[:8], 16) + number  # other deployments begin elsewhere
        subnet = self._pool.choose(first, taken)
        if subnet is None:
            raise Retry(
                "There are no addresses left for another network; the administrator can give more "
                "(c.DockerBackend.address_pool)."
            )
        return subnet


def _remove(client: docker.DockerClient, network: dict[str, Any]) -> None:
    try:
        client.api.remove_network(network["Id"])
    except NotFound:
        return
    except APIError as error:
        if not _in_use(error):
            raise
        raise Retry(f"The network {network['Name']} is still in use.") from error


def _subnets(network: dict[str, Any]) -> Iterator[IPv4Network]:
    for each in network["IPAM"]["Config"] or ():
        if ":" not in each.get("Subnet", ":"):
            yield IPv4Network(each["Subnet"], strict=False)


def _in_use(error: APIError) -> bool:
    """The words of an engine for its own networks, and those of a swarm."""
    said = str(error.explanation)
    return "active endpoints" in said or "is in use by" in said


def _overlaps(error: APIError) -> bool:
    """The engine's words for addresses that another network has."""
    return "overlap" in str(error.explanation).lower()


def _understood(error: APIError) -> Exception:
    said = str(error.explanation)
    if "address pool" in said:
        return Retry(
            "The engine has no addresses left for another network; its administrator can give it "
            "more (default-address-pools)."
        )
    return error
