"""The warning inside JupyterLab and Notebook 7, on a whole Zoe, and what follows it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import collect_errors, keep_screenshot
from tests.support.running_zoe import ROOT, RunningZoe
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

# Servers may idle for a while; the Hub hears every second of what they do.
CONFIG = f"""
exec(open({str(ROOT / "jupyterhub_config.py")!r}).read())
c.ZoePortal.idle_timeout = 60
c.JupyterHub.activity_resolution = 1
c.Spawner.environment = {{"JUPYTERHUB_ACTIVITY_INTERVAL": "1"}}
"""
EXECUTIONS = "/services/zoe/api/v1/executions"
IDLE = "Nobody uses this server. It will be stopped in"
GOES_ON = "This server goes on."


@pytest.fixture(scope="module")
def zoe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningZoe]:
    with RunningZoe(tmp_path_factory.mktemp("idle") / "zoe", CONFIG) as zoe:
        yield zoe


@pytest.fixture
def admin(zoe: RunningZoe) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"token {zoe.administrator().make_token()}"}
    with httpx.Client(base_url=zoe.url, headers=headers, timeout=30) as client:
        yield client


def execution(admin: httpx.Client, server: str = "") -> dict[str, Any]:
    """That of a server; without a name, of "My Server"."""
    items: list[dict[str, Any]] = admin.get(EXECUTIONS).raise_for_status().json()["items"]
    return next(each for each in items if each["server_name"] == server)


def events(admin: httpx.Client, execution_id: int) -> list[str]:
    """The kinds of what has happened to one that has ended."""
    answer = admin.get(f"{EXECUTIONS}/{execution_id}/events")
    lines = [line for line in answer.text.splitlines() if line.startswith("event: ")]
    return [line.removeprefix("event: ") for line in lines]


def test_it_warns_is_kept_and_is_ended(visitor: Page, admin: httpx.Client) -> None:
    errors = collect_errors(visitor)
    visitor.get_by_role("button", name="Start My Server").click()
    visitor.wait_for_url("**/user/admin/lab**")
    warning = visitor.get_by_text(IDLE)
    keep = visitor.get_by_role("button", name="Keep it")

    # An open page alone is no use. Kept by the button.
    expect(warning).to_be_visible()
    assert execution(admin)["ends_because"] == "idle"
    expect(keep).to_be_in_viewport(ratio=1)  # it slides in
    keep_screenshot(visitor, "lab-idle-warning", phone=False)
    keep.click()
    expect(visitor.get_by_text(GOES_ON)).to_be_visible()
    assert execution(admin)["ends_at"] is None
    assert errors == []

    # Its time is over soon: more of it.
    document = execution(admin)
    address = f"{EXECUTIONS}/{document['id']}"
    soon = _seconds_run(admin) + 40
    admin.patch(address, json={"runtime_limit": soon}).raise_for_status()
    more = visitor.get_by_role("button", name="Give it 1 h more")
    expect(more).to_be_in_viewport(ratio=1)
    keep_screenshot(visitor, "lab-time-warning", phone=False)
    more.click()
    eventually(lambda: execution(admin)["runtime_limit"] == soon + 3600)
    expect(more).to_have_count(0)

    # Nobody does anything, with either server.
    admin.post("/hub/api/users/admin/servers/other").raise_for_status()
    visitor.goto("/user/admin/tree")
    expect(keep).to_be_in_viewport(ratio=1)
    keep_screenshot(visitor, "notebook-idle-warning", phone=False)
    keep_on_a_page(visitor.context.new_page(), admin)
    eventually(lambda: execution(admin)["status"] == "terminated", timeout=90)
    assert execution(admin)["reason"].startswith("It was idle for 1 min")
    told = events(admin, document["id"])
    assert told.count("idle_warning") == told.count("idle_over") + 1 >= 2
    assert told.count("keep_requested") >= 1


def keep_on_a_page(page: Page, admin: httpx.Client) -> None:
    """The pages of the portal warn as well, and one click keeps the other server."""
    errors = collect_errors(page)
    page.goto("/services/zoe/")
    number = execution(admin, "other")["id"]
    warning = page.locator(".zoe-ending", has=page.locator(f"#ending-{number}"))
    expect(warning).to_contain_text("is idle and is stopped in")
    expect(warning).to_be_visible()
    keep_screenshot(page, "portal-idle-warning", phone=False)
    warning.get_by_role("button", name="Keep it").click()
    page.wait_for_url(f"**/executions/{number}")
    assert execution(admin, "other")["ends_at"] is None
    expect(warning).to_have_count(0)
    assert errors == []
    page.close()


def _seconds_run(admin: httpx.Client) -> int:
    started = datetime.fromisoformat(execution(admin)["started_at"])
    return int((datetime.now(UTC) - started).total_seconds())
