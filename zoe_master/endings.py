"""What ends a master: signals, and the first of its parts that ends or fails."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any


def listen_to_signals(stopping: asyncio.Event) -> asyncio.Event:
    """SIGTERM and SIGINT stop in order; SIGHUP (the portal died) stops and leaves all as it is."""
    orderly = asyncio.Event()

    def stop_in_order() -> None:
        orderly.set()
        stopping.set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop_in_order)
    loop.add_signal_handler(signal.SIGINT, stop_in_order)
    loop.add_signal_handler(signal.SIGHUP, stopping.set)
    return orderly


async def until_one_ends(*coroutines: Coroutine[Any, Any, None]) -> None:
    """Run all; when one ends or fails, cancel the others, and pass its error on."""
    tasks = [asyncio.create_task(each) for each in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
