"""The master's loop: gather facts, step, write down, then act. One step at a time, nothing else."""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import ParamSpec, TypeVar

from zoe_core.cluster import FINAL
from zoe_master.api.publisher import Publisher
from zoe_master.engine.about import about
from zoe_master.engine.applier import Applier
from zoe_master.engine.experience import Experience
from zoe_master.engine.figures import FigureBook
from zoe_master.engine.inbox import Inbox
from zoe_master.engine.reactor import Facts, Reactor, Step
from zoe_store.checkpoints import Checkpoint, reached
from zoe_store.database import DatabaseAway
from zoe_store.master import heartbeat, load_live, read_news, write_advance, write_nodes
from zoe_store.office import Office

P = ParamSpec("P")
T = TypeVar("T")

LOOK_EVERY = 1.0
"""Seconds between looks into the database when no wake-up comes: wake-ups may be lost."""


class Loop:
    """Runs until it is cancelled; raises OutOfOffice when it may not act any longer."""

    def __init__(
        self,
        *,
        office: Office,
        inbox: Inbox,
        reactor: Reactor,
        experience: Experience,
        applier: Applier,
        publisher: Publisher,
        figures: FigureBook,
        clock: Callable[[], datetime],
        log: logging.Logger | logging.LoggerAdapter[logging.Logger],
    ) -> None:
        self._office = office
        self._inbox = inbox
        self._reactor = reactor
        self._experience = experience
        self._applier = applier
        self._publisher = publisher
        self._figures = figures
        self._clock = clock
        self._log = log
        self._in_doubt_since: datetime | None = None
        self._acted = False
        self._ending = False
        self.emptied = asyncio.Event()
        """Set once all has ended after the inbox was told to end all."""
        self._last_heartbeat = 0.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="loop")

    async def run(self) -> None:
        """Step whenever something happens, and at least every ``LOOK_EVERY`` seconds."""
        try:
            await self._step_for_ever()
        finally:
            self._thread.shutdown(wait=False)

    async def _step_for_ever(self) -> None:
        while True:
            try:
                if self._in_doubt_since is not None:
                    await self._reload(self._in_doubt_since)
                await self._cycle()
            except DatabaseAway as error:
                self._log.warning("The database is away, trying again: %s", error)
                self._in_doubt_since = self._in_doubt_since or self._clock()
            await self._inbox.wait(LOOK_EVERY)

    async def _reload(self, since: datetime) -> None:
        """Whether the step that failed then was written is unknown: only the database can tell."""
        executions, instances = await asyncio.to_thread(load_live, self._office)
        before = self._reactor.snapshot
        left = {each.id for each in executions}
        ended = (each for each in before.executions.values() if each.id not in left)
        self._experience.learn(ended, since)
        foreseen = self._experience.foreseen(executions, before.quotas)
        self._reactor.reload(foreseen, instances)
        self._in_doubt_since, self._acted = None, False

    async def _cycle(self) -> None:
        facts = self._inbox.take()
        try:
            step = await self._in_own_thread(self._read_and_step, facts)
            newest = await self._in_own_thread(self._write, step, facts)
        except BaseException:
            self._inbox.put_back(facts)
            raise
        self._figures.count(self._reactor.snapshot, step)
        self._reactor.commit(step)
        self._tell(step)
        views = step.advance.executions.values()
        self._experience.learn((each for each in views if each.status in FINAL), self._clock())
        if facts.end_all is not None:
            self._ending = True
        if self._ending and not self._reactor.busy:
            self.emptied.set()
        if newest:
            self._publisher.publish(newest)
        self._act(step, facts)
        if facts.news.more:
            self._inbox.wake()

    def _tell(self, step: Step) -> None:
        """A line for each move of an execution; its reason may be a program's words: not here."""
        for each in step.advance.events:
            if each.kind == "status":
                old, new = each.data["from"], each.data["to"]
                extra = about(each.execution_id)
                self._log.info("Execution %d: %s -> %s", each.execution_id, old, new, extra=extra)

    def _act(self, step: Step, facts: Facts) -> None:
        """On what the step touched; on all after the state was read from the database.

        Never before a step has taken in the facts: what the last master started may be among them.
        """
        if facts.listed is not None:
            self._applier.doubt(facts.listed)
        others = () if self._acted else step.snapshot.executions
        self._applier.look(step.snapshot, {*step.touched, *others})
        self._acted = True

    async def _in_own_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Readers of logs fill the common threads; the loop does not queue behind them."""
        call = functools.partial(work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def _read_and_step(self, facts: Facts) -> Step:
        news = read_news(self._office)
        submitted = self._experience.foreseen(news.submitted, news.rules.quotas)
        facts.news = replace(news, submitted=submitted)
        return self._reactor.step(facts, self._clock())

    def _write(self, step: Step, facts: Facts) -> int:
        now = self._clock()
        newest = 0
        if step.advance or step.handled:
            reached(Checkpoint.STEP_DECIDED)
            newest = write_advance(self._office, step.advance, step.handled, now)
            reached(Checkpoint.STEP_WRITTEN)
        if facts.nodes is not None:
            write_nodes(self._office, facts.nodes, now)
        self._beat(time.monotonic())
        return newest

    def _beat(self, now: float) -> None:
        if now - self._last_heartbeat >= LOOK_EVERY:
            heartbeat(self._office)
            self._last_heartbeat = now
