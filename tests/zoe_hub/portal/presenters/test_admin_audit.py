"""The audit log in words."""

from datetime import UTC, datetime
from typing import Any

import pytest

from zoe_core.cluster import NO_LIMIT
from zoe_core.protocol.rest_admin import AuditEntry
from zoe_hub.portal.presenters.admin_audit import rows

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
SUMMARIES = {"saveThing": "Save a thing"}


def said(
    action: str, target: str, detail: dict[str, Any], outcome: Any = "done", kind: str = "user"
) -> str:
    entry = AuditEntry(
        id=1,
        at=NOW,
        actor="ada",
        actor_kind=kind,
        action=action,
        target=target,
        outcome=outcome,
        detail=detail,
    )
    (row,) = rows([entry], SUMMARIES, "/zoe/", NOW)
    link = f"[{row.execution}]({row.url})" if row.execution else ""
    return " ".join(" ".join((row.actor, row.said, link, row.more, row.why)).split())


@pytest.mark.parametrize(
    ("action", "target", "detail", "expected"),
    [
        (
            "launch",
            "executions/42",
            {"zapp": "spark-job", "name": "pi", "new": True},
            "ada launched spark-job as [42](/zoe/executions/42)",
        ),
        (
            "launch",
            "executions/42",
            {"zapp": None, "new": False},
            "ada asked again for the launch of an own description, [42](/zoe/executions/42)",
        ),
        (
            "startServer",
            "executions/42",
            {"user": "ada", "server": "lab"},
            "ada had the Hub start a Jupyter server as [42](/zoe/executions/42)",
        ),
        (
            "startServer",
            "executions/42",
            {"user": "bob"},
            "ada had the Hub start a Jupyter server of bob as [42](/zoe/executions/42)",
        ),
        (
            "changeExecution",
            "executions/7",
            {"priority": "low", "runtime_limit": 7200},
            "ada changed [7](/zoe/executions/7) to low priority and a runtime limit of 2 h",
        ),
        ("endExecution", "executions/7", {}, "ada stopped [7](/zoe/executions/7)"),
        (
            "endExecution",
            "executions/7",
            {"purge": True},
            "ada removed [7](/zoe/executions/7) with its logs",
        ),
        (
            "setQuota",
            "quotas/group/lab",
            {"memory": 2**33, "cores": NO_LIMIT, "executions": 3},
            "ada set the quota of group lab to 3 executions, 8 GB, no limit on cores",
        ),
        ("removeQuota", "quotas/default/default", {}, "ada removed the default quota"),
        ("changeNode", "nodes/alpha", {"draining": True}, "ada drained node alpha"),
        ("changeNode", "nodes/alpha", {"draining": False}, "ada used node alpha again"),
        ("removeDrain", "drains/alpha", {}, "ada took back the drain of node alpha"),
        ("saveThing", "things/pi", {}, "ada did “Save a thing” (things/pi)"),
        (
            "saveThing",
            "executions/3",
            {},
            "ada did “Save a thing” to [3](/zoe/executions/3)",
        ),
    ],
)
def test_what_was_done(action: str, target: str, detail: dict[str, Any], expected: str) -> None:
    assert said(action, target, detail) == expected


@pytest.mark.parametrize(
    ("action", "target", "detail", "expected"),
    [
        ("launch", "executions", {}, "ada tried to launch an own description No."),
        ("launch", "zapps/pi", {"zapp": "pi"}, "ada tried to launch pi No."),
        ("endExecution", "executions/7", {}, "ada tried to stop [7](/zoe/executions/7) No."),
        ("setQuota", "quotas/user/ada", {}, "ada tried to set the quota of user ada No."),
        ("changeNode", "nodes/a", {"draining": False}, "ada tried to use node a again No."),
        ("saveThing", "", {}, "ada tried to do “Save a thing” No."),
    ],
)
def test_what_was_refused(action: str, target: str, detail: dict[str, Any], expected: str) -> None:
    for outcome in ("refused", "failed", "unknown"):
        assert said(action, target, detail | {"why": "No."}, outcome) == expected
