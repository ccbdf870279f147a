"""Tasks that must not end: they begin anew after an error that nobody has thought of."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

PAUSE = 1.0
"""Seconds before the work begins anew."""

log = logging.getLogger(__name__)


async def for_ever(what: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do the work until it is cancelled; ``what`` it is stands in the log when it fails."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("%s has failed; it begins anew", what)
        await asyncio.sleep(PAUSE)
