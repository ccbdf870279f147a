"""Verdicts as sentences for the person who waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from zoe_core.amount import MILLICORES_PER_CORE, Amount, describe_memory
from zoe_core.explanation import Explanation
from zoe_core.scheduling.plan import Blocker, Outlook, Plan, Verdict
from zoe_core.waiting import roughly

SHOWN_AHEAD = 20
"""Ids ahead that are told: in a long queue the nearest say enough."""


def explain(plan: Plan, execution_id: int, now: datetime | None = None) -> Explanation | None:
    """Render the verdict of ``plan`` on one execution; None when it does not wait.

    One that runs waits too while an essential instance of it that failed has no room to start
    again; its position is 0. With ``now`` it is also told in how long something is expected.
    """
    verdict = plan.verdicts.get(execution_id)
    if verdict is not None:
        before = verdict.position - 1
        ahead = plan.waiting[max(0, before - SHOWN_AHEAD) : before]
        return Explanation(verdict.position, ahead, tuple(_reasons(verdict, now)))
    lacking = plan.lacking.get(execution_id)
    if lacking is None:
        return None
    return Explanation(0, (), (_INCOMPLETE, *_reasons(lacking, now)))


_INCOMPLETE = "An essential instance of it failed, and waits for room to start again."

_PLAIN = {
    Blocker.NOT_TRIED: "It was not tried this time: many before it were, and found no room.",
    Blocker.ON_HOLD: "It is on hold.",
    Blocker.LEAVING: "The instances of its last attempt are still being removed.",
    Blocker.MAKING_ROOM: "Room is being made for it: it starts once what leaves is gone.",
}


def _reasons(verdict: Verdict, now: datetime | None) -> list[str]:
    reasons = [_sentence(verdict)]
    if verdict.outlook is not None:
        reasons.append(_promise(verdict.outlook, now))
    return reasons


def _sentence(verdict: Verdict) -> str:
    match verdict.blocker:
        case Blocker.NO_ROOM:
            return f"{_needs(verdict)}; {_free(verdict)}."
        case Blocker.NO_NODE:
            return _no_node(verdict)
        case Blocker.TOO_LARGE:
            return (
                "The nodes that are here now would be too small for it even if they were empty: "
                f"{_needs(verdict)}; {_there(verdict)}."
            )
        case Blocker.RESTART:
            return (
                f"An instance of execution {verdict.of} failed and is started again first: "
                f"{_needs(verdict)}; {_free(verdict)}."
            )
        case Blocker.QUOTA:
            return _quota(verdict)
        case Blocker.WOULD_DELAY:
            return _would_delay(verdict)
        case plain:
            return _PLAIN[plain]


# --- room ---


def _needs(verdict: Verdict) -> str:
    if verdict.gang:
        together = f"Its {verdict.gang} essential instances start together and need"
        return f"{together} {verdict.needs.describe()} in all"
    if verdict.count > 1:
        service = verdict.instance.rpartition("-")[0]
        return f"{service} needs {verdict.count} × ({verdict.needs.describe()})"
    return f"{verdict.instance} needs {verdict.needs.describe()}"


def _free(verdict: Verdict) -> str:
    """What there is now."""
    if verdict.placed is not None:
        found = f"room for {verdict.placed} of them" if verdict.placed else "no room for them"
        return (
            f"beside the rest of its gang there is {found}: enough is free in all, but in pieces, "
            "or on nodes that do not do for it"
        )
    if verdict.gang:
        return f"{_told(verdict.free, verdict.needs)} are free"
    return f"{verdict.node} comes closest, but has {_short(verdict)} free"


def _there(verdict: Verdict) -> str:
    """What there would be on empty nodes."""
    if verdict.placed is not None:
        found = f"for {verdict.placed} of them" if verdict.placed else "for none of them"
        return f"beside the rest of its gang there would be room {found}"
    if verdict.gang:
        return f"all of them together have {_told(verdict.free, verdict.needs)}"
    return f"{verdict.node} comes closest, but has {_short(verdict)}"


def _told(there: Amount, needs: Amount) -> str:
    """An amount in words; GPUs that are needed are told also when there are none."""
    return there.describe() + (", no GPU" if needs.gpus and not there.gpus else "")


def _short(verdict: Verdict) -> str:
    """What there is too little of: ``only 3 GB``, ``only 3 GB and no GPU``."""
    needs, there = verdict.needs, verdict.free
    some, none = [], []
    for wanted, found, words, noun in (
        (needs.memory, there.memory, describe_memory(there.memory), "memory"),
        (needs.millicores, there.millicores, _cores(there.millicores), "core"),
        (needs.gpus, there.gpus, _counted(there.gpus, "GPU"), "GPU"),
    ):
        if found >= wanted:
            continue
        if found:
            some.append(words)
        else:
            none.append(f"no {noun}")
    only = [f"only {_listed(some)}"] if some else []
    return _listed([*only, *none])


def _no_node(verdict: Verdict) -> str:
    if not verdict.labels:
        return f"No node can start the image {verdict.image} that {verdict.instance} needs now."
    word = "label" if len(verdict.labels) == 1 else "labels"
    return (
        f"No node that has the {word} {', '.join(verdict.labels)} can start the image "
        f"{verdict.image}, as {verdict.instance} needs it now."
    )


# --- quotas ---


def _quota(verdict: Verdict) -> str:
    held, asked, allowed = (
        _limited(verdict.limit, each) for each in (verdict.held, verdict.asked, verdict.allowed)
    )
    if verdict.limit == "executions":
        return f"Your quota is {allowed} at a time, and you have {verdict.held} now."
    if verdict.asked > verdict.allowed:
        needs = f"this one alone needs {asked}"
        return f"Your quota is {allowed}, and {needs}: it waits until the quota is raised."
    return f"Your quota is {allowed}: you hold {held}, and this one needs {asked}."


def _limited(limit: str, value: int) -> str:
    match limit:
        case "memory":
            return describe_memory(value)
        case "millicores":
            return _cores(value)
        case "gpus":
            return _counted(value, "GPU")
        case _:
            return _counted(value, "execution")


# --- what comes before it ---


def _would_delay(verdict: Verdict) -> str:
    if verdict.overtaken:
        return (
            f"There is room for it, but execution {verdict.of}, which comes first, has been "
            f"overtaken {verdict.overtaken} times: now only what surely does not delay it starts."
        )
    return (
        f"There is room for it, but it would delay execution {verdict.of}, which comes before it."
    )


def _promise(outlook: Outlook, now: datetime | None) -> str:
    if outlook.at is None and outlook.last is None:
        return "When there will be room is not known: too little of what stays is known to end."
    when = "" if outlook.at is None or now is None else _how_long(outlook.at, now)
    if outlook.last is None:
        return f"It starts once elastic instances can be taken back{when}."
    ended = f"execution {outlook.last} has ended"
    if outlook.by_limit:
        return f"It starts at the latest when {ended}{when}, by its limit."
    if outlook.at is None:
        return f"It starts when {ended}, which has run longer than was expected."
    return f"It probably starts when {ended}{when}."


def _how_long(at: datetime, now: datetime) -> str:
    return f", in about {roughly(max(0.0, (at - now).total_seconds()))}"


# --- words ---


def _cores(millicores: int) -> str:
    return _counted(millicores / MILLICORES_PER_CORE, "core")


def _counted(value: float, noun: str) -> str:
    return f"{value:g} {noun}" if value == 1 else f"{value:g} {noun}s"


def _listed(parts: Sequence[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
