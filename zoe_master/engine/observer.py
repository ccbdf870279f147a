"""Keeps the master's view in step with the back-end: changes as they come, and the full list."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from zoe_core.cluster import FINAL, ExecutionStatus, InstanceId, Node, Observed, Snapshot
from zoe_master.backends.base import Backend, BackendError, Observation
from zoe_master.engine.about import about
from zoe_master.engine.inbox import Inbox
from zoe_master.engine.last_words import TAIL, last_line
from zoe_master.engine.logs import LogKeeper
from zoe_master.engine.reactor import Addresses, Sighting
from zoe_master.engine.specs import service_of
from zoe_store.cluster import Stranger
from zoe_store.database import DatabaseAway
from zoe_store.master import statuses_of, write_strangers
from zoe_store.office import Office

_Thing = TypeVar("_Thing", Observation, int)
_NO_LIST = datetime.fromtimestamp(0, UTC)
_SEEN = (Observed.CREATING, Observed.RUNNING)


@dataclass(frozen=True, slots=True)
class Unsettled:
    """What the last full list has left open of executions that have ended.

    ``executions`` still have something on the back-end; so may any on the nodes that are ``away``,
    and any that has ended since ``listed_at``: its node may have gone away right before that.
    """

    executions: frozenset[int] = frozenset()
    away: frozenset[str] = frozenset()
    listed_at: datetime = _NO_LIST


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
        self._reached: dict[InstanceId, Addresses] = {}  # of what runs: they stay the same
        self.unsettled = Unsettled()

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
        began, listed_at = time.monotonic(), datetime.now(UTC)
        # Taken first: an instance that starts while the list is made is not missed from it.
        expected = [each for each in self._snapshot().all_instances() if each.observed in _SEEN]
        nodes = self._backend.nodes()
        known = self._snapshot().nodes
        away = frozenset(each.name for each in nodes if not each.online)
        # Known before what was there is lost, and may end for that.
        self.unsettled = replace(self.unsettled, away=self.unsettled.away | away)
        # What is offline is known before the loss of what was there, which comes again elsewhere.
        # What comes back is known last: what was lost with it is asked to end before anything new
        # goes there.
        there = {name for name, each in known.items() if each.online}
        self._inbox.saw_nodes([_offline(each, each.name not in there) for each in nodes])
        listed = {seen.id: seen for seen in self._backend.observations()}
        lost = [
            Observation(each.id, Observed.LOST, each.node)
            for each in expected
            if each.id not in listed
        ]
        self._inbox.saw_list(began, *map(self._sighting, listed.values()), *map(Sighting, lost))
        for gone in [each for each in list(self._reached) if each not in listed]:
            self._reached.pop(gone, None)
        unsafe = self._tidy(listed.values())
        ids = {each.execution_id for each in listed}
        left = (ids | self._release(ids)) - self._snapshot().executions.keys()
        self.unsettled = Unsettled(frozenset(left), away, listed_at)
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
                why = unexplained(seen.id.execution_id, status)
                strangers.append(Stranger(seen.id, seen.node, seen.observed, why))
        if strangers != self._strangers:
            self._note(strangers)
        back = [seen for seen in listed if _came_back(seen, snapshot)]
        return {seen.node for seen in back if not self._try(self._end, seen)}

    def _release(self, listed: Collection[int]) -> set[int]:
        """What instances leave goes once none is listed any more: their network, their records.

        An execution releases all that by itself when it ends; but not where its node was away. The
        answer are all executions that something was left of.
        """
        found = set(self._backend.remains())
        snapshot = self._snapshot()  # younger than what was found
        strays = found - snapshot.executions.keys() - set(listed)
        statuses = statuses_of(self._office, sorted(strays)) if strays else {}
        for execution_id in sorted(strays):
            if statuses.get(execution_id) in FINAL:
                self._try(self._release_one, execution_id)
        return found

    def _release_one(self, execution_id: int) -> None:
        self._office.require()
        said = "Releasing what execution %d has left"
        self._log.info(said, execution_id, extra=about(execution_id))
        self._backend.release(execution_id)

    def _try(self, act: Callable[[_Thing], None], thing: _Thing) -> bool:
        """Whether it succeeded; if not, the next list leads to it again, and others go on."""
        try:
            act(thing)
        except (BackendError, OSError) as error:
            told = about(thing if isinstance(thing, int) else thing.id)
            self._log.warning("%s: trying again later: %s", _name(thing), error, extra=told)
            return False
        return True

    def _end(self, seen: Observation) -> None:
        self._office.require()
        said = "Ending instance %s: it was lost, and has come back"
        self._log.info(said, seen.id, extra=about(seen.id))
        self._backend.stop(seen.id, 0)

    def _note(self, strangers: list[Stranger]) -> None:
        """They are left alone, and listed for the administrator, who is told once."""
        new = set(write_strangers(self._office, strangers, datetime.now(UTC)))
        self._strangers = strangers
        for each in strangers:
            if each.id in new:
                said = "Instance %s on %s is left alone: %s"
                self._log.warning(said, each.id, each.node, each.why, extra=about(each.id))

    def _remove(self, seen: Observation) -> None:
        """Stop it now; a later list finds it gone and removes the rest."""
        self._office.require()
        said = "Removing instance %s: its execution has ended"
        self._log.info(said, seen.id, extra=about(seen.id))
        if seen.observed in _SEEN:
            self._backend.stop(seen.id, 0)
            return
        self._logs.keep(seen.id)
        self._backend.remove(seen.id)

    def _sighting(self, seen: Observation) -> Sighting:
        if seen.observed is not Observed.RUNNING:
            self._reached.pop(seen.id, None)
            return Sighting(self._explained(seen))
        addresses = self._reached.get(seen.id) or self._addresses(seen.id)
        if addresses:
            self._reached[seen.id] = addresses
        return Sighting(seen, addresses)

    def _explained(self, seen: Observation) -> Observation:
        """With the reason of a failure that the back-end knows none of: its own last words."""
        failed = seen.observed is Observed.EXITED and (seen.exit_code or 0) > 0
        if not failed or seen.detail or self._has_secrets(seen.id):
            return seen
        try:
            start = max(0, self._logs.size(seen.id) - TAIL)
            said = last_line(self._logs.read(seen.id, start, TAIL))
        except (BackendError, OSError) as error:
            told = about(seen.id)
            self._log.warning("Instance %s: no last words: %s", seen.id, error, extra=told)
            return seen
        if not said:
            return seen
        return replace(seen, detail=f"exit code {seen.exit_code}; it last said: {said}")

    def _has_secrets(self, instance: InstanceId) -> bool:
        """Whether it may say what must not stay: a Jupyter server, or one that nothing explains."""
        execution = self._snapshot().executions.get(instance.execution_id)
        if execution is None:
            return True
        return service_of(execution, instance).name == execution.zapp.hub_server

    def _addresses(self, instance: InstanceId) -> Addresses:
        snapshot = self._snapshot()
        execution = snapshot.executions.get(instance.execution_id)
        if execution is None or instance not in snapshot.instances[execution.id]:
            return ()
        ports = [port.port_number for port in service_of(execution, instance).ports]
        try:
            return tuple((port, *self._backend.address(instance, port)) for port in ports)
        except (BackendError, OSError) as error:
            told = about(instance)
            self._log.warning("Instance %s: no address: %s", instance, error, extra=told)
            return ()


def _came_back(seen: Observation, snapshot: Snapshot) -> bool:
    """It was lost, and is back, with its node perhaps: its successor has its place."""
    known = snapshot.instances.get(seen.id.execution_id, {}).get(seen.id)
    return known is not None and known.observed is Observed.LOST and seen.observed in _SEEN


def _name(thing: Observation | int) -> str:
    return f"Execution {thing}" if isinstance(thing, int) else f"Instance {thing.id}"


def _offline(node: Node, offline: bool) -> Node:
    return replace(node, online=False) if offline and node.online else node


def unexplained(execution_id: int, status: ExecutionStatus | None) -> str:
    """Why something that bears the name of an execution of that status is a stranger."""
    if status is None:
        return f"The database knows no execution {execution_id}."
    return f"Execution {execution_id} is {status}, and knows nothing of this attempt."
