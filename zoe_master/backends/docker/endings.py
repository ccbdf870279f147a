"""Says in words for people how a container ended, from what its engine tells of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from signal import SIGKILL
from typing import Any

from zoe_core.amount import Amount
from zoe_core.cluster import InstanceId, Observed
from zoe_master.backends.base import Observation
from zoe_master.backends.docker.containers import blames_command, exit_code
from zoe_master.backends.docker.logs import append_note, last_words
from zoe_master.backends.docker.records import Record

NOT_EXECUTABLE, NOT_FOUND = 126, 127
"""Exit codes of commands that could not be run, as in a shell (POSIX 2.8.2)."""

JUST_NOW = timedelta(seconds=5)

# What tini says before it ends with one of those codes.
_REFUSED = re.compile(rb"^\[FATAL tini \(\d+\)\] exec (.*) failed: (.*)$", re.MULTILINE)


def lacks_reason(state: Mapping[str, Any], record: Record) -> bool:
    """Whether it has just failed though nobody asked it to end; ``state`` as in ``docker inspect``.

    Of an engine whose clock differs from ours nothing is just now.
    """
    if state["ExitCode"] == 0 or record.wish is not None:
        return False
    ended = datetime.fromisoformat(state["FinishedAt"])
    return abs(datetime.now(UTC) - ended) < JUST_NOW


def describe_end(
    attributes: Mapping[str, Any],
    record: Record,
    instance: InstanceId,
    node: str,
    *,
    out_of_memory: bool,
) -> Observation:
    """What is to be told of a container that has ended; ``attributes`` is ``docker inspect``."""
    state = attributes["State"]
    code = exit_code(state["ExitCode"])
    limit = attributes["HostConfig"]["Memory"]
    detail = (
        (_out_of_memory(code, limit) if out_of_memory else "")
        or _forced(code, record)
        or _not_run(code, state["Error"], attributes, record)
        or None
    )
    return Observation(instance, Observed.EXITED, node, code, detail)


def _out_of_memory(code: int, limit: int) -> str:
    """An engine also tells that only a child was killed, which matters if the main one failed."""
    if code == 0:
        return ""
    used = f"it used more than {Amount(limit).describe().split(',')[0]}"
    return f"killed: {used}" if code == -SIGKILL else f"a process of it was killed: {used}"


def _forced(code: int, record: Record) -> str:
    wish = record.wish
    if code != -SIGKILL or wish is None or not wish.forced:
        return ""
    if wish.grace > 0 and not wish.signals:  # its engine did not answer for as long
        return f"It could not be asked to end for {wish.grace:g} s and was killed."
    return f"It did not end within {wish.grace:g} s and was killed."


def _not_run(code: int, error: str, attributes: Mapping[str, Any], record: Record) -> str:
    """Why a command could not be executed, by the engine's word or by that of the init."""
    if code not in (NOT_EXECUTABLE, NOT_FOUND):
        return ""
    refused = _REFUSED.search(last_words(record))
    if refused is None and not blames_command(error):
        # A program of its own accord, or what it was to run in could not be made.
        return f"It could not be started: {error}" if error else ""
    name = refused[1].decode(errors="replace") if refused else attributes["Path"]
    reason = refused[2].decode(errors="replace") if refused else "not executable"
    said = f"The command {name!r} was not found."
    if code == NOT_EXECUTABLE:
        said = f"The command {name!r} cannot be run: {reason}."
    append_note(record, said)
    return said
