"""The page of a server that waits, in a real browser, while the Hub is restarted behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.integration.test_servers import ROOM_FOR_ONE, is_ready, start
from tests.support.browser import keep_screenshot
from tests.support.running_zoe import RunningZoe
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser


@pytest.fixture
def zoe(tmp_path: Path) -> Iterator[RunningZoe]:
    with RunningZoe(tmp_path / "zoe", ROOM_FOR_ONE) as zoe:
        yield zoe


def test_it_goes_on_by_itself_and_leads_to_the_server(zoe: RunningZoe, visitor: Page) -> None:
    headers = {"Authorization": f"token {zoe.administrator().make_token()}"}
    with httpx.Client(base_url=zoe.url, headers=headers, timeout=30) as admin:
        start(admin, "first")
        eventually(lambda: is_ready(admin, "first"), timeout=60)
    visitor.goto("/hub/spawn/admin/second")
    visitor.wait_for_url("**/hub/spawn-pending/admin/second**")
    headline, lost = visitor.locator("#spawn-now"), visitor.locator("#connection")
    number_one = re.compile("You are number 1 in the queue. notebook-0 needs 512 MB")
    expect(headline).to_have_text(number_one)

    assert zoe.process is not None
    zoe.process.kill()
    zoe.process.wait()
    expect(lost).to_be_visible()
    keep_screenshot(visitor, "spawn-hub-away")
    zoe.start_and_wait()
    expect(lost).to_be_hidden()
    expect(headline).to_have_text(number_one)
    keep_screenshot(visitor, "spawn-hub-back")

    zoe.stop()  # what ran ends with it: there is room for the second one
    expect(lost).to_be_visible()
    expect(visitor.locator("#spawn-failed")).to_be_hidden()
    zoe.start_and_wait()
    visitor.wait_for_url("**/user/admin/second/**")
