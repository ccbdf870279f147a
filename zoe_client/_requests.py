"""What programs may ask of the client, and how requests of REST say it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypedDict
from urllib.parse import quote

from zoe_core.protocol import rest_admin
from zoe_core.zapp import InstanceSize

Value = str | int | float | bool | None
Limit = int | float | str | None
Priority = Literal["low", "normal", "high"]
Sizes = Mapping[str, InstanceSize | Mapping[str, float]]
"""What each instance of a service is to have, by the name of the service: ``memory`` in bytes,
``cores``; what is left out stays as it is.
"""


class Deeds(TypedDict, total=False):
    """What is asked of the audit log; all that is given must hold.

    ``action`` is the id of an operation of REST, such as ``launch``; ``target`` is what it was
    about, such as ``executions/42``.
    """

    actor: str | None
    action: str | None
    target: str | None
    outcome: rest_admin.AuditOutcome | None
    since: datetime | None
    until: datetime | None


def given(**query: Any) -> dict[str, Any]:
    """A query without what is left out."""
    return {key: value for key, value in query.items() if value not in (None, [], "")}


def wished(resources: Sizes | None, runtime_limit: int | None) -> dict[str, Any]:
    """Sizes and a runtime limit as REST takes them, as far as they are given."""
    sizes = {
        name: each.model_dump(exclude_none=True) if isinstance(each, InstanceSize) else dict(each)
        for name, each in (resources or {}).items()
    }
    return given(resources=sizes or None, runtime_limit=runtime_limit)


def deeds(which: Deeds) -> dict[str, Any]:
    """A query of the audit log."""
    moments = {"since": iso(which.get("since")), "until": iso(which.get("until"))}
    return given(**{**which, **moments})


def iso(moment: datetime | None) -> str | None:
    """A moment without a time zone is one of this machine's."""
    return moment.astimezone().isoformat() if moment else None


def matching(tag: str | None, none: str | None = None) -> dict[str, str]:
    """The headers that let something be done only to what has this tag, and has not that one."""
    given = {"If-Match": tag, "If-None-Match": none}
    return {name: value for name, value in given.items() if value is not None}


def quota_path(kind: rest_admin.QuotaKind, name: str) -> str:
    """Where a quota is."""
    return f"/quotas/{kind}/{quoted(name)}"


def quoted(name: str) -> str:
    """A name as a part of a path."""
    return quote(name, safe="")
