"""Lets programs without an event loop use the asynchronous client: it runs on a thread of its own.

One thread serves all clients of a process, also those in a notebook, whose kernel has an event loop
that must not be blocked.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from typing import TypeVar, TypeVarTuple, Unpack

import anyio
from anyio.from_thread import BlockingPortal

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


class _Bridge:
    """The event loop, started when it is first needed; it ends with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._portal: BlockingPortal | None = None

    @property
    def portal(self) -> BlockingPortal:
        with self._lock:
            if self._portal is None:
                self._portal = _start()
            return self._portal

    def stop(self) -> None:
        """End all that runs there."""
        if self._portal is not None:
            self._portal.call(self._portal.stop, True)


def _start() -> BlockingPortal:
    """Have an event loop run on a new thread.

    Not by anyio's ``start_blocking_portal``: when a forked process ends it would wait for a thread
    that only its parent has.
    """
    started = Future[BlockingPortal]()
    threading.Thread(target=_run, args=(started,), daemon=True, name="zoe-client").start()
    return started.result()


def _run(started: Future[BlockingPortal]) -> None:
    try:
        anyio.run(_until_stopped, started)
    except BaseException as error:
        if started.done():
            raise
        started.set_exception(error)


async def _until_stopped(started: Future[BlockingPortal]) -> None:
    async with BlockingPortal() as portal:
        started.set_result(portal)
        await portal.sleep_until_stopped()


_bridge = _Bridge()
_of_parents: list[_Bridge] = []  # kept: to tidy up such a loop would disturb the parent's


def _forget() -> None:
    """In a forked process there is no such thread: begin anew."""
    global _bridge
    _of_parents.append(_bridge)
    _bridge = _Bridge()


os.register_at_fork(after_in_child=_forget)
atexit.register(lambda: _bridge.stop())


def portal() -> BlockingPortal:
    """Where the asynchronous face runs, for what is to go on in the background."""
    return _bridge.portal


def call(ask: Callable[[Unpack[Arguments]], Awaitable[T]], *arguments: *Arguments) -> T:
    """Run a coroutine function to its end. A Ctrl-C here ends it there."""
    future = portal().start_task_soon(ask, *arguments)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def iterate(source: AsyncGenerator[T, None]) -> Iterator[T]:
    """What an asynchronous generator yields; it is closed with this one, where it was begun."""
    begun = _bridge
    turn = anyio.Lock()  # after a Ctrl-C the generator still runs for a moment, and is not closed
    try:
        while begun is _bridge:
            try:
                item = call(_next, source, turn)
            except StopAsyncIteration:
                return
            yield item
        raise RuntimeError("What was followed before a fork goes on in the parent alone.")
    finally:
        if begun is _bridge:
            call(_close, source, turn)


async def _next(source: AsyncGenerator[T, None], turn: anyio.Lock) -> T:
    async with turn:
        return await anext(source)


async def _close(source: AsyncGenerator[T, None], turn: anyio.Lock) -> None:
    async with turn:
        await source.aclose()
