"""The widgets in a real browser: JupyterLab and Notebook 7 of a user's own server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import psutil
import pytest
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.support.browser import keep_screenshot
from tests.support.running_zoe import RunningZoe
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

PATIENCE = 90  # seconds
IMPORT = "from zoe_client.widgets import Cluster, ExecutionView, Gallery, Queue"
TICKS = (
    "import time\nfor n in range(100_000):\n    print(f'tick {n}', flush=True); time.sleep(0.1)\n"
)
BUSY = "import time\nfor _ in range(3000): time.sleep(0.1)"
END_KERNEL = """async name => {
    const [, token] = document.cookie.match("\\\\b_xsrf=([^;]*)") ?? ["", ""];
    const headers = { "X-XSRFToken": token };
    const sessions = await (await fetch("/user/admin/api/sessions", { headers })).json();
    for (const each of sessions.filter(each => each.path === name))
        await fetch(`/user/admin/api/sessions/${each.id}`, { method: "DELETE", headers });
}"""
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}


@pytest.fixture(scope="module")
def workspace(portal: RunningZoe, logged_in: BrowserContext) -> Path:
    """The administrator's, with a program that goes on for long; her server runs."""
    page = logged_in.new_page()
    page.goto("/hub/home")
    page.get_by_role("button", name="Start My Server").click()
    page.wait_for_url("**/user/admin/lab**")
    page.close()
    workspace = portal.directory / "workspaces" / "admin"
    (workspace / "ticks.py").write_text(TICKS)
    return workspace


@pytest.fixture
def lab(page: Page, workspace: Path, request: pytest.FixtureRequest) -> Iterator[Lab]:
    lab = Lab(page, workspace, re.sub(r"\W", "-", request.node.name))
    yield lab
    lab.shut_down()


