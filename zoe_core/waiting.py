"""When something that waits will start, as a guess with a range, and in words for people."""

from __future__ import annotations

from dataclasses import dataclass

AT_ONCE = 5.0
"""Seconds to a start that people are told as "now": the scheduler needs a moment in any case."""

SHOWN_BLOCKERS = 3
"""Executions that are named when nobody can tell how long they run."""

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


@dataclass(frozen=True, slots=True)
class StartEstimate:
    """Seconds from now to a start: the best guess ``mid``, probably within ``low`` to ``high``.

    ``mid`` None: nobody can tell, and so with ``low``; ``high`` None: nobody can tell how late it
    may become. ``later_than``: it was not looked any further than these seconds ahead.
    ``blockers`` are the executions in the way of which nobody can tell how long they run.
    """

    low: float | None = None
    mid: float | None = None
    high: float | None = None
    later_than: float | None = None
    blockers: tuple[int, ...] = ()


def sentence(start: StartEstimate) -> str:
    """Say it: ``Starts in about 12 min (between 5 and 40 min).``, ``Starts in more than 3 days.``,
    ``No estimate: nobody can tell how long execution 12 runs.``"""
    if start.mid is None and start.later_than is None:
        return f"No estimate: {_why_unknown(start)}."
    return f"Starts {describe(start)}."


def describe(start: StartEstimate) -> str:
    """Say it in a few words: ``now``, ``in about 12 min (between 5 and 40 min)``,
    ``in more than 3 days``, ``unknown: nobody can tell how long execution 12 runs``."""
    if start.mid is None:
        later = start.later_than
        return (
            f"unknown: {_why_unknown(start)}" if later is None else f"in more than {roughly(later)}"
        )
    guess, spread = in_parts(start)
    return f"{guess} ({spread})" if spread else guess


def in_parts(start: StartEstimate) -> tuple[str, str]:
    """Say a start of which ``mid`` is known: the guess, and its range where that says more."""
    mid = start.mid or 0.0
    if mid < AT_ONCE:
        return "now", ""
    return f"in about {roughly(mid)}", _range(start.low, mid, start.high)


def roughly(seconds: float) -> str:
    """Say a time that is only guessed, no finer than a guess deserves: ``40 s``, ``12 min``.

    Tens of seconds, whole minutes, half hours up to ten hours, hours up to two days, then days.
    """
    if seconds < 55:
        return f"{max(10, 10 * round(seconds / 10))} s"
    if seconds < 59.5 * _MINUTE:
        return f"{max(1, round(seconds / _MINUTE))} min"
    if seconds < 9.75 * _HOUR:
        return f"{max(2, round(2 * seconds / _HOUR)) / 2:g} h"
    if seconds < 2 * _DAY:
        return f"{round(seconds / _HOUR)} h"
    return f"{round(seconds / _DAY)} days"


def _why_unknown(start: StartEstimate) -> str:
    if not start.blockers:
        return "as things are now it does not start"
    names = [str(each) for each in start.blockers[:SHOWN_BLOCKERS]]
    more = len(start.blockers) - len(names)
    if more:
        names.append(f"{more} more")
    if len(names) == 1:
        return f"nobody can tell how long execution {names[0]} runs"
    listed = f"{', '.join(names[:-1])} and {names[-1]}"
    return f"nobody can tell how long executions {listed} run"


def _range(low: float | None, mid: float, high: float | None) -> str:
    """The range, where it says more than the guess; else nothing."""
    early = None if low is None or low < AT_ONCE else roughly(low)
    if high is None:
        return f"not before {early}, maybe much later" if early else "maybe much later"
    late = roughly(high)
    if early in (None, late):
        return "" if late == roughly(mid) else f"{late} at the latest"
    start, unit = early.split(" ")
    return f"between {start if late.endswith(f' {unit}') else early} and {late}"
