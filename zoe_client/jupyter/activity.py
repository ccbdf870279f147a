"""What counts as use of a Jupyter server, beyond what jupyter_server counts by itself.

It counts each answered request, so that a page that is merely open, which asks for the lists of
files and kernels and saves its layout all the time, would count as use for ever; and it counts
messages of kernels, so that one that computes silently would not. Here, of the requests only those
count that change something, and all that works does: kernels that are busy, terminals in which a
program runs or that print.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from jupyter_server._tz import utcnow
from jupyter_server.base.handlers import APIHandler
from tornado.ioloop import PeriodicCallback

LOOK_EVERY = 10.0
"""Seconds between looks for work. The Hub hears of it once a minute."""

SETTING = "zoe_last_activity"
"""jupyter_server takes each setting whose name ends so for a time of activity."""

_READING = ("GET", "HEAD", "OPTIONS")
_LAYOUT = "/lab/api/workspaces/"  # each page writes it every ten seconds


def count_work(web_app: Any) -> None:
    """Have a Jupyter server's application count as used what is used, from now on."""
    APIHandler._track_activity = property(_changes_something)  # type: ignore[assignment]
    looking = PeriodicCallback(lambda: _look(web_app.settings), LOOK_EVERY * 1000)
    looking.start()


def _changes_something(handler: APIHandler) -> bool:
    request = handler.request
    return request.method not in _READING and _LAYOUT not in request.path


def _look(settings: dict[str, Any]) -> None:
    worked_at = last_work(settings)
    if worked_at is not None:
        settings[SETTING] = max(worked_at, settings.get(SETTING, worked_at))


def last_work(settings: Mapping[str, Any]) -> datetime | None:
    """When something last worked: now, when something does; None: nothing ever did."""
    terminals = _terminals(settings)
    if any(map(_is_busy, _kernels(settings))) or any(map(_runs_program, terminals)):
        return utcnow()
    printed = (getattr(each, "last_activity", None) for each in terminals)
    return max((each for each in printed if each is not None), default=None)


def _kernels(settings: Mapping[str, Any]) -> Iterable[Any]:
    manager = settings["kernel_manager"]
    return [manager.get_kernel(each) for each in manager.list_kernel_ids()]


def _terminals(settings: Mapping[str, Any]) -> list[Any]:
    manager = settings.get("terminal_manager")
    return [] if manager is None else list(manager.terminals.values())


def _is_busy(kernel: Any) -> bool:
    return getattr(kernel, "execution_state", None) == "busy"


def _runs_program(terminal: Any) -> bool:
    """Whether something else than its shell has the terminal, be it that it waits for a key."""
    process = terminal.ptyproc
    try:
        return os.tcgetpgrp(process.fd) != process.pid
    except OSError:  # it has just been closed
        return False
