"""The Hub's own pages, and the portal's that are not of everyday, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.axe import look, violations
from tests.support.browser import DESKTOP, collect_errors, keep_screenshot
from tests.support.running_zoe import ROOT, RunningZoe
from tests.support.waiting import eventually
from tests.zoe_hub.portal.programs import python
from zoe_core.protocol.rest import ProblemDocument
from zoe_hub.portal.pages.rendering import templates

pytestmark = pytest.mark.browser

API = "/services/zoe/api/v1"
PASSWORD = "correct horse battery"
SLEEP = "import time; time.sleep(3600)"
# A server needs 512 MB, and what sleeps has left less.
ROOM = f"""
exec(open({str(ROOT / "jupyterhub_config.py")!r}).read())
c.ProcessBackend.memory = 700 * 2**20
"""

# Who opens which page, and what it says when it is whole.
PAGES = {
    "login": ("stranger", "/hub/login", "No password yet?"),
    "home": ("admin", "/hub/home", "Welcome, admin"),
    "tokens": ("admin", "/hub/token", "Request new API token"),
    "ended": ("admin", "/services/zoe/executions/{ended}", "all is well"),
    "failed": ("admin", "/services/zoe/executions/{failed}", "nothing is well"),
    "queue": ("ada", "/services/zoe/queue", "1 execution waits"),
    "waiting": ("ada", "/hub/spawn-pending/ada", "You are number 1 in the queue"),
    "waiting-home": ("ada", "/hub/home", "Your JupyterLab is on its way."),
}
REFUSALS = {
    "wrong-link": ("stranger", "/hub/zoe-login?token=wrong", 403, "This login link is wrong"),
    "no-page": ("admin", "/hub/no-page", 404, "There is no such page."),
    "not-running": ("admin", "/hub/user/admin/lab", 424, "Server not running"),
    "no-execution": ("admin", "/services/zoe/executions/99999", 404, "99999"),
    "forbidden": ("ada", "/services/zoe/admin/nodes", 403, "custom:zoe:admin"),
}


class Site:
    """A portal with three browsers, two executions that are over and a server that waits."""

    def __init__(self, zoe: RunningZoe, browser: Browser) -> None:
        self.zoe = zoe
        self._browser = browser
        headers = {"Authorization": f"token {zoe.administrator().make_token()}"}
        self.rest = httpx.Client(base_url=zoe.url, headers=headers, timeout=30)
        self.executions = self._fill()
        self.windows = {name: self.window() for name in ("stranger", "admin", "ada")}
        self._let_in()

    def window(self) -> BrowserContext:
        """Another browser, without transitions: what is looked at has its colours."""
        context = self._browser.new_context(
            viewport=DESKTOP,  # type: ignore[arg-type]
            base_url=self.zoe.url,
            reduced_motion="reduce",
        )
        context.set_default_timeout(60_000)
        return context

    def _fill(self) -> dict[str, int]:
        over = {
            "ended": self.launch("ended", "print('all is well')"),
            "failed": self.launch("failed", "print('nothing is well'); raise SystemExit(3)"),
        }
        for name, status in (("ended", "terminated"), ("failed", "error")):
            eventually(lambda: self._status(over[name]) == status, timeout=60)  # noqa: B023
        runs = self.launch("sleeps", SLEEP, resources={"memory": {"min": 2**28}})
        eventually(lambda: self._status(runs) == "running", timeout=60)
        return over

    def launch(self, name: str, program: str, **service: object) -> int:
        """Something of the administrator's; its number."""
        body = {"name": name, "description": python(program, image="zoe/mpi", **service)}
        answer = self.rest.post(f"{API}/executions", json=body)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def _status(self, number: int) -> str:
        return str(self.rest.get(f"{API}/executions/{number}").json()["status"])

    def _let_in(self) -> None:
        """Two log in, and the second starts her server."""
        page = self.windows["admin"].new_page()
        page.goto(self.zoe.fresh_link())
        page.get_by_role("button", name="Log in as admin").click()
        page.wait_for_url("**/hub/home")
        page.close()
        page = self.windows["ada"].new_page()
        page.goto(self._invite("ada"))
        choose_password(page, PASSWORD)
        page.wait_for_url("**/hub/home")
        page.close()
        assert self.rest.post("/hub/api/users/ada/server").status_code == 202

    def _invite(self, name: str) -> str:
        page = self.windows["admin"].new_page()
        page.goto(f"/hub/invite?name={name}")
        link = make_link(page)
        page.close()
        return link

    def close(self) -> None:
        """Leave."""
        self.rest.close()
        for window in self.windows.values():
            window.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Site]:
    with RunningZoe(tmp_path_factory.mktemp("hub") / "zoe", ROOM) as zoe:
        site = Site(zoe, browser)
        yield site
        site.close()


