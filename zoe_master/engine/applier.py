"""Makes the committed state true on the back-end: one task for each execution that needs it.

Effects follow from the snapshot alone (``zoe_core.scheduling.effects``), are idempotent by
identity, and happen after the state that asks for them was committed: a crash only repeats them.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from zoe_core.cluster import Desired, InstanceId, InstanceView, Observed, Snapshot
from zoe_core.scheduling import Effects, effects
from zoe_master.backends.base import Backend, BackendError, Fatal, Observation
from zoe_master.engine.inbox import Inbox
from zoe_master.engine.logs import LogKeeper
from zoe_master.engine.reactor import Sighting
from zoe_master.engine.specs import SpecMaker
from zoe_store.database import DatabaseAway

RETRY_DELAYS = (0.2, 1.0, 5.0)
"""Seconds between tries of an effect that met a passing fault; the last one repeats."""

Mark = tuple[str, InstanceId | None]


class Applier:
    """Starts, stops and cleans up; reports what it did to the inbox.

    ``secrets`` reads the launch secrets of an execution; it blocks. ``grace`` is how many seconds
    an instance has to end by itself; ``threads`` bounds the effects under way at once.
    """

    def __init__(
        self,
        *,
        backend: Backend,
        inbox: Inbox,
        logs: LogKeeper,
        specs: SpecMaker,
        secrets: Callable[[int], dict[str, str]],
        grace: float,
        threads: int,
        log: logging.Logger | logging.LoggerAdapter[logging.Logger],
    ) -> None:
        self._backend = backend
        self._inbox = inbox
        self._logs = logs
        self._specs = specs
        self._secrets = secrets
        self._grace = grace
        self._log = log
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="applier")
        self._snapshot = Snapshot({}, {}, {})
        self._tasks: dict[int, asyncio.Task[None]] = {}
        # Effects already made, by execution: the snapshot shows them only some steps later.
        self._made: dict[int, set[Mark]] = {}

    def look(self, snapshot: Snapshot, execution_ids: Iterable[int]) -> None:
        """A new committed state: see to these executions."""
        self._snapshot = snapshot
        for execution_id in execution_ids:
            if execution_id not in snapshot.executions:
                self._made.pop(execution_id, None)
            elif execution_id not in self._tasks and self._todo(execution_id):
                self._tasks[execution_id] = asyncio.create_task(self._run(execution_id))

    async def close(self) -> None:
        """Give up all tasks; effects under way in threads are waited for."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self._pool.shutdown)

    async def _run(self, execution_id: int) -> None:
        """Make effects until none is left; nothing slips in between the last look and the end."""
        tries = 0
        try:
            while todo := self._todo(execution_id):
                delay = RETRY_DELAYS[min(tries, len(RETRY_DELAYS) - 1)]
                try:
                    await self._make(execution_id, todo)
                    tries = 0
                    continue
                except (BackendError, DatabaseAway) as error:
                    self._log.warning(
                        "Execution %d: trying again in %g s: %s", execution_id, delay, error
                    )
                except Exception:  # noqa: BLE001 -- an edge: logged, and tried again
                    self._log.exception(
                        "Execution %d: an effect failed unexpectedly, trying again in %g s",
                        execution_id,
                        delay,
                    )
                tries += 1
                await asyncio.sleep(delay)
        finally:
            del self._tasks[execution_id]

    def _todo(self, execution_id: int) -> Effects:
        """The effects that are wanted and not made yet."""
        execution = self._snapshot.executions.get(execution_id)
        if execution is None:
            return Effects()
        wanted = effects(execution, tuple(self._snapshot.instances_of(execution_id)))
        made = self._made.get(execution_id, set())
        return Effects(
            start=tuple(each for each in wanted.start if ("start", each.id) not in made),
            stop=tuple(each for each in wanted.stop if ("stop", each.id) not in made),
            clean=wanted.clean and ("clean", None) not in made,
        )

    async def _make(self, execution_id: int, todo: Effects) -> None:
        """Make the next effects; services start in turn, the instances of one together."""
        if todo.stop:
            await self._together(self._stop, todo.stop)
        elif todo.start:
            _, group = next(itertools.groupby(todo.start, key=lambda each: each.id.service))
            first = tuple(group)
            try:
                await self._in_thread(self._backend.prepare, execution_id)
            except Fatal as error:
                for each in first:
                    self._could_not_start(each, error)
            else:
                await self._together(self._start, first)
        else:
            await self._in_thread(self._clean, execution_id)

    async def _together(
        self, effect: Callable[[InstanceView], None], instances: Sequence[InstanceView]
    ) -> None:
        results = await asyncio.gather(
            *(self._in_thread(effect, each) for each in instances), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _in_thread(self, effect: Callable[..., None], *arguments: object) -> None:
        await asyncio.get_running_loop().run_in_executor(self._pool, effect, *arguments)

    def _mark(self, execution_id: int, effect: str, instance: InstanceId | None) -> None:
        self._made.setdefault(execution_id, set()).add((effect, instance))

    # --- effects; these run in threads ---

    def _start(self, instance: InstanceView) -> None:
        execution_id = instance.id.execution_id
        execution = self._snapshot.executions.get(execution_id)
        if execution is None or not self._still_wanted(instance):
            return
        try:
            spec = self._specs.make(execution, instance, self._secrets(execution_id))
            self._backend.start(spec)
        except Fatal as error:
            self._could_not_start(instance, error)
        else:
            self._saw(instance, Observed.CREATING)
            self._mark(execution_id, "start", instance.id)

    def _still_wanted(self, instance: InstanceView) -> bool:
        """It may have been given up while its start waited for a thread."""
        newest = self._snapshot.instances.get(instance.id.execution_id, {}).get(instance.id)
        return newest is not None and newest.desired is Desired.PRESENT

    def _could_not_start(self, instance: InstanceView, error: Fatal) -> None:
        self._log.warning("Instance %s could not be started: %s", instance.id, error)
        self._saw(instance, Observed.LOST, str(error))
        self._mark(instance.id.execution_id, "start", instance.id)

    def _stop(self, instance: InstanceView) -> None:
        self._backend.stop(instance.id, self._grace)
        self._mark(instance.id.execution_id, "stop", instance.id)

    def _clean(self, execution_id: int) -> None:
        for instance in self._snapshot.instances_of(execution_id):
            self._logs.keep(instance.id)
            self._backend.remove(instance.id)
        self._backend.release(execution_id)
        self._mark(execution_id, "clean", None)
        self._inbox.cleaned(execution_id)

    def _saw(self, instance: InstanceView, observed: Observed, detail: str | None = None) -> None:
        self._inbox.saw(Sighting(Observation(instance.id, observed, instance.node, detail=detail)))
