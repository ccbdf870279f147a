"""What runs during one term of office, and how it hangs together."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from zoe_core.cluster import Snapshot
from zoe_core.scheduling import Plan, SchedulingSettings, StartRules
from zoe_core.zapp import SiteDefaults
from zoe_master.api.front import Front
from zoe_master.api.sockets import Sockets
from zoe_master.backends.base import Backend
from zoe_master.engine.applier import Applier
from zoe_master.engine.estimator import Estimator
from zoe_master.engine.examiner import Examiner
from zoe_master.engine.figures import FigureBook
from zoe_master.engine.inbox import Inbox
from zoe_master.engine.logs import LogKeeper
from zoe_master.engine.loop import Loop
from zoe_master.engine.meter import Meter
from zoe_master.engine.observer import Observer
from zoe_master.engine.purger import Purger
from zoe_master.engine.recollection import recollect
from zoe_master.engine.specs import SpecMaker
from zoe_store.master import secrets_of
from zoe_store.office import Office


@dataclass(frozen=True, slots=True)
class Site:
    """What the administrator chose; ``grace`` is in seconds, as for the ``Applier``."""

    settings: SchedulingSettings
    rules: StartRules
    defaults: SiteDefaults
    portal_path: str
    grace: float
    threads: int


@dataclass(frozen=True, slots=True)
class Parts:
    """What runs during one term of office."""

    sockets: Sockets
    inbox: Inbox
    applier: Applier
    observer: Observer
    estimator: Estimator
    meter: Meter
    front: Front
    loop: Loop
    purger: Purger


async def compose(
    site: Site,
    *,
    office: Office,
    backend: Backend,
    sockets: Sockets,
    logs: LogKeeper,
    stack: AsyncExitStack,
    log: logging.Logger | logging.LoggerAdapter[logging.Logger],
) -> Parts:
    """Put them together; ``stack`` closes them."""
    reactor, experience = await asyncio.to_thread(recollect, office, site.settings, site.rules)
    log.info("Going on with %d executions", len(reactor.snapshot.executions))

    def snapshot() -> Snapshot:
        return reactor.snapshot

    def state() -> tuple[Snapshot, Plan]:
        return reactor.snapshot, reactor.plan

    inbox = Inbox()
    meter = Meter(backend=backend, defaults=site.defaults, snapshot=snapshot, log=log)
    figures = FigureBook(meter)
    applier = Applier(
        backend=backend,
        inbox=inbox,
        logs=logs,
        specs=SpecMaker(backend, site.defaults, site.portal_path),
        require=office.require,
        secrets=lambda execution_id: secrets_of(office, execution_id),
        grace=site.grace,
        threads=site.threads,
        figures=figures,
        log=log,
    )
    stack.push_async_callback(applier.close)
    observer = Observer(
        backend=backend, inbox=inbox, logs=logs, office=office, snapshot=snapshot, log=log
    )
    estimator = Estimator(
        settings=site.settings,
        rules=site.rules,
        experience=experience,
        office=office,
        state=state,
        clock=_utc_now,
        log=log,
    )
    stack.callback(estimator.close)
    front = Front(
        sockets=sockets,
        inbox=inbox,
        logs=logs,
        estimator=estimator,
        examiner=Examiner(backend, office, snapshot),
        meter=meter,
        figures=figures,
        epoch=office.epoch,
        state=state,
        log=log,
    )
    loop = Loop(
        office=office,
        inbox=inbox,
        reactor=reactor,
        experience=experience,
        applier=applier,
        publisher=front.publisher,
        figures=figures,
        clock=_utc_now,
        log=log,
    )
    purger = Purger(office, logs, lambda: observer.unsettled, log)
    return Parts(sockets, inbox, applier, observer, estimator, meter, front, loop, purger)


def _utc_now() -> datetime:
    return datetime.now(UTC)
