"""The launch form answers before the click, in a real browser, about a real queue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import collect_errors, keep_screenshot
from tests.support.running_zoe import ROOT, RunningZoe
from tests.support.waiting import eventually
from tests.zoe_hub.portal.programs import python

pytestmark = pytest.mark.browser

API = "/services/zoe/api/v1"
HALF_AN_HOUR = 1800  # seconds
PLACE = "part => [part.offsetTop, part.offsetHeight]"

# The MPI job needs 128 MB, and 256 MB for each worker, all at once.
ROOM_FOR_FOUR = f"""
exec(open({str(ROOT / "jupyterhub_config.py")!r}).read())
c.ProcessBackend.memory = 1200 * 2**20
c.ProcessBackend.cores = 16
"""


@pytest.fixture
def zoe(tmp_path: Path) -> Iterator[RunningZoe]:
    """One in which something takes 512 MB for half an hour."""
    with RunningZoe(tmp_path / "zoe", ROOM_FOR_FOUR) as zoe:
        headers = {"Authorization": f"token {zoe.administrator().make_token()}"}
        with httpx.Client(base_url=zoe.url, headers=headers, timeout=30) as admin:
            sleeper = python(
                "import time; time.sleep(3600)",
                image="zoe/mpi",
                resources={"memory": {"min": 512 * 2**20}},
            )
            body = {"description": {**sleeper, "runtime_limit": HALF_AN_HOUR}}
            answer = admin.post(f"{API}/executions", json=body)
            assert answer.status_code == 201, answer.text
            path = f"{API}/executions/{answer.json()['id']}"
            eventually(lambda: admin.get(path).json()["status"] == "running", timeout=60)
        yield zoe


def test_it_answers_while_it_is_filled_in(visitor: Page) -> None:
    errors = collect_errors(visitor)
    visitor.goto("/services/zoe/zapps/mpi-job")
    workers = visitor.get_by_label("Workers", exact=True)
    when, others = visitor.locator("#estimate-when"), visitor.locator("#estimate-others")
    expect(when).to_have_text("Starts now.")
    expect(others.get_by_role("button")).to_have_count(2)  # 1 and 4: 8 would never fit
    place = visitor.locator("#estimate").evaluate(PLACE)
    keep_screenshot(visitor, "launch-form-now")

    others.get_by_role("button", name="4 in about").click()
    expect(workers).to_have_value("4")
    expect(when).to_contain_text("Starts in about")
    expect(when).to_contain_text("min")
    expect(others.get_by_role("button", name="1 now")).to_be_visible()
    expect(others.get_by_role("button", name="2 now")).to_be_visible()
    assert visitor.locator("#estimate").evaluate(PLACE) == place
    keep_screenshot(visitor, "launch-form-later")

    workers.fill("16")
    expect(when).to_contain_text("This would be refused.")
    workers.fill("2")
    expect(when).to_have_text("Starts now.")
    assert visitor.locator("#estimate").evaluate(PLACE) == place
    assert errors == []


def test_without_an_answer_it_says_nothing_alarming(visitor: Page) -> None:
    visitor.route("**/zapps/mpi-job/estimate", lambda route: route.abort())
    visitor.goto("/services/zoe/zapps/mpi-job")
    expect(visitor.locator("#estimate-when")).to_have_text("No estimate just now.")
    expect(visitor.locator("#estimate-others").get_by_role("button")).to_have_count(0)
    expect(visitor.get_by_role("button", name="Launch")).to_be_enabled()
