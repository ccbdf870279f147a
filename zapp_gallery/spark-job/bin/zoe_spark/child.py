"""Runs one program to its end and hands it the signals that ask for an end."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence

Child = subprocess.Popen[bytes]

ENDINGS = (signal.SIGTERM, signal.SIGINT)


def run_child(
    command: Sequence[str],
    environment: Mapping[str, str],
    leave: Callable[[Child], None] | None = None,
) -> int:
    """Return the exit code of ``command``; as a shell does, 128 + n when signal n ended it.

    At SIGPWR ``leave`` is called with it, if given. Unlike ``exec`` this lets the caller tidy up
    afterwards.
    """
    child = subprocess.Popen(command, env=environment)
    before = {
        number: signal.signal(number, lambda got, _: child.send_signal(got)) for number in ENDINGS
    }
    if leave is not None:
        before[signal.SIGPWR] = signal.signal(signal.SIGPWR, lambda *_: leave(child))
    try:
        code = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code
