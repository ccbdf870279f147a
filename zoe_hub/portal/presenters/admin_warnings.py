"""What the doctor found, as a list of what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from zoe_core.protocol.rest_admin import Finding
from zoe_hub.portal.presenters.executions import Badge
from zoe_hub.portal.presenters.times import Moment, moment

_COMMAND = re.compile(r"(zoe-admin|docker|sudo|kill|systemctl) \S.*")


@dataclass(frozen=True, slots=True)
class Row:
    """One finding. ``remedy`` is what to do, ``command`` what to type; one or both are empty."""

    what: str
    why: str
    node: str
    since: Moment | None
    badge: Badge
    remedy: str
    command: str


_SERIOUS = Badge("Look into it", "failed", "fa-triangle-exclamation")
_NOTED = Badge("Good to know", "moving", "fa-circle-info")


def rows(findings: Iterable[Finding], now: datetime) -> list[Row]:
    """The rows, in the order of the findings: the serious first."""
    return [_row(each, now) for each in findings]


def _row(finding: Finding, now: datetime) -> Row:
    remedy = finding.remedy or ""
    typed = _COMMAND.fullmatch(remedy) is not None
    words = remedy[:1].upper() + remedy[1:]
    return Row(
        what=finding.what[:1].upper() + finding.what[1:],
        why=finding.why,
        node=finding.node or "",
        since=None if finding.since is None else moment(finding.since, now),
        badge=_SERIOUS if finding.serious else _NOTED,
        remedy="" if typed or not remedy else f"{words}.",
        command=remedy if typed else "",
    )
