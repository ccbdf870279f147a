"""Runs one program to its end and hands it the signals that ask for an end."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence

ENDINGS = (signal.SIGTERM, signal.SIGINT)


def run_child(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Return the exit code of ``command``; as a shell does, 128 + n when signal n ended it.

    Unlike ``exec`` this lets the caller tidy up afterwards.
    """
    child = subprocess.Popen(command, env=environment)
    before = {
        number: signal.signal(number, lambda got, _: child.send_signal(got)) for number in ENDINGS
    }
    try:
        code = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code
