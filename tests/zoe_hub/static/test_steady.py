"""Lists that somebody is about to press something in, in the browser that they are for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser import DESKTOP, chromium
from zoe_hub.portal.pages.assets import STATIC

pytestmark = pytest.mark.browser

IMPORT = """
async source => {
  const file = new Blob([source], { type: "text/javascript" });
  window.script = await import(URL.createObjectURL(file));
  window.again = 0;
  script.whenPossible(() => window.again++);
}
"""
# To show those rows instead of the present ones, as far as that is possible.
SHOW = """
rows => {
  const list = document.getElementById("list");
  const before = list.innerHTML;
  return script.makeSteadily(list, () => list.innerHTML = rows, () => list.innerHTML = before);
}
"""
# To write something above the list, which moves nothing.
NOTE = """
() => {
  const note = document.getElementById("note");
  return script.makeSteadily(note, () => note.textContent = "Note.", () => note.textContent = "");
}
"""
LETS_GO = {
    "the mouse without its button": "new PointerEvent('pointermove', {buttons: 0, bubbles: true})",
    "a gesture of the system": "new PointerEvent('pointercancel', {bubbles: true})",
    "a menu": "new MouseEvent('contextmenu', {bubbles: true})",
}
# Milliseconds. SOON and LATE together are more than anybody stays who does nothing.
AT_ONCE, SOON, LATE = 10, 14_000, 2_000


def row(name: str, said: str = "", style: str = "height: 60px") -> str:
    return (
        f'<li style="{style}"><form action="stop/{name}"><button id="{name}" type="button">'
        f"Stop</button></form> {said}</li>"
    )


A, B, C = map(row, "abc")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Two rows in a list, and room beside it."""
    with browser.new_context(viewport=DESKTOP, has_touch=True) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.set_content(
            '<h1 id="away">Elsewhere</h1><p id="note" style="height: 20px"></p>'
            f'<ul id="list" data-steady style="width: 500px">{A}{B}</ul>'
        )
        page.clock.install(time=0)
        page.clock.pause_at(1)  # it stands still, but for what a test lets pass
        page.evaluate(IMPORT, (STATIC / "js" / "steady.js").read_text())
        yield page


def show(page: Page, *rows: str) -> bool:
    """Whether it could be done. What the list shows is as it should be then."""
    before = page.inner_html("#list")
    done = page.evaluate(SHOW, "".join(rows))
    assert page.inner_html("#list") == ("".join(rows) if done else before)
    return bool(done)


def test_nobody_is_there(page: Page) -> None:
    assert show(page, B, A)
    assert show(page, C)


def test_what_a_mouse_is_over_does_not_move(page: Page) -> None:
    page.hover("#b")
    assert not show(page, B, A)
    assert not show(page, B), "one has gone"
    assert not show(page, C, A, B)
    assert not show(page, A, C), "another one is in its place"
    assert not show(page, row("a", style="height: 80px"), B)
    assert page.evaluate("again") == 0
    page.hover("#away")
    assert page.evaluate("again") == 1
    assert show(page, B, A)


def test_what_moves_nothing_is_shown_at_once(page: Page) -> None:
    page.hover("#b")
    assert show(page, row("a", "runs"), B)
    assert show(page, row("a", "still runs"), B, C)


def test_what_is_above_the_list_does_not_move_it(page: Page) -> None:
    page.hover("#b")
    above = "document.getElementById('away').style.marginTop"
    change = f"() => script.makeSteadily(away, () => {above} = '99px', () => {above} = '')"
    assert page.evaluate(change) is False
    page.hover("#away")
    assert page.evaluate(change) is True


def test_a_button_that_is_down_is_not_replaced(page: Page) -> None:
    page.hover("#b")
    page.mouse.down()
    assert not show(page, row("a", "runs"), B)
    page.mouse.up()
    page.clock.run_for(AT_ONCE)
    assert page.evaluate("again") > 0
    assert show(page, row("a", "runs"), B)


def test_what_is_elsewhere_may_be_said_meanwhile(page: Page) -> None:
    page.hover("#b")
    page.mouse.down()
    assert page.evaluate(NOTE)


@pytest.mark.parametrize("event", LETS_GO.values(), ids=LETS_GO)
def test_a_button_that_is_let_go_unseen_is_not_down(page: Page, event: str) -> None:
    page.hover("#b")
    page.mouse.down()
    page.evaluate(f"document.getElementById('b').dispatchEvent({event})")
    page.clock.run_for(AT_ONCE)
    assert page.evaluate("again") > 0
    assert show(page, row("a", "runs"), B)


def test_whoever_turns_to_another_window_has_let_go(page: Page) -> None:
    page.hover("#b")
    page.mouse.down()
    page.evaluate("dispatchEvent(new Event('blur'))")
    page.clock.run_for(AT_ONCE)
    assert page.evaluate("again") > 0
    assert show(page, row("a", "runs"), B)


def test_another_button_of_the_mouse_presses_nothing(page: Page) -> None:
    page.hover("#b")
    page.mouse.down(button="middle")
    assert show(page, row("a", "runs"), B)


def test_a_mouse_that_rests_there_counts_for_a_while(page: Page) -> None:
    page.hover("#b")
    page.clock.run_for(SOON)
    assert not show(page, B, A)
    page.hover("#a")
    page.clock.run_for(SOON)
    assert not show(page, B, A)
    assert page.evaluate("again") == 0
    page.clock.run_for(LATE)
    assert page.evaluate("again") == 1
    assert show(page, B, A)


def test_a_page_that_is_hidden_has_been_left(page: Page) -> None:
    page.hover("#b")
    page.mouse.down()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.clock.run_for(AT_ONCE)
    assert show(page, C)


def test_keys_count_for_a_while(page: Page) -> None:
    page.focus("#a")
    page.keyboard.press("Tab")
    page.clock.run_for(SOON)
    page.keyboard.press("ArrowDown")
    page.clock.run_for(SOON)
    before = page.evaluate("again")
    assert not show(page, A)
    page.focus("#b")  # as the undone change took it away
    page.clock.run_for(LATE)
    assert page.evaluate("again") > before
    assert show(page, A)


def test_who_is_there_with_the_keyboard_stays(page: Page) -> None:
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "b"
    assert not show(page, C)
    page.focus("#b")
    page.keyboard.press("Tab")
    page.clock.run_for(AT_ONCE)
    assert page.evaluate("again") > 0
    assert show(page, C)


def test_a_finger_counts_for_a_while(page: Page) -> None:
    page.touchscreen.tap(*center(page, "#a"))
    assert not show(page, B, A)
    page.clock.run_for(AT_ONCE)
    before = page.evaluate("again")  # she has let go
    page.clock.run_for(4_000)
    assert page.evaluate("again") > before
    assert show(page, B, A)


def center(page: Page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
