"""Keeps the master's view in step with the back-end: changes as they come, and the full list."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime

from zoe_core.cluster import FINAL, ExecutionStatus, InstanceId, Node, Observed, Snapshot
from zoe_master.backends.base import Backend, BackendError, Observation
from zoe_master.engine.inbox import Inbox
from zoe_master.engine.logs import LogKeeper
from zoe_master.engine.reactor import Addresses, Sighting
from zoe_master.engine.specs import service_of
from zoe_store.cluster import Stranger
from zoe_store.database import DatabaseAway
from zoe_store.master import statuses_of, write_strangers
from zoe_store.office import Office

_SEEN = (Observed.CREATING, Observed.RUNNING)


class Observer:
    """Turns what the back-end shows into facts; ``snapshot`` gives the newest committed one."""

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
        self._strangers: list[Stranger] | None = None  # what an earlier master noted is unknown

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
        began = time.monotonic()
        # Taken first: an instance that starts while the list is made is not missed from it.
        expected = [each for each in self._snapshot().all_instances() if each.observed in _SEEN]
        nodes = self._backend.nodes()
        known = self._snapshot().nodes
        # What is offline is known before the loss of what was there, which comes again elsewhere.
        # What comes back is known last: what was lost with it is asked to end before anything new
        # goes there.
        there = {name for name, each in known.items() if each.online}
        self._inbox.saw_nodes([_offline(each, each.name not in there) for each in nodes])
        listed = {seen.id: seen for seen in self._backend.observations()}
        self._inbox.saw_list(
            began,
            *(self._sighting(seen) for seen in listed.values()),
            *(
                Sighting(Observation(each.id, Observed.LOST, each.node))
                for each in expected
                if each.id not in listed
            ),
        )
        unsafe = self._tidy(listed.values())
        self._inbox.saw_nodes([_offline(each, each.name in unsafe) for each in nodes])

    def _tidy(self, listed: Collection[Observation]) -> set[str]:
        """Remove what an ended execution left, and note what nothing explains.

        The answer are the nodes on which something runs that could not be asked to end.
        """
        # Younger than the list: whatever was started from it is in it.
        snapshot = self._snapshot()
        strays = [
            seen
            for seen in listed
            if seen.id not in snapshot.instances.get(seen.id.execution_id, {})
        ]
        ids = {seen.id.execution_id for seen in strays}
        statuses = statuses_of(self._office, list(ids)) if strays else {}
        strangers = []
        for seen in strays:
            status = statuses.get(seen.id.execution_id)
            if status in FINAL:
                self._try(self._remove, seen)
            else:
                strangers.append(Stranger(seen.id, seen.node, seen.observed, _why(seen.id, status)))
        if strangers != self._strangers:
            self._note(strangers)
        back = [seen for seen in listed if _came_back(seen, snapshot)]
        return {seen.node for seen in back if not self._try(self._end, seen)}

    def _try(self, act: Callable[[Observation], None], seen: Observation) -> bool:
        """Whether it succeeded; if not, the next list leads to it again, and others go on."""
        try:
            act(seen)
        except (BackendError, OSError) as error:
            self._log.warning("Instance %s: trying again later: %s", seen.id, error)
            return False
        return True

    def _end(self, seen: Observation) -> None:
        self._office.require()
        self._log.info("Ending instance %s: it was lost, and has come back", seen.id)
        self._backend.stop(seen.id, 0)

    def _note(self, strangers: list[Stranger]) -> None:
        """They are left alone, and listed for the administrator, who is told once."""
        new = set(write_strangers(self._office, strangers, datetime.now(UTC)))
        self._strangers = strangers
        for each in strangers:
            if each.id in new:
                self._log.warning(
                    "Instance %s on %s is left alone: %s", each.id, each.node, each.why
                )

    def _remove(self, seen: Observation) -> None:
        """Stop it now; a later list finds it gone and removes the rest."""
        self._office.require()
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


def _came_back(seen: Observation, snapshot: Snapshot) -> bool:
    """It was lost, and is back, with its node perhaps: its successor has its place."""
    known = snapshot.instances.get(seen.id.execution_id, {}).get(seen.id)
    return known is not None and known.observed is Observed.LOST and seen.observed in _SEEN


def _offline(node: Node, offline: bool) -> Node:
    return replace(node, online=False) if offline and node.online else node


def _why(instance: InstanceId, status: ExecutionStatus | None) -> str:
    if status is None:
        return f"The database knows no execution {instance.execution_id}."
    return f"Execution {instance.execution_id} is {status}, and knows nothing of this attempt."
