"""What the audit log has of Jupyter servers: who had the Hub start one, or was refused it.

Whatever led to it: the Hub's pages, its REST interface, or a launch in the portal, which is told as
that as well. Who stops a server is not known to a spawner.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from zoe_hub.audit_log import bounded, short
from zoe_hub.permissions import SERVICE
from zoe_hub.spawn_steps import SpawnFailed
from zoe_store.audit import Deed, Outcome

if TYPE_CHECKING:
    from zoe_hub.spawner import ZoeSpawner

START = "startServer"
"""The action; no operation of Zoe's own REST has this id."""


@contextmanager
def told(spawner: ZoeSpawner) -> Iterator[None]:
    """Tell the audit log how the submission of a server ends; nobody waits until it is there.

    What the portal itself asks for is nobody's deed: it launches again after a restart of the Hub.
    """
    asked = spawner.user_options if isinstance(spawner.user_options, Mapping) else {}
    asker = getattr(spawner.handler, "current_user", None)
    if asker is None or (asker.kind, asker.name) == ("service", SERVICE):
        yield
        return
    who = (str(asker.name), str(asker.kind))
    detail = {"user": spawner.user.name, "server": spawner.name, "zapp": asked.get("zapp")}
    try:
        yield
    except SpawnFailed as failure:
        why = {"status": failure.status_code, "why": str(failure.log_message)}
        _tell(spawner, who, _outcome(failure.status_code), detail | why)
        raise
    _tell(spawner, who, "done", detail)


def _outcome(status: int) -> Outcome:
    if status == HTTPStatus.SERVICE_UNAVAILABLE:  # perhaps after it was stored
        return "unknown"
    return "failed" if status >= 500 else "refused"


def _tell(
    spawner: ZoeSpawner, who: tuple[str, str], outcome: Outcome, detail: dict[str, Any]
) -> None:
    number = spawner.execution_id
    target = f"servers/{spawner.user.name}/{spawner.name}"
    if outcome == "done" and number is not None:
        target = f"executions/{number}"
    actor, kind = who
    at = datetime.now(UTC)
    deed = Deed(at, actor, kind, START, short(target), outcome, bounded(detail))
    spawner.side.audit.add(deed)
