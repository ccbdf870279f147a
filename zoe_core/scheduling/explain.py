"""Verdicts as sentences for the person who waits."""

from __future__ import annotations

from datetime import datetime

from zoe_core.amount import MILLICORES_PER_CORE, describe_memory
from zoe_core.explanation import Explanation
from zoe_core.scheduling.plan import Blocker, Outlook, Plan, Verdict

SHOWN_AHEAD = 20
"""Ids ahead that are told: in a long queue the nearest say enough."""


def explain(plan: Plan, execution_id: int, now: datetime | None = None) -> Explanation | None:
    """Render the verdict of ``plan`` on one execution; None when it does not wait.

    With ``now`` it is also told in how long something is expected.
    """
    verdict = plan.verdicts.get(execution_id)
    if verdict is None:
        return None
    before = verdict.position - 1
    ahead = plan.waiting[max(0, before - SHOWN_AHEAD) : before]
    reasons = [_sentence(verdict)]
    if verdict.outlook is not None:
        reasons.append(_promise(verdict.outlook, now))
    return Explanation(verdict.position, ahead, tuple(reasons))


_PLAIN = {
    Blocker.NOT_TRIED: "It was not looked at in this pass: too many before it were tried in vain.",
    Blocker.ON_HOLD: "It is on hold.",
    Blocker.LEAVING: "The instances of its last attempt are still being removed.",
    Blocker.MAKING_ROOM: "Room is being made for it: it starts once what leaves is gone.",
}


def _sentence(verdict: Verdict) -> str:
    match verdict.blocker:
        case Blocker.NO_ROOM:
            return f"{_needs(verdict)}; {_free(verdict)}."
        case Blocker.NO_NODE:
            return _no_node(verdict)
        case Blocker.TOO_LARGE:
            return (
                "The nodes that are here now would be too small for it even if they were empty: "
                f"{_needs(verdict)}."
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


def _needs(verdict: Verdict) -> str:
    if verdict.gang:
        together = f"Its {verdict.gang} essential instances start together and need"
        return f"{together} {verdict.needs.describe()} in all"
    if verdict.count > 1:
        service = verdict.instance.rpartition("-")[0]
        return f"{service} needs {verdict.count} × ({verdict.needs.describe()})"
    return f"{verdict.instance} needs {verdict.needs.describe()}"


def _free(verdict: Verdict) -> str:
    if verdict.placed is not None:
        found = f"for {verdict.placed} of them" if verdict.placed else "for none of them"
        return f"beside the rest of its gang there is room {found}, although enough is free in all"
    if verdict.gang:
        return f"{verdict.free.describe()} are free"
    return f"the most that is free on one node is {verdict.free.describe()}, on {verdict.node}"


def _no_node(verdict: Verdict) -> str:
    if not verdict.labels:
        return f"No node can start the image {verdict.image} that {verdict.instance} needs now."
    word = "label" if len(verdict.labels) == 1 else "labels"
    return (
        f"No node that has the {word} {', '.join(verdict.labels)} can start the image "
        f"{verdict.image}, as {verdict.instance} needs it now."
    )


def _quota(verdict: Verdict) -> str:
    held, asked, allowed = (
        _counted(verdict.limit, each) for each in (verdict.held, verdict.asked, verdict.allowed)
    )
    what = {
        "executions": "executions at a time",
        "memory": "of memory",
        "millicores": "cores",
        "gpus": "GPUs",
    }[verdict.limit]
    return f"Your quota: you hold {held} of {allowed} {what}, and this one needs {asked}."


def _counted(limit: str, value: int) -> str:
    if limit == "memory":
        return describe_memory(value)
    if limit == "millicores":
        return f"{value / MILLICORES_PER_CORE:g}"
    return str(value)


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
        return "When there will be room is not known: too little of what runs is known to end."
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
    minutes = round(max(0.0, (at - now).total_seconds()) / 60)
    if minutes < 1:
        return ", in about a minute"
    if minutes < 120:
        return f", in about {minutes} min"
    return f", in about {round(minutes / 60)} h"
