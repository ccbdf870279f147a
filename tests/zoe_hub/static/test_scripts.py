"""The scripts that compute something, in the browser that they are for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page

from tests.support.browser import chromium
from zoe_hub.portal.pages.assets import STATIC
from zoe_hub.portal.presenters.times import ago, duration

pytestmark = pytest.mark.browser

IMPORT = """
async source => {
  const file = new Blob([source], { type: "text/javascript" });
  window.script = await import(URL.createObjectURL(file));
}
"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with chromium() as browser:
        yield browser.new_page()


def load(page: Page, name: str) -> None:
    """Import a script that imports nothing itself as ``window.script``."""
    page.evaluate(IMPORT, (STATIC / "js" / name).read_text())


def shown(page: Page, *pieces: str) -> str:
    """What the log shows after these pieces of output."""
    load(page, "logtext.js")
    return page.evaluate(
        "pieces => { const log = new script.LogText(); pieces.forEach(p => log.add(p));"
        " return log.text; }",
        list(pieces),
    )


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["one\n", "two\n"], "one\ntwo\n"),
        (["\x1b[1;32mgreen\x1b[0m\n"], "green\n"),
        (["\x1b]0;title\x07plain\n"], "plain\n"),
        (["a\x1b[3", "1mb\n"], "ab\n"),  # an escape that is cut in two
        (["1%\r50%\r100%\n"], "100%\n"),
        (["1%", "\r", "2%", "\r", "3%\n"], "3%\n"),
        (["dos\r\nlines\r\n"], "dos\nlines\n"),
        (["dos\r", "\nline\n"], "dos\nline\n"),
        (["kept\n1%\r2%"], "kept\n2%"),
    ],
)
def test_output_is_shown_as_a_terminal_leaves_it(page: Page, pieces: list[str], text: str) -> None:
    assert shown(page, *pieces) == text


def test_of_very_long_output_the_end_is_kept_from_the_start_of_a_line(page: Page) -> None:
    lines = [f"line {number}\n" for number in range(60_000)]
    text = shown(page, *("".join(lines[at : at + 10_000]) for at in range(0, 60_000, 10_000)))
    assert len(text) < 400_001
    assert text.startswith("line ")
    assert text.endswith(lines[-1])


@pytest.mark.parametrize("seconds", [1, 30, 90, 5000, 40_000, 100_000, 600_000])
def test_the_browser_tells_times_in_the_servers_words(page: Page, seconds: int) -> None:
    now = datetime.now(UTC)
    at = now - timedelta(seconds=seconds)
    page.set_content(
        f'<time data-ago datetime="{at.isoformat()}"></time>'
        f'<span data-since="{at.isoformat()}"></span>'
    )
    load(page, "times.js")
    # The browser looks a moment later than we do.
    moments = [now + timedelta(seconds=each) for each in range(11)]
    assert page.inner_text("time") in {ago(at, each) for each in moments}
    assert page.inner_text("span") in {duration(at, each) for each in moments}
