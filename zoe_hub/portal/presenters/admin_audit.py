"""The audit log in words: who did what to what, and what was refused, with the reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zoe_core.amount import describe_memory
from zoe_core.protocol.rest_admin import UNLIMITED, AuditEntry
from zoe_hub.portal.presenters.admin import number
from zoe_hub.portal.presenters.executions import Badge
from zoe_hub.portal.presenters.times import Moment, moment, seconds_in_words
from zoe_hub.server_deeds import START

OUTCOMES = {"done": "Done", "refused": "Refused", "failed": "Failed", "unknown": "Unknown"}

_BADGES = {
    "done": Badge("Done", "done", "fa-check"),
    "refused": Badge("Refused", "failed", "fa-ban"),
    "failed": Badge("Failed", "waiting", "fa-triangle-exclamation"),
    "unknown": Badge("Unknown", "waiting", "fa-question"),
}
_EXECUTION = re.compile(r"executions/([0-9]{1,19})(/.*)?")


@dataclass(frozen=True, slots=True)
class Words:
    """A deed: ``did`` for what was done, ``wanted`` for what was not, then what it was about.

    ``execution`` stands between the two, as a link, when it was about one; None otherwise.
    """

    did: str
    wanted: str
    execution: int | None = None
    more: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of the log. ``why`` is the reason of a refusal, else empty."""

    id: int
    at: Moment
    actor: str
    service: bool
    said: str
    execution: int | None
    url: str
    more: str
    badge: Badge
    why: str


def rows(
    entries: Iterable[AuditEntry], summaries: Mapping[str, str], prefix: str, now: datetime
) -> list[Row]:
    """The lines of a page; ``summaries`` say what each operation of REST does."""
    return [_row(each, summaries, prefix, now) for each in entries]


def _row(entry: AuditEntry, summaries: Mapping[str, str], prefix: str, now: datetime) -> Row:
    words = in_words(entry, summaries)
    detail = entry.detail
    return Row(
        id=entry.id,
        at=moment(entry.at, now),
        actor=entry.actor,
        service=entry.actor_kind == "service",
        said=words.did if entry.outcome == "done" else f"tried to {words.wanted}",
        execution=words.execution,
        url="" if words.execution is None else f"{prefix}executions/{words.execution}",
        more=words.more,
        badge=_BADGES[entry.outcome],
        why="" if entry.outcome == "done" else str(detail.get("why", "")),
    )


def in_words(entry: AuditEntry, summaries: Mapping[str, str]) -> Words:
    """Say what an entry is about; an action that has no words here is told by its summary."""
    tell = _WORDS.get(entry.action)
    if tell is not None:
        return tell(entry, entry.detail)
    summary = summaries.get(entry.action, entry.action)
    did = f"did “{summary}”"
    number_ = _execution(entry)
    if number_ is not None:
        return Words(f"{did} to", f"do “{summary}” to", number_)
    about = f"({entry.target})" if entry.target else ""
    return Words(did, f"do “{summary}”", more=about)


def _launch(entry: AuditEntry, detail: Mapping[str, Any]) -> Words:
    what = str(detail.get("zapp") or "an own description")
    if entry.outcome != "done":
        return Words("", f"launch {what}")
    if detail.get("new") is False:
        return Words(f"asked again for the launch of {what},", "", _execution(entry))
    return Words(f"launched {what} as", "", _execution(entry))


def _start_server(entry: AuditEntry, detail: Mapping[str, Any]) -> Words:
    owner = detail.get("user", entry.actor)
    server = "a Jupyter server" + ("" if owner == entry.actor else f" of {owner}")
    did = f"had the Hub start {server} as"
    return Words(did, f"have the Hub start {server}", _execution(entry))


def _change(entry: AuditEntry, detail: Mapping[str, Any]) -> Words:
    said = []
    if "priority" in detail:
        said.append(f"{detail['priority']} priority")
    if isinstance(detail.get("runtime_limit"), int):
        said.append(f"a runtime limit of {seconds_in_words(detail['runtime_limit'])}")
    if detail.get("resources"):
        said.append("other memory and cores")
    more = f"to {' and '.join(said)}" if said else ""
    return Words("changed", "change", _execution(entry), more)


def _end(entry: AuditEntry, detail: Mapping[str, Any]) -> Words:
    if detail.get("purge"):
        return Words("removed", "remove", _execution(entry), "with its logs")
    return Words("stopped", "stop", _execution(entry))


def _set_quota(entry: AuditEntry, detail: Mapping[str, Any]) -> Words:
    whose = _quota_of(entry.target)
    said = ", ".join(_limits(detail))
    return Words(f"set {whose}", f"set {whose}", more=f"to {said}" if said else "")


def _remove_quota(entry: AuditEntry, detail: Mapping[str, Any]) -> Words:
    whose = _quota_of(entry.target)
    return Words(f"removed {whose}", f"remove {whose}")


def _change_node(entry: AuditEntry, detail: Mapping[str, Any]) -> Words:
    node = f"node {_last(entry.target)}"
    if detail.get("draining", True):
        return Words(f"drained {node}", f"drain {node}")
    return Words(f"used {node} again", f"use {node} again")


def _remove_drain(entry: AuditEntry, detail: Mapping[str, Any]) -> Words:
    node = f"node {_last(entry.target)}"
    return Words(f"took back the drain of {node}", f"take back the drain of {node}")


_WORDS: dict[str, Callable[[AuditEntry, Mapping[str, Any]], Words]] = {
    "launch": _launch,
    START: _start_server,
    "changeExecution": _change,
    "endExecution": _end,
    "setQuota": _set_quota,
    "removeQuota": _remove_quota,
    "changeNode": _change_node,
    "removeDrain": _remove_drain,
}


def _execution(entry: AuditEntry) -> int | None:
    found = _EXECUTION.fullmatch(entry.target)
    return int(found[1]) if found else None


def _last(target: str) -> str:
    """``nodes/alpha``, as it was asked for: ``alpha``."""
    return target.partition("/")[2] or target


def _quota_of(target: str) -> str:
    kind, _, name = target.removeprefix("quotas/").partition("/")
    if kind == "default":
        return "the default quota"
    return f"the quota of {kind} {name}" if name else "a quota"


def _limits(detail: Mapping[str, Any]) -> Iterable[str]:
    units: dict[str, Callable[[Any], str]] = {
        "executions": lambda value: f"{value} executions",
        "memory": describe_memory,
        "cores": lambda value: f"{number(value)} cores",
        "gpus": lambda value: f"{value} GPUs",
        "runtime_limit": lambda value: f"{seconds_in_words(value)} each",
        "weight": lambda value: f"weight {number(value)}",
    }
    for name, said in units.items():
        value = detail.get(name)
        if value == UNLIMITED or (isinstance(value, int) and value >= 2**63 - 1):
            yield f"no limit on {name.replace('_', ' ')}"
        elif isinstance(value, int | float):
            yield said(value)
