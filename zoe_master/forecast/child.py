"""The forecasting process: reads jobs from its standard input until that ends, and answers each."""

from __future__ import annotations

import logging
import os
import pickle
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from zoe_core.cluster import ExecutionStatus, ExecutionView
from zoe_core.simulation.estimate import estimate
from zoe_core.zapp import ZAppError, parse_zapp
from zoe_master import pauses
from zoe_master.forecast.job import Failed, Forecast, Job
from zoe_master.forecast.sync import Receiver


class _OutOfTime(Exception):
    """The time for this job is over."""


def serve(jobs: BinaryIO, answers: BinaryIO) -> None:
    """Answer each job; returns when there are no more."""
    receiver = Receiver()
    while True:
        try:
            job: Job = pickle.load(jobs)  # noqa: S301 -- the master itself wrote it
        except EOFError:
            return
        receiver.take(job.update)
        pickle.dump(_answer(receiver, job), answers)
        answers.flush()


def _answer(receiver: Receiver, job: Job) -> Forecast | Failed:
    try:
        with _alarm(job.deadline - time.monotonic()):
            return _forecast(receiver, job)
    except _OutOfTime:
        return Failed("The queue is too long to foresee its future in time.")
    except ZAppError as error:
        return Failed(f"A description cannot be read: {error}")
    except Exception:
        logging.exception("A forecast failed")
        return Failed("The forecast failed; the scheduler's log says why.")


def _forecast(receiver: Receiver, job: Job) -> Forecast:
    snapshot = receiver.snapshot
    requests = _requests(job, max(snapshot.executions, default=0))
    found = estimate(snapshot, job.settings, job.rules, receiver.history, job.now, requests)
    if requests:
        return Forecast(candidates=tuple(found[each.id] for each in requests))
    return Forecast(found)


def _requests(job: Job, newest: int) -> list[ExecutionView]:
    """The candidates as they would be submitted now: after everything else."""
    asked = job.candidates
    if asked is None:
        return []
    return [
        ExecutionView(
            id=number,
            user=asked.user,
            name="",
            zapp=parse_zapp(description).zapp,
            status=ExecutionStatus.SUBMITTED,
            submitted_at=job.now,
            groups=asked.groups,
        )
        for number, description in enumerate(asked.descriptions, newest + 1)
    ]


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise _OutOfTime in the block after so many seconds; what is known stays whole."""

    def ring(_: int, __: object) -> None:
        raise _OutOfTime

    if seconds <= 0:
        raise _OutOfTime
    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main() -> None:
    """Serve on standard input and output; anything printed goes to standard error.

    The one argument says how much others come first (``os.nice``).
    """
    os.nice(int(sys.argv[1]))
    pauses.make_rare()
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
