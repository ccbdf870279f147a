"""Scripts that work together on a page, in the browser that they are for, without a portal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.support.browser import DESKTOP, chromium
from tests.support.waiting import eventually
from zoe_hub.portal.pages.assets import STATIC
from zoe_hub.portal.pages.rendering import templates
from zoe_hub.portal.presenters.estimate import Choice, Choices

pytestmark = pytest.mark.browser

ORIGIN = "http://zoe.test"
START = datetime(2030, 1, 1, tzinfo=UTC)
AGAIN = 31_000  # milliseconds: more than the launch form waits before it asks again


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """One whose clock stands still; whatever a script of it complains about fails the test."""
    with browser.new_context(viewport=DESKTOP) as context:  # type: ignore[arg-type]
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.clock.install(time=START - timedelta(hours=1))
        page.clock.pause_at(START)
        yield page
        assert errors == []


def show(page: Page, html: str, *scripts: str) -> None:
    """Open a page that has these scripts."""
    tags = "".join(f'<script type="module" src="static/js/{name}"></script>' for name in scripts)

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(f"{ORIGIN}/")
        if path.startswith("static/"):
            route.fulfill(path=STATIC / path.removeprefix("static/"))
        else:
            route.fulfill(body=f"<!DOCTYPE html>{html}{tags}", content_type="text/html")

    page.route(f"{ORIGIN}/**", answer)
    page.goto(f"{ORIGIN}/")


# --- questions before something is sent ---

_QUESTION = """
<dialog id="confirm">
  <form method="dialog">
    <p id="confirm-question"></p><button value="no">No</button><button value="yes">Yes</button>
  </form>
</dialog>
"""
# Instead of sending a form, to write down what it would have said.
_WRITE_DOWN = """
window.sent = [];
addEventListener("submit", (event) => {
  if (event.target.method === "dialog" || event.defaultPrevented) return;
  event.preventDefault();
  sent.push(new FormData(event.target).get("draining"));
});
"""
_ANSWERED = """
document.getElementById("confirm").addEventListener("close", () => (window.answered = true));
"""


def drain(question: str, draining: str, action: str = "drain") -> str:
    return (
        f'<form method="post" action="{action}" data-confirm="{question}">'
        f'<input type="hidden" name="draining" value="{draining}"><button>Do it</button></form>'
    )


ASKED = drain("Drain node-1?", "true")


@pytest.mark.parametrize(
    ("present", "sent"),
    [
        (ASKED, ["true"]),
        (drain("Use node-1 again?", "false") + ASKED, ["true"]),
        (drain("Use node-1 again?", "false"), []),
        (drain("Drain node-1?", "true", action="elsewhere"), []),
        ("", []),
    ],
    ids=["the same", "not the first", "the opposite", "another", "gone"],
)
def test_yes_is_said_to_what_was_asked(page: Page, present: str, sent: list[str]) -> None:
    show(page, f'<div id="list">{ASKED}</div>{_QUESTION}', "confirm.js")
    page.evaluate(_WRITE_DOWN)
    page.get_by_role("button", name="Do it").click()
    page.evaluate("html => { document.getElementById('list').innerHTML = html }", present)
    page.evaluate(_ANSWERED)
    page.get_by_role("button", name="Yes").click()
    eventually(lambda: page.evaluate("window.answered"))
    assert page.evaluate("sent") == sent


# --- what is about to be ended ---


def test_a_warning_moves_no_list_that_somebody_is_at(page: Page) -> None:
    at = (START + timedelta(minutes=1)).isoformat()
    warning = f'<p id="warning" data-warn-at="{at}" hidden>It is ended soon.</p>'
    rows = '<ul data-steady><li><button id="stop">Stop</button></li></ul>'
    show(page, f'<h1>Executions</h1><div id="notices">{warning}</div>{rows}', "endings.js")
    before = page.locator("#stop").bounding_box()
    page.clock.run_for(55_000)
    page.hover("#stop")
    page.clock.run_for(10_000)
    expect(page.locator("#warning")).to_be_hidden()
    assert page.locator("#stop").bounding_box() == before
    page.hover("h1")
    expect(page.locator("#warning")).to_be_visible()


def test_a_warning_is_shown_when_its_moment_has_come(page: Page) -> None:
    at = (START + timedelta(minutes=1)).isoformat()
    show(page, f'<p id="warning" data-warn-at="{at}" hidden>It is ended soon.</p>', "endings.js")
    page.clock.run_for(59_000)
    expect(page.locator("#warning")).to_be_hidden()
    page.clock.run_for(2_000)
    expect(page.locator("#warning")).to_be_visible()


# --- the launch form ---

_FORM = """
<form data-estimate="estimate" data-no-estimate="No estimate just now.">
  <input name="p-workers" value="2">