@contextmanager
def opened(window: BrowserContext, address: str, complaints: Sequence[str] = ()) -> Iterator[Page]:
    """A page; whatever else than what is expected its console says fails the test."""
    page = window.new_page()
    errors = collect_errors(page)
    page.goto(address)
    yield page
    page.close()
    assert errors == list(complaints)


def make_link(page: Page) -> str:
    """Invite whoever is named in the form."""
    page.get_by_role("button", name="Make the link").click()
    return page.get_by_label("Send this link to").input_value()


def choose_password(page: Page, password: str) -> None:
    """Fill in and send the form that asks for a new one."""
    page.get_by_label("New password").fill(password)
    page.get_by_label("The same again").fill(password)
    page.get_by_role("button", name="Set password").click()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_and_fits(site: Site, name: str) -> None:
    who, path, said = PAGES[name]
    with opened(site.windows[who], path.format(**site.executions)) as page:
        expect(page.locator("body")).to_contain_text(said)
        look(page, f"hub-{name}")


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_accessible_and_fits(site: Site, name: str) -> None:
    who, path, status, said = REFUSALS[name]
    phrase = f"{status} ({HTTPStatus(status).phrase})"
    complaint = (
        f"Failed to load resource: the server responded with a status of {phrase}"
        f" ({site.zoe.url}{path})"
    )
    with opened(site.windows[who], path, [complaint]) as page:
        expect(page.locator("main")).to_contain_text(said)
        look(page, f"hub-{name}")


def test_the_queue_of_others_is_looked_at_again_and_again(site: Site) -> None:
    """Who does not operate it hears of nothing; what she may see of it changes all the same."""
    with opened(site.windows["ada"], "about:blank") as page:
        page.clock.install()
        page.goto("/services/zoe/queue")
        expect(page.get_by_text("1 execution waits.")).to_be_visible()
        number = site.launch("waits", SLEEP, resources={"memory": {"min": 2**29}})
        page.clock.run_for(10_000)
        expect(page.get_by_text("2 executions wait.")).to_be_visible()
        site.rest.delete(f"{API}/executions/{number}")
        page.clock.run_for(10_000)
        expect(page.get_by_text("1 execution waits.")).to_be_visible()


def test_the_ways_in_are_accessible_and_fit(site: Site) -> None:
    with opened(site.windows["stranger"], site.zoe.fresh_link()) as page:
        expect(page.get_by_role("button", name="Log in as admin")).to_be_visible()
        look(page, "hub-one-time-link")
    with opened(site.windows["admin"], "/hub/invite?name=bob") as page:
        link = make_link(page)
        look(page, "hub-invite")
    bob = site.window()
    with opened(bob, link) as page:
        look(page, "hub-invitation")
        choose_password(page, PASSWORD)
        page.wait_for_url("**/hub/home")
    with opened(bob, "/hub/password") as page:
        look(page, "hub-password")
        page.get_by_label("Current password").fill(PASSWORD)
        choose_password(page, PASSWORD[::-1])
        expect(page.get_by_text("Your password is set.")).to_be_visible()
        look(page, "hub-password-set")
    bob.close()


def test_the_page_of_an_execution_host_is_accessible_and_fits(site: Site) -> None:
    """As its template has it: everything is in it."""
    problem = ProblemDocument(title="It is not running", status=409, detail="It has ended.")
    template = templates().get_template("execution_host_error.html")
    html = template.render(problem=problem, execution=7, portal="/services/zoe/")
    with opened(site.windows["stranger"], "about:blank") as page:
        page.set_content(html)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert violations(page) == []
            keep_screenshot(page, f"hub-execution-host-{scheme}")
