"""Makes the committed state true on the back-end.

Effects follow from the snapshot alone (``zoe_core.scheduling.lifecycle.effects``), are idempotent
by identity, and happen after the state that asks for them was committed: a crash only repeats them.
Each runs by itself, so that one that hangs or is tried again holds up no other.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from signal import Signals

from zoe_core.cluster import Desired, InstanceId, InstanceView, Observed, Snapshot
from zoe_core.scheduling import Effects, Stop, effects
from zoe_master.backends.base import Backend, BackendError, Fatal, Observation
from zoe_master.engine.about import about
from zoe_master.engine.figures import FigureBook
from zoe_master.engine.inbox import Inbox
from zoe_master.engine.logs import LogKeeper
from zoe_master.engine.reactor import Sighting
from zoe_master.engine.specs import SpecMaker
from zoe_store.checkpoints import Checkpoint, reached
from zoe_store.database import DatabaseAway
from zoe_store.office import OutOfOffice

RETRY_DELAYS = (0.2, 1.0, 5.0)
"""Seconds between tries of an effect that met a passing fault; the last one repeats."""

ENDS_WITHIN = 5.0
"""Seconds for effects under way to return at the end of a term of office.

Far longer than those take that return at all, and shorter than a successor waits for the back-end.
"""

Key = tuple[str, InstanceId | None]
"""What makes an effect the same one within its execution: ``("stop", instance)``."""


class Hanging(Exception):
    """A call of the back-end does not return; only the end of the process ends it."""


class NotWanted(Exception):
    """There was nothing to do any more when an effect had its turn."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One call of the back-end; ``act`` blocks."""

    key: Key
    pool: ThreadPoolExecutor
    act: Callable[[], None]


@dataclass(slots=True)
class Progress:
    """How far the effects of one execution are; the snapshot shows them only some steps later.

    ``made`` says when each was made, ``failed`` when it failed last, so that nobody knows what came
    of it (``time.monotonic``); ``tries`` is how often it failed.
    """

    made: dict[Key, float] = field(default_factory=dict)
    failed: dict[Key, float] = field(default_factory=dict)
    under_way: set[Key] = field(default_factory=set)
    pausing: set[Key] = field(default_factory=set)
    tries: dict[Key, int] = field(default_factory=dict)