</form>
<div id="estimate" hidden><p id="estimate-when"></p><div id="estimate-others"></div></div>
<script type="module">
  import { answerBeforeTheClick } from "./static/js/estimate.js";
  answerBeforeTheClick();
</script>
"""


class Estimates:
    """A launch form, and what the portal answers it; ``None`` is that the portal is away."""

    def __init__(self, page: Page) -> None:
        self.answer: str | None = starts(one="at once", four="at once")
        self._page = page
        show(page, _FORM)
        page.route(f"{ORIGIN}/estimate", self._answer)
        page.evaluate("dispatchEvent(new Event('pageshow'))")
        expect(self.four).to_have_text("4 at once")

    @property
    def four(self) -> Locator:
        """The button that takes four workers."""
        return self._page.locator("[data-value='4']")

    def answers_again(self, answer: str | None) -> None:
        """It has come when this returns; what is to be seen of it is another matter."""
        self.answer = answer
        with self._page.expect_response(f"{ORIGIN}/estimate") as response:
            self._page.clock.run_for(AGAIN)
        response.value.finished()

    def _answer(self, route: Route) -> None:
        if self.answer is None:
            route.fulfill(status=503, json={"detail": "It is away."})
        else:
            route.fulfill(body=self.answer, content_type="text/html")


def starts(when: str = "Starts now.", **others: str) -> str:
    """The portal's answer when one or four workers instead would start then."""
    numbers = {"one": "1", "four": "4"}
    choices = tuple(Choice("p-workers", numbers[each], at) for each, at in others.items())
    start = SimpleNamespace(known=True, guess=when, spread="")
    template = templates().get_template("estimate.html")
    return template.render(when=start, needs=(), rows=[Choices("Workers", choices)])


def focused(page: Page) -> str:
    """What the keyboard is in: what it says, or the name of a field."""
    return page.evaluate("document.activeElement.name || document.activeElement.innerText")


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        (starts(one="at once", four="later"), "4 later"),
        (starts(one="at once"), "p-workers"),
        (None, "p-workers"),
    ],
    ids=["another time", "no such number any more", "no answer"],
)
def test_the_keyboard_stays_where_it_is(page: Page, answer: str | None, place: str) -> None:
    form = Estimates(page)
    form.four.focus()
    form.answers_again(answer)
    eventually(lambda: focused(page) == place)


def test_a_button_that_is_down_is_not_replaced(page: Page) -> None:
    form = Estimates(page)
    form.four.hover()
    page.mouse.down()
    form.answers_again(starts("Starts soon.", one="later", four="later"))
    expect(page.locator("#estimate-when")).to_have_text("Starts soon.")
    expect(form.four).to_have_text("4 at once")
    page.mouse.up()
    expect(page.locator("input")).to_have_value("4")


def test_what_waited_for_a_button_is_shown_when_it_is_let_go(page: Page) -> None:
    form = Estimates(page)
    form.four.hover()
    page.mouse.down()
    form.answers_again(starts("Starts soon.", one="later", four="later"))
    expect(page.locator("#estimate-when")).to_have_text("Starts soon.")
    page.mouse.move(0, 0)
    page.mouse.up()
    page.clock.run_for(200)
    expect(form.four).to_have_text("4 later")
    expect(page.locator("#estimate-when")).to_have_text("Starts soon.")
    expect(page.locator("input")).to_have_value("2")


# --- the search of the log ---

_LOG = """
<input id="log-find"><span id="log-matches"></span><pre id="log"></pre>
<button id="log-previous"></button><button id="log-next"></button>
<script type="module">
  import { searchLog } from "./static/js/logfind.js";
  searchLog(() => {});
</script>
"""
_MARKED = "[...CSS.highlights.get('zoe-match')].map(String)"


@pytest.mark.parametrize(
    ("log", "wanted", "marked"),
    [
        ("İİİİİİ an Error, an error", "ERROR", ["Error", "error"]),
        ("İstanbul istanbul", "İ", ["İ"]),
        ("aaa", "aa", ["aa"]),
        ("1.5 (a|b)? 125", "1.5", ["1.5"]),
        ("1.5 (a|b)? 125", "(a|b)?", ["(a|b)?"]),
        ("a\\d-{2}/[x]^$+*", "\\d-{2}/[x]^$+*", ["\\d-{2}/[x]^$+*"]),
        ("abc", "x", []),
    ],
)
def test_matches_are_marked_where_they_are(
    page: Page, log: str, wanted: str, marked: list[str]
) -> None:
    show(page, _LOG)
    page.evaluate("log => { document.getElementById('log').textContent = log }", log)
    page.locator("#log-find").fill(wanted)
    assert page.evaluate(_MARKED) == marked
