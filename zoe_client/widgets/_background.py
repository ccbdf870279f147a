"""Runs things on the client's own thread, from whatever thread, that one included."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar

from anyio.from_thread import BlockingPortal

from zoe_client._bridge import portal

T = TypeVar("T")


def spawn(task: Coroutine[Any, Any, None]) -> Future[None]:
    """Start a task without waiting for it; the future's ``cancel`` cancels it."""
    return asyncio.run_coroutine_threadsafe(task, _loop_of(portal()))


def call_there(do: Callable[[], T]) -> T:
    """What a function returns that is called there; nothing else runs there meanwhile."""
    there = portal()
    return do() if _is_running(_loop_of(there)) else there.call(do)


@cache
def _loop_of(there: BlockingPortal) -> asyncio.AbstractEventLoop:
    async def running() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    return there.call(running)


def _is_running(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:  # a thread without any
        return False