class Applier:
    """Starts, stops and cleans up; reports what it did to the inbox.

    ``require`` raises OutOfOffice when this master may not act; it is asked before each effect.
    ``secrets`` reads the launch secrets of an execution; it blocks. ``grace`` is how many seconds
    an instance has to end by itself, unless its effect says how many; ``threads`` bounds the starts
    under way at once, and the stops, which never queue behind starts.
    """

    def __init__(
        self,
        *,
        backend: Backend,
        inbox: Inbox,
        logs: LogKeeper,
        specs: SpecMaker,
        require: Callable[[], None],
        secrets: Callable[[int], dict[str, str]],
        grace: float,
        threads: int,
        figures: FigureBook,
        log: logging.Logger | logging.LoggerAdapter[logging.Logger],
    ) -> None:
        self._backend = backend
        self._inbox = inbox
        self._logs = logs
        self._specs = specs
        self._require = require
        self._secrets = secrets
        self._grace = grace
        self._figures = figures
        self._log = log
        self._starting = ThreadPoolExecutor(threads, thread_name_prefix="starting")
        self._ending = ThreadPoolExecutor(threads, thread_name_prefix="ending")
        self._snapshot = Snapshot({}, {}, {})
        self._progress: dict[int, Progress] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._calls: dict[Future[None], Key] = {}
        self._closed_at: float | None = None
        self._listed = self._looked_after = 0.0

    def look(self, snapshot: Snapshot, execution_ids: Iterable[int]) -> None:
        """A new committed state: see to these executions."""
        self._snapshot = snapshot
        doubted: Iterable[int] = ()
        if self._looked_after < self._listed:
            self._looked_after = self._listed
            doubted = list(self._progress)
        for execution_id in {*execution_ids, *doubted}:
            self._see_to(execution_id)

    def doubt(self, since: float) -> None:
        """The next snapshot takes in a full list that was begun then (``time.monotonic``).

        That shows what was made before. If the snapshot still wants an effect, it was in vain, and
        is made again.
        """
        self._listed = since

    async def close(self) -> None:
        """Drop what has not begun, and wait for what is under way. Raises Hanging."""
        self._closed_at = self._closed_at or time.monotonic()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for pool in (self._starting, self._ending):
            pool.shutdown(wait=False)
        left = max(0.0, self._closed_at + ENDS_WITHIN - time.monotonic())
        calls = dict(self._calls)
        late = (await asyncio.to_thread(wait, calls, left)).not_done
        if late:
            names = ", ".join(_name(calls[each]) for each in late)
            raise Hanging(f"Calls of the back-end do not return: {names}")

    def _see_to(self, execution_id: int) -> None:
        """Begin all effects that can be begun now."""
        progress = self._progress.setdefault(execution_id, Progress())
        execution = self._snapshot.executions.get(execution_id)
        if execution is not None:
            wanted = effects(execution, tuple(self._snapshot.instances_of(execution_id)))
            self._give_up(wanted.given_up, progress)
            for effect in self._left(execution_id, progress, wanted):
                self._begin(execution_id, progress, effect)
        elif not progress.under_way:
            del self._progress[execution_id]

    def _begin(self, execution_id: int, progress: Progress, effect: Effect) -> None:
        busy = effect.key in progress.under_way | progress.pausing
        if self._closed_at is None and not busy:
            progress.under_way.add(effect.key)
            task = asyncio.create_task(self._make(execution_id, progress, effect))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _give_up(self, instances: Iterable[InstanceView], progress: Progress) -> None:
        """Report those of which nothing will come: their room is free from now on."""
        for each in instances:
            if not self._may_come(progress, ("start", each.id)):
                self._saw(each, Observed.LOST)

    def _may_come(self, progress: Progress, start: Key) -> bool:
        """Whether it may be there unseen: until a full list that was begun after its start.

        What was begun in an earlier term of office shows in the list with which this one begins.
        """
        last = max(progress.made.get(start, -1.0), progress.failed.get(start, -1.0))
        return start in progress.under_way or last >= self._listed

    def _left(self, execution_id: int, progress: Progress, wanted: Effects) -> Iterator[Effect]:
        """What is wanted and not made yet; services start in turn, the instances of one together.

        While anything is under way nobody can say that nothing is left: only then clean up.
        """
        for each in wanted.stop:
            key = (_verb(each), each.id)
            if not self._made(progress, key):
                yield Effect(key, self._ending, partial(self._stop, each))
        yield from self._starts(execution_id, progress, wanted.start)
        if wanted.clean and not progress.under_way and not self._made(progress, ("clean", None)):
            yield Effect(("clean", None), self._ending, partial(self._clean, execution_id))

    def _starts(
        self, execution_id: int, progress: Progress, wanted: Sequence[InstanceView]
    ) -> Iterator[Effect]:
        left = [each for each in wanted if not self._made(progress, ("start", each.id))]
        # Not again while a start is under way: it was made before that, and if it failed now, that
        # start would count as lost.
        idle = not any(("start", each.id) in progress.under_way for each in left)
        if left and idle and not self._made(progress, ("prepare", None)):
            yield Effect(("prepare", None), self._starting, partial(self._prepare, execution_id))
            return
        for _, group in itertools.islice(itertools.groupby(left, lambda each: each.id.service), 1):
            for each in group:
                yield Effect(("start", each.id), self._starting, partial(self._start, each))

    def _made(self, progress: Progress, key: Key) -> bool:
        return progress.made.get(key, -1.0) >= self._listed

    async def _make(self, execution_id: int, progress: Progress, effect: Effect) -> None:
        call = effect.pool.submit(self._act, effect)
        self._calls[call] = effect.key
        call.add_done_callback(self._calls.pop)
        try:
            await asyncio.wrap_future(call)
        except OutOfOffice:
            return
        except NotWanted:
            pass  # nothing was made, so nothing will turn up
        except Exception as error:  # noqa: BLE001 -- an edge: logged, and tried again
            self._pause(execution_id, progress, effect, error)
        else:
            self._log.info(
                "Execution %d: %s",
                execution_id,
                _name(effect.key),
                extra=_about(execution_id, effect),
            )
            progress.tries.pop(effect.key, None)
            progress.made[effect.key] = time.monotonic()
        progress.under_way.discard(effect.key)
        self._see_to(execution_id)

    def _act(self, effect: Effect) -> None:
        """In a thread: it may have waited long for that."""
        self._require()
        effect.act()

    def _pause(
        self, execution_id: int, progress: Progress, effect: Effect, error: Exception
    ) -> None:
        """It has failed: try again after a while."""
        tries = progress.tries.get(effect.key, 0)
        delay = RETRY_DELAYS[min(tries, len(RETRY_DELAYS) - 1)]
        self._tell(execution_id, effect, error, delay)
        progress.tries[effect.key] = tries + 1
        progress.failed[effect.key] = time.monotonic()
        progress.pausing.add(effect.key)
        asyncio.get_running_loop().call_later(
            delay, self._resume, execution_id, progress, effect.key
        )

    def _resume(self, execution_id: int, progress: Progress, key: Key) -> None:
        progress.pausing.discard(key)
        self._see_to(execution_id)

    def _tell(self, execution_id: int, effect: Effect, error: Exception, delay: float) -> None:
        expected = isinstance(error, BackendError | DatabaseAway)
        self._figures.failed_call(effect.key[0])
        self._log.warning(
            "Execution %d: %s failed%s, trying again in %g s: %s",
            execution_id,
            _name(effect.key),
            "" if expected else " unexpectedly",
            delay,
            error,
            exc_info=None if expected else error,
            extra=_about(execution_id, effect),
        )

    # --- effects; these run in threads ---

    def _prepare(self, execution_id: int) -> None:
        try:
            self._backend.prepare(execution_id)
        except Fatal as error:
            for each in self._snapshot.instances_of(execution_id):
                if each.desired is Desired.PRESENT and each.observed is Observed.NONE:
                    self._could_not_start(each, error)
            raise
        reached(Checkpoint.APPLY_PREPARED)

    def _start(self, instance: InstanceView) -> None:
        execution_id = instance.id.execution_id
        execution = self._snapshot.executions.get(execution_id)
        if execution is None or not self._still_wanted(instance):
            raise NotWanted
        try:
            spec = self._specs.make(execution, instance, self._secrets)
            self._backend.start(spec)
        except Fatal as error:
            self._could_not_start(instance, error)
        else:
            reached(Checkpoint.APPLY_STARTED)
            self._saw(instance, Observed.CREATING)

    def _still_wanted(self, instance: InstanceView) -> bool:
        """It may have been given up while its start waited for a thread."""
        newest = self._snapshot.instances.get(instance.id.execution_id, {}).get(instance.id)
        return newest is not None and newest.desired is Desired.PRESENT

    def _could_not_start(self, instance: InstanceView, error: Fatal) -> None:
        self._figures.failed_call("start")
        self._log.warning(
            "Instance %s could not be started: %s", instance.id, error, extra=about(instance.id)
        )
        self._saw(instance, Observed.LOST, str(error))

    def _stop(self, stop: Stop) -> None:
        grace = self._grace if stop.grace is None else stop.grace
        self._backend.stop(stop.id, grace, Signals[stop.signal])
        reached(Checkpoint.APPLY_STOPPED)

    def _clean(self, execution_id: int) -> None:
        for instance in self._snapshot.instances_of(execution_id):
            self._logs.keep(instance.id)
            reached(Checkpoint.APPLY_LOG_KEPT)
            self._require()
            self._backend.remove(instance.id)
            reached(Checkpoint.APPLY_REMOVED)
        self._require()
        self._backend.release(execution_id)
        reached(Checkpoint.APPLY_RELEASED)
        self._inbox.cleaned(execution_id)

    def _saw(self, instance: InstanceView, observed: Observed, detail: str | None = None) -> None:
        self._inbox.saw(Sighting(Observation(instance.id, observed, instance.node, detail=detail)))


def _verb(stop: Stop) -> str:
    """To take back and to stop are two effects: the execution may end while one is leaving."""
    return "stop" if stop.grace is None else "take back"


def _about(execution_id: int, effect: Effect) -> dict[str, int | str]:
    return about(effect.key[1] or execution_id)


def _name(key: Key) -> str:
    return f"{key[0]} {key[1] or ''}".strip()