class Lab:
    """A notebook of the test in JupyterLab."""

    def __init__(self, page: Page, workspace: Path, name: str) -> None:
        self.page = page
        self.file = workspace / f"{name}.ipynb"
        self.cells = page.locator(".jp-Notebook .jp-CodeCell")

    def open(self, *code: str) -> None:
        """Open it with these cells."""
        cells = list(map(new_code_cell, code))
        nbformat.write(new_notebook(cells=cells, metadata=KERNEL), self.file)
        self.page.goto(f"/user/admin/lab/workspaces/{self.file.stem}/tree/{self.file.name}?reset")
        expect(self.cells).to_have_count(len(code))
        expect(self.page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()

    def run(self, number: int) -> Locator:
        """Run a cell without waiting for its end; returns where its widget is shown."""
        self.cells.nth(number).locator(".jp-InputArea-editor").click()
        self.page.keyboard.press("Control+Enter")
        return self.cells.nth(number).locator(".zoe-widget").first

    def prompt(self, number: int) -> Locator:
        """``[*]:`` while the cell runs."""
        return self.cells.nth(number).locator(".jp-InputPrompt")

    def interrupt(self) -> None:
        """End the cell that runs."""
        self.page.get_by_role("button", name="Interrupt the kernel").click()

    def save(self) -> str:
        """Save it, and return it as it would be published."""
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("Control+s")
        eventually(lambda: "zoe-still" in self.file.read_text(), timeout=PATIENCE)
        html, _ = HTMLExporter().from_filename(str(self.file))
        return str(html)

    def shut_down(self) -> None:
        """End its kernel, as whoever closes a notebook for good."""
        self.page.evaluate(END_KERNEL, self.file.name)


def log_of(widget: Locator) -> list[str]:
    """The lines of the log that a widget shows."""
    texts = widget.locator(".zoe-lines").all_text_contents()
    return "\n".join(texts).strip("\n").split("\n")


def ticks(widget: Locator) -> list[int]:
    found = [re.fullmatch(r"tick (\d+)", line) for line in log_of(widget)]
    return [int(each[1]) for each in found if each]


def has_moved_to(widget: Locator, tick: int) -> None:
    eventually(lambda: max(ticks(widget), default=-1) >= tick, timeout=PATIENCE)


def stop(widget: Locator) -> None:
    widget.locator("button", has_text="Stop").first.click()
    widget.get_by_role("button", name="Yes, stop it").click()


def test_launch_watch_and_stop(lab: Lab) -> None:
    page = lab.page
    lab.open(f"{IMPORT}\nGallery()", BUSY)
    gallery = lab.run(0)
    card = gallery.locator(".zoe-cardbox", has_text="MPI job")
    expect(card.locator("img")).to_be_visible()
    expect(page.locator("[class^=zoe-still]").first).to_be_hidden()
    keep_screenshot(page, "widget-gallery", phone=False)

    card.get_by_role("button").click()
    form = gallery.locator(".zoe-form")
    launch = form.locator("button", has_text="Launch")
    expect(form.get_by_text("Starts now.")).to_be_visible()
    form.get_by_label("Name", exact=True).fill("n" * 200)
    expect(form.get_by_role("alert")).to_contain_text("characters")
    expect(launch).to_be_disabled()
    keep_screenshot(page, "widget-form-wrong", phone=False)
    form.get_by_label("Name", exact=True).fill("many ticks")
    form.get_by_label("Program", exact=True).fill("ticks.py")
    expect(form.get_by_role("alert")).to_have_count(0)
    launch.click()

    view = gallery.locator(".zoe-widget")
    expect(view.get_by_text("Running").first).to_be_visible()
    has_moved_to(view, 5)
    view.scroll_into_view_if_needed()
    keep_screenshot(page, "widget-execution", phone=False)

    # All of it goes on while a cell runs: what is seen, and what is clicked.
    lab.run(1)
    expect(lab.prompt(1)).to_have_text("[*]:")
    has_moved_to(view, max(ticks(view)) + 20)
    stop(view)
    expect(view.locator(".zoe-title .zoe-badge")).to_have_text("Terminated")
    expect(lab.prompt(1)).to_have_text("[*]:")
    keep_screenshot(page, "widget-stopped", phone=False)
    lab.interrupt()
    expect(lab.prompt(1)).not_to_have_text("[*]:")


def test_the_portal_dies_while_a_widget_watches(lab: Lab, portal: RunningZoe) -> None:
    lab.open(
        f"{IMPORT}\nfrom zoe_client import Client\n"
        "ExecutionView(Client().launch('mpi-job', program='ticks.py', ranks=1, workers=1))"
    )
    view = lab.run(0)
    has_moved_to(view, 5)
    portal_service(portal).kill()
    expect(view.get_by_text("Lost connection")).to_be_visible()
    keep_screenshot(lab.page, "widget-lost", phone=False)
    seen = max(ticks(view))
    expect(view.get_by_text("Lost connection")).to_have_count(0)
    has_moved_to(view, seen + 30)
    shown = ticks(view)
    assert shown == list(range(shown[0], shown[-1] + 1))
    stop(view)
    expect(view.locator(".zoe-title .zoe-badge")).to_have_text("Terminated")


def test_a_saved_notebook_shows_the_last_state(lab: Lab) -> None:
    page = lab.page
    lab.open(
        f"{IMPORT}\nfrom zoe_client import Client\n"
        "ExecutionView(Client().launch('mpi-job', ranks=1, workers=1))",
        f"{IMPORT}\nCluster()",
        f"{IMPORT}\nQueue()",
    )
    view = lab.run(0)
    expect(view.locator(".zoe-title .zoe-badge")).to_have_text("Terminated")
    cluster = lab.run(1)
    expect(cluster.locator(".zoe-bar").first).to_be_visible()
    expect(lab.run(2).get_by_text("Nothing waits.")).to_be_visible()
    eventually(lambda: "Terminated" in stills(page) and "Nothing waits." in stills(page), PATIENCE)
    keep_screenshot(page, "widgets-live", phone=False)
    html = lab.save()
    page.get_by_role("button", name="Restart the kernel").first.click()
    page.locator(".jp-Dialog button.jp-mod-accept").click()
    expect(page.locator(".zoe-widget").first).to_be_hidden()
    expect(page.get_by_text("Pi is roughly 3.14").first).to_be_visible()
    lab.shut_down()

    page.goto(f"/user/admin/lab/workspaces/again/tree/{lab.file.name}?reset")
    expect(lab.cells).to_have_count(3)
    page.get_by_role("button", name=re.compile("Python 3|No Kernel")).first.wait_for()
    expect(page.get_by_text("Pi is roughly 3.14")).to_be_visible()
    expect(page.get_by_text("Nothing waits.")).to_be_visible()
    expect(page.locator(".zoe-bar").first).to_be_visible()
    expect(page.get_by_text("Error displaying widget")).to_have_count(3)
    for number in range(3):
        expect(page.get_by_text("Error displaying widget").nth(number)).to_be_hidden()
    keep_screenshot(page, "widgets-saved", phone=False)

    page.set_content(html)
    expect(page.get_by_text("Pi is roughly 3.14")).to_be_visible()
    expect(page.get_by_text("Nothing waits.")).to_be_visible()
    keep_screenshot(page, "widgets-nbconvert", phone=False)


def test_notebook_7_shows_them_too(lab: Lab) -> None:
    page = lab.page
    lab.open(f"{IMPORT}\nGallery()", f"{IMPORT}\nCluster()")
    page.goto(f"/user/admin/notebooks/{lab.file.name}")
    expect(lab.cells).to_have_count(2)
    expect(page.locator(".jp-NotebookKernelStatus")).to_have_count(1)
    gallery = lab.run(0)
    expect(gallery.locator(".zoe-cardbox img")).not_to_have_count(0)
    expect(lab.run(1).locator(".zoe-bar").first).to_be_visible()
    keep_screenshot(page, "widgets-notebook-7", phone=False)


def stills(page: Page) -> str:
    """What a saved notebook would show."""
    return "".join(page.locator("[class^=zoe-still]").all_text_contents())


def portal_service(zoe: RunningZoe) -> psutil.Process:
    """The portal's process, which the Hub starts again when it has died."""
    assert zoe.process is not None
    for each in psutil.Process(zoe.process.pid).children():
        if "portal" in " ".join(each.cmdline()):
            return each
    raise AssertionError("the portal does not run")
