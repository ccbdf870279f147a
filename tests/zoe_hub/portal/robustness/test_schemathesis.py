"""Requests that nobody thought of, made from our own OpenAPI document, as four kinds of callers.

No answer is a fault of the server, none is other than the document says, and none has what belongs
to somebody else. ``make fuzz`` makes more of them: ``FUZZ_EXAMPLES`` for each operation.
"""

import asyncio
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert

from tests.support.hub import SCOPES
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.test_bad_input import OWN
from zoe_core.cluster import Quota
from zoe_hub import permissions
from zoe_store import audit
from zoe_store.audit import Deed
from zoe_store.quotas import set_quota
from zoe_store.tables import usage_totals

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "8"))
"""For each operation in each phase."""

HOOKS = Path(__file__).with_name("hooks.py")
ENDLESS = ("followAll", "followExecution", "followCluster")
"""Streams: schemathesis would wait for their end. They have tests of their own."""

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "shows_nothing_foreign",
)
CALLERS = {
    "nobody": None,
    "alice": SCOPES,
    "bob": permissions.USER_SCOPES,
    "olga": permissions.ADMIN_SCOPES,
}


QUOTA, USAGE, AUDIT = "secret-quota", "secret-usage", "secret-audit"
"""Names that stand only in what nobody but olga may see: of quotas, in usage, in the audit log."""


def secret_of(user: str) -> str:
    """A name that only an execution of this user has."""
    return f"secret-of-{user}"


async def fill(portal: Portal) -> None:
    """Executions of three people, one of which runs."""
    sleeper = {**OWN, "services": [{**OWN["services"][0], "command": "sleep 900"}]}
    for user in ("alice", "bob", "carol"):
        await portal.launch(user, name=secret_of(user))
        await portal.launch(user, zapp=None, description=sleeper, name=secret_of(user))
    for kind in ("user", "group"):
        set_quota(portal.database, kind, QUOTA, Quota(executions=7), QUOTA)
    now = datetime.now(UTC)
    audit.record(portal.database, [Deed(now, AUDIT, "user", AUDIT, AUDIT, "done", {AUDIT: AUDIT})])
    use_something(portal, now)


def use_something(portal: Portal, now: datetime) -> None:
    """As the master keeps it of what was purged."""
    whose = {"day": now.date(), "user_name": USAGE, "groups": [USAGE], "zapp": USAGE}
    counts = dict.fromkeys(("executions", "failed", "ran"), 1)
    sums = ("wait_seconds", "millicore_seconds", "byte_seconds", "gpu_seconds")
    row = {**whose, **counts, **dict.fromkeys(sums, 3600.0)}
    with portal.database.transaction() as connection:
        connection.execute(insert(usage_totals).values(**row))


async def check_that_it_is_there(portal: Portal) -> None:
    """Whoever may see what is marked does; that others do not would be no wonder without that."""
    marked = {"/quotas": QUOTA, "/usage?user=*": USAGE, "/audit": AUDIT}
    for path, mark in marked.items():
        assert mark in (await portal.get(path, "olga", scopes=CALLERS["olga"])).text


def foreign_to(caller: str) -> list[str]:
    if caller == "olga":
        return []
    others = [secret_of(user) for user in ("alice", "bob", "carol") if user != caller]
    return [*others, QUOTA, USAGE, AUDIT]


async def schemathesis(portal: Portal, caller: str, report: Path) -> tuple[int, str]:
    """Run it; returns its exit code and what it printed."""
    scopes = CALLERS[caller]
    headers = [] if scopes is None else ["Authorization: " + token(portal, caller, tuple(scopes))]
    document = report.with_suffix(".openapi.json")
    document.write_text((await portal.get("/openapi.json")).text)
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("schemathesis")),
        *("run", str(document), "--url", f"{portal.url}api/v1"),
        *(part for each in headers for part in ("--header", each)),
        *("--checks", ",".join(CHECKS), "--max-examples", str(EXAMPLES), "--seed", "1"),
        *(part for each in ENDLESS for part in ("--exclude-operation-id", each)),
        *("--report", "json", "--report-json-path", str(report), "--warnings", "off"),
        *("--continue-on-failure", "--request-timeout", "60", "--no-shrink"),
        cwd=report.parent,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": str(HOOKS),
            "FOREIGN": ",".join(foreign_to(caller)),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    return process.returncode or 0, printed.decode()


def token(portal: Portal, user: str, scopes: tuple[str, ...]) -> str:
    return portal.headers(user, scopes)["Authorization"]


@pytest.mark.usefixtures("master")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("caller", CALLERS)
async def test_requests_that_nobody_thought_of(portal: Portal, caller: str, tmp_path: Path) -> None:
    await fill(portal)
    await check_that_it_is_there(portal)
    report = tmp_path / "report.json"
    code, printed = await schemathesis(portal, caller, report)
    assert code == 0, printed
    done = json.loads(report.read_text())
    assert done["complete"]
    assert done["test_cases"]["generated"] >= 2000 / len(CALLERS)
