"""Verdicts as sentences for the person who waits."""

from __future__ import annotations

from zoe_core.explanation import Explanation
from zoe_core.scheduling.plan import Blocker, Plan, Verdict

SHOWN_AHEAD = 20
"""Ids ahead that are told: in a long queue the nearest say enough."""


def explain(plan: Plan, execution_id: int) -> Explanation | None:
    """Render the verdict of ``plan`` on one execution; None when it does not wait."""
    verdict = plan.verdicts.get(execution_id)
    if verdict is None:
        return None
    before = verdict.position - 1
    ahead = plan.waiting[max(0, before - SHOWN_AHEAD) : before]
    return Explanation(verdict.position, ahead, (_sentence(verdict),))


_PLAIN = {
    Blocker.BEHIND: "It waits for its turn: those before it start first.",
    Blocker.ON_HOLD: "It is on hold.",
    Blocker.LEAVING: "The instances of its last attempt are still being removed.",
    Blocker.MAKING_ROOM: "Room is being made for it: it starts once what leaves is gone.",
}


def _sentence(verdict: Verdict) -> str:
    match verdict.blocker:
        case Blocker.NO_ROOM:
            return f"{_needs(verdict)}; {_free(verdict)}."
        case Blocker.NO_NODE:
            return f"No node can start the image {verdict.image} that {verdict.instance} needs now."
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
        case plain:
            return _PLAIN[plain]


def _needs(verdict: Verdict) -> str:
    if verdict.gang:
        together = f"Its {verdict.gang} essential instances start together and need"
        return f"{together} {verdict.needs.describe()} in all"
    return f"{verdict.instance} needs {verdict.needs.describe()}"


def _free(verdict: Verdict) -> str:
    if verdict.gang:
        return f"{verdict.free.describe()} are free"
    return f"the most that is free on one node is {verdict.free.describe()}, on {verdict.node}"
