"""Users over REST, and the audit log as a file."""

import csv
import io
import json
from datetime import UTC, datetime

from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.test_audit import ADMIN
from tests.zoe_hub.portal.test_bad_input import check_problem
from zoe_core.protocol.rest_admin import Users
from zoe_store.audit import Deed, record


async def test_each_user_with_what_she_may_hold(portal: Portal) -> None:
    await portal.launch("carol")
    limits = {"executions": 2}
    await portal.request("PUT", "/quotas/user/ada", "olga", scopes=ADMIN, json=limits)
    await portal.request("PUT", "/quotas/group/chemists", "olga", scopes=ADMIN, json={"cores": 1.5})

    answer = await portal.get("/users", "olga", scopes=ADMIN)

    ada, carol = Users.model_validate_json(answer.content).items
    assert (ada.name, ada.own_quota, ada.quota.executions) == ("ada", True, 2)
    assert (ada.last_submitted_at, ada.up, ada.held.memory) == (None, 0, 0)
    assert (carol.groups, carol.waiting, carol.quota.cores) == (("chemists",), 1, 1.5)


async def test_it_is_for_administrators(portal: Portal) -> None:
    for path in ("/users", "/audit.csv"):
        check_problem(await portal.get(path), 403)


async def test_the_audit_log_is_sent_whole_and_as_text(portal: Portal) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    many = [Deed(at, "ada", "user", "launch", f"executions/{n}", "done") for n in range(2500)]
    evil = Deed(at, "=1+1", "user", "launch", "@x", "refused", {"why": 'a "b"\nc'})
    record(portal.database, [evil, *many])

    answer = await portal.get("/audit.csv", "olga", scopes=ADMIN)

    assert answer.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(lines) == 2501
    assert [lines[0]["target"], lines[-2]["target"]] == ["executions/2499", "executions/0"]
    assert (lines[-1]["actor"], lines[-1]["target"]) == ("'=1+1", "'@x")
    assert json.loads(lines[-1]["detail"]) == {"why": 'a "b"\nc'}
    some = await portal.get("/audit.csv", "olga", scopes=ADMIN, params={"outcome": "refused"})
    assert len(list(csv.DictReader(io.StringIO(some.text)))) == 1
