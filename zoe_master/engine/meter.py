"""Measures what instances use, round by round: those that somebody looks at more often.

In memory only: a new master begins anew, and an execution that has ended is forgotten.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from zoe_core.cluster import InstanceId, InstanceView, Observed, Snapshot
from zoe_core.protocol import InstanceUse, NodesUseReply, NodeUse, Use, UseReply
from zoe_core.zapp import SiteDefaults
from zoe_master.backends.base import Backend, BackendError, Usage
from zoe_master.engine.about import about
from zoe_master.engine.samples import MOST, Samples, mean
from zoe_master.engine.specs import service_of
from zoe_master.engine.turns import Turn, Turns

WATCHED_EVERY = 5.0
"""Seconds between measurements of executions that somebody asks for."""

ALL_EVERY = 15.0
"""Seconds between measurements of all others."""

WATCHED_FOR = 30.0
"""Seconds for which a question counts."""

SHARE = 0.05
"""Of one core, that the rounds of either kind may take: with many instances they become rare."""

CLOSEST = 1.0
"""Seconds between two measurements that tell how many cores are used; closer ones do not count."""

LOOK_EVERY = 1.0
"""Seconds between looks whether a round is due."""

MOST_INSTANCES = 1000
MOST_SAMPLES = 100 * MOST
"""In one answer. Of more than a hundred instances each is told with fewer samples."""


@dataclass(slots=True)
class _Pace:
    """When a round of one kind is due; ``spent``: CPU seconds of the last one."""

    every: float
    began: float = float("-inf")
    spent: float = 0.0

    def due(self, now: float) -> bool:
        return now >= self.began + max(self.every, self.spent / SHARE)

    def begin(self, now: float) -> None:
        self.began, self.spent = now, 0.0


@dataclass(slots=True)
class _Measured:
    """All that is known of one attempt; ``now`` is its newest use: bytes, and cores since before.

    ``last``: when that was (seconds since 1970), and the CPU seconds until then.
    """

    instance: InstanceId
    node: str
    samples: Samples
    last: tuple[float, float]
    now: tuple[int, float] = (0, 0.0)

    def add(self, at: float, usage: Usage) -> None:
        before, seconds = self.last
        if len(self.samples) and abs(at - before) < CLOSEST:
            return
        self.now = usage.memory, mean(usage.cpu_seconds - seconds, at - before)
        self.last = at, usage.cpu_seconds
        self.samples.add(at, usage)


class Meter:
    """``snapshot`` gives the newest committed one, ``clock`` seconds since 1970."""

    def __init__(
        self,
        *,
        backend: Backend,
        defaults: SiteDefaults,
        snapshot: Callable[[], Snapshot],
        log: logging.Logger | logging.LoggerAdapter[logging.Logger],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._backend = backend
        self._defaults = defaults
        self._snapshot = snapshot
        self._log = log
        self._clock = clock
        self._lock = threading.Lock()
        # By execution and name: of each instance the newest attempt that was measured.
        self._measured: dict[int, dict[str, _Measured]] = {}
        self._asked: dict[int, float] = {}
        self._all, self._watched = _Pace(ALL_EVERY), _Pace(WATCHED_EVERY)
        self._turns = Turns(self._measure)

    async def run(self) -> None:
        """Measure until it is cancelled."""
        try:
            while True:
                self._begin_what_is_due(time.monotonic())
                await asyncio.sleep(LOOK_EVERY)
        finally:
            self._turns.close()

    async def answer(self, request: Use) -> UseReply:
        """What the instances of an execution use and have used; none once it has ended."""
        self._look_at(request.execution_id)
        if request.newest:
            return UseReply(items=tuple(self._newest(request.execution_id)))
        return await asyncio.to_thread(self._history, request.execution_id)

    def used_by_node(self) -> dict[str, tuple[int, float]]:
        """Bytes and cores that the instances which run now were last seen to use."""
        snapshot = self._snapshot()
        used: defaultdict[str, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
        with self._lock:
            for mine in self._measured.values():
                for each in mine.values():
                    if _runs(snapshot, each.instance):
                        memory, cores = used[each.node]
                        used[each.node] = memory + each.now[0], cores + each.now[1]
        return dict(used)

    def nodes_use(self) -> NodesUseReply:
        """What is used of each node that is online; of one where nothing runs that is nothing.

        A node is left out while something has run there for ``ALL_EVERY`` and is not measured.
        """
        snapshot = self._snapshot()
        used = self.used_by_node()
        unknown = set(self._with_unmeasured(snapshot))
        known = {
            name: used.get(name, (0, 0.0))
            for name, node in snapshot.nodes.items()
            if node.online and name not in unknown
        }
        return NodesUseReply(
            items=tuple(
                NodeUse(node=name, memory=memory, cores=cores)
                for name, (memory, cores) in known.items()
            )
        )

    def _with_unmeasured(self, snapshot: Snapshot) -> Iterator[str]:
        """Nodes on which something runs that should have been measured by now."""
        since = datetime.fromtimestamp(self._clock() - ALL_EVERY, UTC)
        for each in snapshot.all_instances():
            if each.observed is not Observed.RUNNING or each.node is None:
                continue
            known = self._measured.get(each.id.execution_id, {}).get(each.id.name)
            late = each.started_at is None or each.started_at < since
            if late and (known is None or known.instance != each.id):
                yield each.node

    # --- rounds ---

    def _look_at(self, execution_id: int) -> None:
        """Somebody does: measure it at once if nobody did lately."""
        snapshot = self._snapshot()
        if execution_id not in snapshot.executions:
            return
        if execution_id not in self._asked:
            self._turns.put(_turns(snapshot.instances_of(execution_id), watched=True))
        self._asked[execution_id] = time.monotonic()

    def _begin_what_is_due(self, now: float) -> None:
        snapshot = self._snapshot()
        if self._all.due(now):
            self._all.begin(now)
            self._forget(snapshot)
            self._turns.put(_turns(snapshot.all_instances(), watched=False))
        if self._watched.due(now):
            self._watched.begin(now)
            self._asked = {each: at for each, at in self._asked.items() if now - at <= WATCHED_FOR}
            watched = (each for one in self._asked for each in snapshot.instances_of(one))
            self._turns.put(_turns(watched, watched=True))

    def _forget(self, snapshot: Snapshot) -> None:
        with self._lock:
            for each in self._measured.keys() - snapshot.executions.keys():
                del self._measured[each]

    def _measure(self, turn: Turn) -> None:
        """In a thread; what cannot be measured now is measured another time."""
        began = time.thread_time()
        try:
            usage = self._backend.usage(turn.instance)
        except (BackendError, OSError) as error:
            self._log.debug("Instance %s is not measured: %s", turn.instance, error)
        except Exception:  # noqa: BLE001 -- an edge: logged, the others go on
            if not self._turns.closed:  # after the end the back-end may be closed as well
                said = "Instance %s cannot be measured"
                self._log.exception(said, turn.instance, extra=about(turn.instance))
        else:
            if usage is not None:
                self._take_in(turn, usage)
        with self._lock:
            pace = self._watched if turn.watched else self._all
            pace.spent += time.thread_time() - began

    def _take_in(self, turn: Turn, usage: Usage) -> None:
        at, instance = self._clock(), turn.instance
        with self._lock:
            mine = self._measured.setdefault(instance.execution_id, {})
            known = mine.get(instance.name)
            if known is not None and known.instance.attempt > instance.attempt:
                return
            if known is None or known.instance != instance:
                since = at if turn.since is None else min(turn.since, at)
                known = _Measured(instance, turn.node, Samples(since), (since, 0.0))
                mine[instance.name] = known
            known.add(at, usage)

    # --- answers ---

    def _newest(self, execution_id: int) -> Iterator[InstanceUse]:
        snapshot = self._snapshot()
        with self._lock:
            mine = list(self._measured.get(execution_id, {}).values())
        running = (each for each in mine if _runs(snapshot, each.instance))
        for each in sorted(running, key=lambda each: each.instance)[:MOST_INSTANCES]:
            memory, cores = each.now
            yield InstanceUse(
                instance=each.instance.name,
                attempt=each.instance.attempt,
                at=(each.last[0],),
                memory=(memory,),
                cores=(round(cores, 4),),
            )

    def _history(self, execution_id: int) -> UseReply:
        snapshot = self._snapshot()
        execution = snapshot.executions.get(execution_id)
        if execution is None:
            return UseReply(items=())
        known = _newest_attempts(snapshot.instances_of(execution_id))[:MOST_INSTANCES]
        most = min(MOST, MOST_SAMPLES // max(1, len(known)))
        limited = self._backend.capabilities.memory_limits
        items = []
        for each in known:
            service = service_of(execution, each.id)
            limit = service.memory_limit(self._defaults) if limited else None
            items.append(self._of(each, most, limit))
        return UseReply(items=tuple(items))

    def _of(self, view: InstanceView, most: int, limit: int | None) -> InstanceUse:
        with self._lock:
            measured = self._measured.get(view.id.execution_id, {}).get(view.id.name)
            known = measured is not None and measured.instance == view.id
            samples = measured.samples.all(most) if measured is not None and known else []
        return InstanceUse(
            instance=view.id.name,
            attempt=view.id.attempt,
            reserved=view.reservation,
            memory_limit=limit,
            at=tuple(each.at for each in samples),
            memory=tuple(each.memory for each in samples),
            cores=tuple(round(each.cores, 4) for each in samples),
        )


def _turns(instances: Iterable[InstanceView], *, watched: bool) -> Iterator[Turn]:
    for each in instances:
        if each.observed is Observed.RUNNING:
            since = None if each.started_at is None else each.started_at.timestamp()
            yield Turn(each.id, each.node, since, watched)


def _runs(snapshot: Snapshot, instance: InstanceId) -> bool:
    known = snapshot.instances.get(instance.execution_id, {}).get(instance)
    return known is not None and known.observed is Observed.RUNNING


def _newest_attempts(instances: Iterable[InstanceView]) -> Sequence[InstanceView]:
    """Those that have been up, by service and index; of each the newest attempt."""
    newest: dict[str, InstanceView] = {}
    for each in sorted(instances, key=lambda each: each.id):
        if each.started_at is not None:
            newest[each.id.name] = each
    return list(newest.values())
