"""The first visit of a new user, in a real browser, on a portal that `make portal` would start."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.support.browser import DESKTOP, collect_errors, keep_screenshot
from tests.support.running_zoe import RunningZoe
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser

ENDED = re.compile(r"^\s*Terminated\s*$")


def launch(page: Page, slug: str, **fields: str) -> None:
    """Fill in a launch form by its labels and send it; waits for the execution's page."""
    page.goto(f"/services/zoe/zapps/{slug}")
    for label, value in fields.items():
        page.get_by_label(label.replace("_", " "), exact=True).fill(value)
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url(re.compile(r"/services/zoe/executions/\d+$"))


def run_cell(page: Page, code: str) -> str:
    """Type into the notebook's current cell, run it, and return what it shows."""
    cells = page.locator(".jp-NotebookPanel .jp-CodeCell")
    number = cells.count()
    cell = cells.nth(number - 1)
    # JupyterLab drops what is run before the kernel is there; only the status bar tells.
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
    cell.locator(".cm-content").click()
    page.keyboard.insert_text(code)
    expect(cell.locator(".cm-content")).to_have_text(code)
    page.keyboard.press("Shift+Enter")
    expect(cells).to_have_count(number + 1)
    expect(cell.locator(".jp-InputPrompt")).to_have_text(f"[{number}]:")
    output = cell.locator(".jp-OutputArea-output").last
    expect(output).to_be_visible()
    return output.inner_text().strip()


@pytest.mark.usefixtures("logged_in")
def test_the_login_link_works_once(portal: RunningZoe, browser: Browser) -> None:
    stranger = browser.new_context(viewport=DESKTOP, base_url=portal.url)
    page = stranger.new_page()
    page.goto(portal.printed_link)
    expect(page.get_by_role("button", name="Log in as admin")).to_have_count(0)
    keep_screenshot(page, "login-link-used")
    page.goto("/services/zoe/")
    page.wait_for_url("**/hub/login**")
    keep_screenshot(page, "login")
    stranger.close()


def test_my_notebook(page: Page) -> None:
    page.goto("/hub/home")
    page.get_by_role("button", name="Start My Server").click()
    page.wait_for_url(re.compile("/hub/spawn-pending/|/user/admin/"))
    page.wait_for_url("**/user/admin/lab**")
    page.get_by_title("Python 3 (ipykernel)").first.click()
    expect(page.locator(".jp-NotebookPanel .jp-CodeCell")).to_have_count(1)
    assert run_cell(page, "1+1") == "2"
    # The notebook's own token may call the portal.
    client = "import zoe_client; zoe = zoe_client.Client()"
    status = run_cell(page, f"{client}; print(zoe.info().scheduler.status)")
    assert status == "running"
    keep_screenshot(page, "notebook", phone=False)


def test_a_spark_job_from_the_gallery(page: Page) -> None:
    errors = collect_errors(page)
    page.goto("/services/zoe/")
    keep_screenshot(page, "gallery")
    page.get_by_role("link", name="Spark job").click()
    page.wait_for_url("**/zapps/spark-job")
    keep_screenshot(page, "zapp")
    launch(page, "spark-job", Workers="2", Name="my first Spark job")
    keep_screenshot(page, "execution-running")
    expect(page.get_by_text("Pi is roughly 3.1")).to_be_visible(timeout=120_000)
    expect(page.get_by_text(ENDED).first).to_be_visible()
    keep_screenshot(page, "execution-ended")
    assert errors == []


def test_an_mpi_job_from_the_gallery(page: Page) -> None:
    errors = collect_errors(page)
    launch(page, "mpi-job")
    expect(page.get_by_text("Pi is roughly 3.14159")).to_be_visible(timeout=120_000)
    expect(page.get_by_text(ENDED).first).to_be_visible()
    assert errors == []


def test_a_zapp_with_a_server_becomes_a_named_server_and_is_stopped(page: Page) -> None:
    page.goto("/services/zoe/zapps/jupyter")
    page.get_by_label("Name", exact=True).fill("second notebook")
    page.get_by_role("button", name="Launch").click()
    # By way of the spawn page, unless the server is there before the browser is.
    page.wait_for_url("**/user/admin/second-notebook/lab**")

    page.goto("/services/zoe/executions")
    page.get_by_role("link", name="second notebook").first.click()
    page.get_by_role("button", name="Stop").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    keep_screenshot(page, "stop-dialog")
    dialog.get_by_role("button", name="Stop").click()
    expect(page.get_by_text(ENDED).first).to_be_visible()
    page.goto("/services/zoe/executions")
    keep_screenshot(page, "executions")


def test_a_page_that_nobody_looks_at_holds_no_connection(page: Page) -> None:
    """A browser has six for all its tabs; each open page follows the events and a log."""
    streams: set[Request] = set()

    def begun(request: Request) -> None:
        if re.search(r"/(events|logs)\?", request.url):
            streams.add(request)

    def show(*, hidden: bool) -> None:
        page.evaluate(
            """hidden => {
                Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
                document.dispatchEvent(new Event("visibilitychange"));
            }""",
            hidden,
        )

    def following(count: int) -> None:
        # Asking the page anything lets its events through.
        eventually(lambda: page.evaluate("true") and len(streams) == count, timeout=30)

    page.on("request", begun)
    page.on("requestfailed", lambda request: streams.discard(request))
    page.on("requestfinished", lambda request: streams.discard(request))
    page.goto("/services/zoe/executions")
    page.get_by_role("link", name="jupyter", exact=True).first.click()
    following(2)
    show(hidden=True)
    following(0)
    show(hidden=False)
    following(2)


def test_a_wrong_value_is_refused_next_to_its_field(page: Page) -> None:
    page.goto("/services/zoe/zapps/spark-job")
    field = page.get_by_label("Workers", exact=True)
    field.evaluate("input => { input.form.noValidate = true; input.max = '' }")
    field.fill("4000")
    page.get_by_role("button", name="Launch").click()
    refusal = page.locator(".invalid-feedback:visible", has_text="4000")
    expect(refusal).to_be_visible()
    expect(page.get_by_label("Workers", exact=True)).to_have_value("4000")
    keep_screenshot(page, "launch-refused")
