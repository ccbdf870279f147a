"""An endpoint on the host of its execution, in a browser, on a whole Zoe with host names."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.browser import ARGUMENTS, CHROMIUM, collect_errors, keep_screenshot
from tests.support.running_zoe import ROOT, RunningZoe
from tests.support.standalone import StandaloneZoe
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PATIENCE = 90_000  # milliseconds

# A page with a style, a script, and a websocket that answers in capitals.
APPLICATION = '''
import sys
from aiohttp import WSMsgType, web

PAGE = """<!DOCTYPE html><title>An application</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="style.css"><h1>An application</h1><p id="said"></p>
<script src="script.js"></script>"""
SCRIPT = """const socket = new WebSocket(new URL("socket", location.href.replace("http", "ws")));
socket.onopen = () => socket.send("hello");
socket.onmessage = async (event) => {
  const cookies = await (await fetch("cookies")).text();
  document.getElementById("said").textContent = `${event.data}, cookies: ${cookies}`;
};"""

def text(content, kind):
    async def answer(request):
        return web.Response(text=content, content_type=kind)
    return answer

async def cookies(request):
    return web.Response(text=request.headers.get("Cookie", "none"))

async def socket(request):
    there = web.WebSocketResponse()
    await there.prepare(request)
    async for message in there:
        await there.send_str(message.data.upper())
    return there

app = web.Application()
app.router.add_get("/", text(PAGE, "text/html"))
app.router.add_get("/style.css", text("h1 { color: rgb(1, 2, 3) }", "text/css"))
app.router.add_get("/script.js", text(SCRIPT, "text/javascript"))
app.router.add_get("/cookies", cookies)
app.router.add_get("/socket", socket)
web.run_app(app, host=sys.argv[1], port=8080)
'''
LAUNCH = """async ([xsrf, description]) => {
  const answer = await fetch("/services/zoe/api/v1/executions", {
    method: "POST", body: JSON.stringify({description, name: "hosted"}),
    headers: {"Content-Type": "application/json", "X-XSRFToken": xsrf},
  });
  return await answer.json();
}"""


class Standalone(StandaloneZoe):
    """Its parts are processes of their own; only the browser knows its name."""

    def _works(self, part: str, seen_before: object) -> bool:
        return self._is_ready() if part == "hub" else super()._works(part, seen_before)


@pytest.fixture(scope="module", params=[RunningZoe, Standalone])
def zoe(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningZoe]:
    zoe: RunningZoe = request.param(tmp_path_factory.mktemp("hosts") / "zoe", "")
    zoe.url = f"http://zoe.test:{zoe.port}"
    zoe.config.write_text(f"""
exec(open({str(ROOT / "jupyterhub_config.py")!r}).read())
c.JupyterHub.subdomain_host = {zoe.url!r}
from zoe_master.backends.process.environments import default_environments
own = {{"python": {{"path": [{str(Path(sys.executable).parent)!r}]}}}}
c.ProcessBackend.environments = {{**default_environments(), **own}}
""")
    with zoe:
        yield zoe


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, which finds all of zoe.test here."""
    rules = "--host-resolver-rules=MAP zoe.test 127.0.0.1, MAP *.zoe.test 127.0.0.1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, rules])
        yield browser
        browser.close()


def test_an_application_and_its_websocket(zoe: RunningZoe, visitor: Page) -> None:
    workspace = zoe.directory / "workspaces" / "admin"
    workspace.mkdir(parents=True, exist_ok=True)
    (workspace / "application.py").write_text(APPLICATION)
    visitor.goto("/services/zoe/")
    number = _launch(visitor)
    visitor.goto(f"/services/zoe/executions/{number}")
    link = visitor.get_by_role("link", name="Open page")
    expect(link).to_be_visible(timeout=PATIENCE)
    host = zoe.url.replace("//", f"//execution--{number}.")
    address = f"{host}/services/zoe/executions/{number}/endpoints/main-0/8080/"
    assert link.get_attribute("href") == address

    page = visitor.context.new_page()
    errors = collect_errors(page)
    eventually(lambda: _opens(page, address), 60)  # it may still be starting: the page says so
    errors.clear()
    page.goto(address)
    expect(page.locator("#said")).to_have_text("HELLO, cookies: none", timeout=PATIENCE)
    assert page.url == address
    color = page.locator("h1").evaluate("e => getComputedStyle(e).color")
    assert color == "rgb(1, 2, 3)"
    assert errors == []
    keep_screenshot(page, "endpoint-on-its-host", phone=False)

    # Nothing of the portal is there, and its login is not known there.
    page.goto(f"{host}/services/zoe/")
    expect(page.get_by_text("There is nothing at this address.")).to_be_visible()
    keep_screenshot(page, "endpoint-host-nothing")
    page.emulate_media(color_scheme="dark")
    keep_screenshot(page, "endpoint-host-nothing-dark")
    names = {each["name"] for each in visitor.context.cookies(host)}
    assert {"service-zoe-visit", "service-zoe-browser"} <= names
    assert "service-zoe" not in names
    page.close()

    # The same login at the Hub opens the portal, and logging out of it closes the endpoint.
    visitor.goto("/hub/logout")
    eventually(lambda: _leads_to_login(visitor, address), 60)


def test_a_server_is_at_the_host_of_its_user(zoe: RunningZoe, visitor: Page) -> None:
    visitor.get_by_role("button", name="Start My Server").click()
    there = zoe.url.replace("//", "//admin.")
    visitor.wait_for_url(f"{there}/user/admin/lab**", timeout=2 * PATIENCE)
    expect(visitor.locator("#jp-main-dock-panel")).to_be_visible(timeout=PATIENCE)


def _opens(page: Page, address: str) -> bool:
    answer = page.goto(address)
    return answer is not None and answer.ok


def _leads_to_login(page: Page, address: str) -> bool:
    page.goto(address)
    return page.url.startswith(f"{address.partition('//')[0]}//zoe.test") and "/login" in page.url


def _launch(page: Page) -> int:
    service = {
        "name": "main", "image": "python", "monitor": True,
        "total_count": 1, "essential_count": 1,
        "command": "python application.py {dns_name#self}",
        "resources": {"memory": {"min": 2**27}},
        "ports": [{"name": "page", "port_number": 8080, "url_template": "http://{ip_port}/"}],
    }  # fmt: skip
    description = {"name": "hosted", "version": 4, "services": [service]}
    xsrf = json.loads(page.locator("#zoe-config").text_content() or "{}")["xsrf"]
    return int(page.evaluate(LAUNCH, [xsrf, description])["id"])
