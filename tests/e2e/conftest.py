"""One portal and one browser for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.browser import DESKTOP, chromium, keep_screenshot
from tests.support.running_zoe import RunningZoe

PATIENCE = 90_000  # milliseconds: the machine may be busy
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningZoe]:
    """A portal that runs for all tests here."""
    with RunningZoe(tmp_path_factory.mktemp("e2e") / "zoe") as portal:
        yield portal


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def logged_in(portal: RunningZoe, browser: Browser) -> Iterator[BrowserContext]:
    """A window in which the administrator has used her one-time link."""
    context = browser.new_context(viewport=DESKTOP, base_url=portal.url)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(portal.printed_link)
    keep_screenshot(page, "login-link")
    page.get_by_role("button", name="Log in as admin").click()
    page.wait_for_url("**/hub/home")
    keep_screenshot(page, "home")
    page.close()
    yield context
    context.close()


@pytest.fixture
def page(logged_in: BrowserContext) -> Iterator[Page]:
    """A fresh page of the administrator's window."""
    page = logged_in.new_page()
    yield page
    page.close()


@pytest.fixture
def visitor(zoe: RunningZoe, browser: Browser) -> Iterator[Page]:
    """The administrator's browser, after she has used her link, at the module's own ``zoe``."""
    context = browser.new_context(viewport=DESKTOP, base_url=zoe.url)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(zoe.fresh_link())
    page.get_by_role("button", name="Log in as admin").click()
    page.wait_for_url("**/hub/home")
    yield page
    context.close()
