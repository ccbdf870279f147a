"""Tells the master what happens to containers: starts at once, ends with their last words."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

from zoe_core.cluster import InstanceId, Observed
from zoe_master.backends.base import BackendError, Observation, Watcher
from zoe_master.backends.docker.endings import describe_end, lacks_reason
from zoe_master.backends.docker.engine import Engine, Log
from zoe_master.backends.docker.events import OUT_OF_MEMORY, STARTED, Change
from zoe_master.backends.docker.lifecycle import Containers
from zoe_master.backends.docker.logs import Logs
from zoe_master.backends.docker.records import Record, Records
from zoe_master.backends.docker.stops import Stops

_LAST_WORDS = 30.0  # seconds for which the news of an end waits for the rest of the log
_GLANCE = 0.2  # seconds for which a full list does so; until then such a container still runs
_LATE = 0.5  # seconds for which it waits for the word that memory was the reason


class News:
    """What is told of containers, by events and by lists; see the parts it is made of.

    A container that was removed while it was looked at leaves nothing here: what is noted of it is
    taken back when its record is found to be gone.
    """

    def __init__(
        self,
        deployment: str,
        records: Records,
        containers: Containers,
        logs: Logs,
        stops: Mapping[str, Stops],
        threads: Executor,
        log: Log,
    ) -> None:
        self._deployment, self._records = deployment, records
        self._containers, self._logs, self._stops = containers, logs, stops
        self._threads, self._log = threads, log
        self._watchers: tuple[Watcher, ...] = ()
        self._ending: dict[InstanceId, float] = {}  # since when the rest of its log is awaited
        self._out_of_memory = defaultdict[InstanceId, threading.Event](threading.Event)

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Call ``watcher`` for each piece of news; returns what ends that."""
        self._watchers = (*self._watchers, watcher)

        def end() -> None:
            self._watchers = tuple(each for each in self._watchers if each is not watcher)

        return end

    def changed(self, engine: Engine, change: Change) -> None:
        """Ends are told by other threads: they wait for last words, and other news must not."""
        if change.action == OUT_OF_MEMORY:
            self._out_of_memory[change.id].set()
        elif change.action != STARTED:
            self._threads.submit(self._tell_end, engine, change.id)
        elif not self._containers.has_ended(change.id):
            self._tell(Observation(change.id, Observed.RUNNING, engine.name))

    def listed(self, engine: Engine, seen: Observation) -> Observation | None:
        """What is to be told of one that was listed; None when it is gone meanwhile."""
        return self._settle(engine, seen, _GLANCE)

    def forget(self, instance: InstanceId) -> None:
        """It was removed."""
        self._ending.pop(instance, None)
        self._out_of_memory.pop(instance, None)

    def _tell_end(self, engine: Engine, instance: InstanceId) -> None:
        try:
            end = Observation(instance, Observed.EXITED, engine.name)
            seen = self._settle(engine, end, _LAST_WORDS)
        except (BackendError, OSError) as error:
            self._log.warning("The end of %s will be seen later: %s", instance, error)
            return
        if seen is not None:
            self._tell(seen)

    def _settle(self, engine: Engine, seen: Observation, patience: float) -> Observation | None:
        """What is to be told: for an end, after its last words, with exit code and reason."""
        record = self._records.of(seen.id)
        ended = seen.observed is Observed.EXITED
        if ended and not self._containers.has_ended(seen.id):
            attributes = self._containers.inspect_ended(engine, record)
            if attributes is None or not self._follow(engine, record, seen.id):
                return None
            if not self._heard_out(seen.id, record, patience):
                return replace(seen, observed=Observed.RUNNING)
            memory = self._was_out_of_memory(seen.id, attributes, record)
            end = describe_end(attributes, record, seen.id, engine.name, out_of_memory=memory)
            self._stops[engine.name].forget(record)
            self._containers.note_end(end, record)
            return end
        if seen.observed is Observed.RUNNING and not self._follow(engine, record, seen.id):
            return None
        return self._containers.end_of(seen.id) if ended else seen

    def _heard_out(self, instance: InstanceId, record: Record, patience: float) -> bool:
        """Whether its log is whole, or has been waited for long enough."""
        since = self._ending.setdefault(instance, time.monotonic())
        whole = self._logs.wait(record, patience) or time.monotonic() - since >= _LAST_WORDS
        if whole:
            self._ending.pop(instance, None)
        return whole

    def _was_out_of_memory(
        self, instance: InstanceId, attributes: Mapping[str, Any], record: Record
    ) -> bool:
        """By what the engine noted, or by an event: one that comes after the end it does not note.

        containerd's shim learns of the two in different threads.
        """
        if attributes["State"]["OOMKilled"]:
            return True
        late = _LATE if lacks_reason(attributes["State"], record) else 0.0
        told = self._out_of_memory[instance].wait(late)
        self._out_of_memory.pop(instance, None)
        return told

    def _follow(self, engine: Engine, record: Record, instance: InstanceId) -> bool:
        """Keep its log; False when it is gone. One without a record gets a new one.

        It has none when the directory of an earlier master was lost, or when it was released while
        its engine was away; or when it was removed just now: then it must not get one for ever.
        """
        if self._logs.follows(record):
            return True
        if record.identity(self._deployment) is None:
            record.create(self._deployment, instance, engine.name)
            if not self._containers.exists(engine, record):
                record.remove()
                return False
        record.note_start()
        self._logs.follow(engine, record)
        return True

    def _tell(self, seen: Observation) -> None:
        for watcher in self._watchers:
            try:
                watcher(seen)
            except Exception:  # noqa: BLE001 -- an edge: logged, and the others are told
                self._log.exception("A watcher failed on %s of instance %s", seen.observed, seen.id)
