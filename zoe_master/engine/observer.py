"""Keeps the master's view in step with the back-end: changes as they come, and the full list."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection

from zoe_core.cluster import FINAL, InstanceId, Observed, Snapshot
from zoe_master.backends.base import Backend, BackendError, Observation
from zoe_master.engine.inbox import Inbox
from zoe_master.engine.logs import LogKeeper
from zoe_master.engine.reactor import Addresses, Sighting
from zoe_master.engine.specs import service_of
from zoe_store.database import DatabaseAway
from zoe_store.master import Office, statuses_of

_SEEN = (Observed.CREATING, Observed.RUNNING)


class Observer:
    """Turns what the back-end shows into facts. ``snapshot`` gives the newest committed one."""

    def __init__(
        self,
        *,
        backend: Backend,
        inbox: Inbox,
        logs: LogKeeper,
        office: Office,
        snapshot: Callable[[], Snapshot],
        log: logging.Logger | logging.LoggerAdapter[logging.Logger],
    ) -> None:
        self._backend = backend
        self._inbox = inbox
        self._logs = logs
        self._office = office
        self._snapshot = snapshot
        self._log = log
        self._warned: set[InstanceId] = set()

    def watch(self) -> Callable[[], None]:
        """Report changes as they come; returns what ends it."""
        return self._backend.watch(lambda seen: self._inbox.saw(self._sighting(seen)))

    async def relist_every(self, interval: float) -> None:
        """List nodes and instances in full every ``interval`` seconds: watches are not trusted."""
        while True:
            await asyncio.sleep(interval)
            try:
                await asyncio.to_thread(self.relist)
            except (BackendError, DatabaseAway, OSError) as error:
                self._log.warning("The full list has failed, trying again later: %s", error)

    def relist(self) -> None:
        """Report nodes and instances; what should run and is not listed is lost. Blocks."""
        # Taken first: an instance that starts while the list is made is not missed from it.
        expected = [each for each in self._snapshot().all_instances() if each.observed in _SEEN]
        self._inbox.saw_nodes(self._backend.nodes())
        listed = {seen.id: seen for seen in self._backend.observations()}
        self._inbox.saw(
            *(self._sighting(seen) for seen in listed.values()),
            *(
                Sighting(Observation(each.id, Observed.LOST, each.node))
                for each in expected
                if each.id not in listed
            ),
        )
        self._tidy(listed.values())

    def _tidy(self, listed: Collection[Observation]) -> None:
        """Remove what an ended execution left; warn, once, about what nothing explains."""
        live = self._snapshot().executions
        strays = [seen for seen in listed if seen.id.execution_id not in live]
        if not strays:
            return
        statuses = statuses_of(self._office, [seen.id.execution_id for seen in strays])
        for seen in strays:
            status = statuses.get(seen.id.execution_id)
            if status in FINAL:
                self._remove(seen)
            elif status is None and seen.id not in self._warned:
                self._warned.add(seen.id)
                self._log.warning(
                    "Instance %s on %s belongs to no known execution; it is left alone",
                    seen.id,
                    seen.node,
                )

    def _remove(self, seen: Observation) -> None:
        """Stop it now; a later list finds it gone and removes the rest."""
        self._log.info("Removing instance %s: its execution has ended", seen.id)
        if seen.observed in _SEEN:
            self._backend.stop(seen.id, 0)
            return
        self._logs.keep(seen.id)
        self._backend.remove(seen.id)

    def _sighting(self, seen: Observation) -> Sighting:
        if seen.observed is not Observed.RUNNING:
            return Sighting(seen)
        return Sighting(seen, self._addresses(seen.id))

    def _addresses(self, instance: InstanceId) -> Addresses:
        snapshot = self._snapshot()
        execution = snapshot.executions.get(instance.execution_id)
        if execution is None or instance not in snapshot.instances[execution.id]:
            return ()
        ports = [port.port_number for port in service_of(execution, instance).ports]
        try:
            return tuple((port, *self._backend.address(instance, port)) for port in ports)
        except BackendError as error:
            self._log.warning("Instance %s: no address: %s", instance, error)
            return ()
