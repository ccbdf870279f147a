"""The pages of the administration, in a real browser, on one portal with three made-up nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import text

from tests.support.axe import look
from tests.support.browser import DESKTOP, PHONE, collect_errors, keep_screenshot
from tests.support.running_zoe import ROOT, RunningZoe
from tests.support.waiting import eventually
from zoe_hub import permissions
from zoe_store.database import Database
from zoe_store.embedded import EmbeddedPostgres

pytestmark = pytest.mark.browser

API = "/services/zoe/api/v1"
ADMIN = "/services/zoe/admin"
PAGES = ("queue", "admin/executions", "admin/nodes", "admin/users", "admin/usage")
MORE_PAGES = ("admin/warnings", "admin/audit", "admin/quota?kind=user&name=ada")
PAGES_FOR_ALL = ("", "executions", "usage/me", "launch", "zapps/spark-job")

NODES = f"""
exec(open({str(ROOT / "jupyterhub_config.py")!r}).read())
c.FakeBackend.node_count = 3
c.FakeBackend.node_gpus = 1
"""

# Five users, 50 days: what each of them ended, with what it held meanwhile.
_PAST = """
insert into executions (user_name, name, zapp, description, parameters, submitted_at, groups,
                        status, outcome, reason, starting_since, started_at, ended_at)
select who, 'past-' || i, zapp, '{}', '{}', begin, groups,
       case when i % 7 = 0 then 'error' else 'terminated' end, 'terminated', 'It is over.',
       begin, begin + interval '4 minutes', begin + interval '4 minutes' + i % 5 * interval '1 hour'
from (select i, (array['ada', 'bob', 'carol', 'dora', 'emil'])[1 + (i * 3 + i / 5 * i) % 5] as who,
             (array['spark-job', 'mpi-job', null])[1 + i % 3] as zapp,
             case when i % 2 = 0 then '["physics"]' else '["chemistry"]' end::jsonb as groups,
             cast(:now as timestamptz) - (i * 7 % 1190 + 6) * interval '1 hour' as begin
      from generate_series(1, 400) i) past
"""
_PAST_INSTANCES = """
insert into instances (execution_id, service, index, attempt, node, memory, millicores, gpus,
                       essential, monitor, desired, observed, started_at, ended_at)
select id, 'worker', 0, 1, 'node-0', (2 + id % 6) * 1073741824, 1000 * (1 + id % 4),
       case when id % 9 = 0 then 1 else 0 end, true, true, 'absent', 'exited', started_at, ended_at
from executions where status in ('terminated', 'error')
"""


class Site:
    """The portal, as its administrator calls it over REST."""

    def __init__(self, zoe: RunningZoe) -> None:
        self.zoe = zoe
        self.admin = zoe.administrator()
        self._clients: dict[str, httpx.Client] = {}
        self.rest = self._client(self.admin.make_token())
        server = EmbeddedPostgres(zoe.directory / "postgres")
        self.database = Database(server.url("zoe"))

    def _client(self, token: str) -> httpx.Client:
        headers = {"Authorization": f"token {token}"}
        return httpx.Client(base_url=self.zoe.url, headers=headers, timeout=30)

    def user(self, name: str) -> httpx.Client:
        """Somebody who may do what everybody may, and launch descriptions of her own."""
        if name in self._clients:
            return self._clients[name]
        made = self.rest_of_hub("POST", f"/users/{name}", {201, 409})
        assert made is not None
        group = {"users": [name]}
        self.rest_of_hub("POST", f"/groups/{permissions.POWER_GROUP}/users", {200}, group)
        token = self.rest_of_hub("POST", f"/users/{name}/tokens", {201}, {})
        self._clients[name] = self._client(token["token"])
        return self._clients[name]

    def rest_of_hub(
        self, method: str, path: str, expected: set[int], body: dict[str, Any] | None = None
    ) -> Any:
        """Call the Hub as the administrator's browser does."""
        self.admin.open("/hub/token")
        answer = self.admin.client.request(
            method, f"/hub/api{path}", json=body, headers={"X-XSRFToken": self.admin.xsrf}
        )
        assert answer.status_code in expected, answer.text
        return answer.json()

    def launch(self, client: httpx.Client, name: str, cores: float, memory: int = 2) -> int:
        """Something that holds so many cores and GB until it is stopped; its number."""
        description = {
            "name": name,
            "version": 4,
            "services": [
                {
                    "name": "main",
                    "image": "python",
                    "monitor": True,
                    "total_count": 1,
                    "essential_count": 1,
                    "command": "sleep",
                    "resources": {
                        "memory": {"min": memory * 2**30},
                        "cores": {"min": cores},
                    },
                }
            ],
        }
        answer = client.post(f"{API}/executions", json={"description": description, "name": name})
        assert answer.status_code == 201, answer.text
        number: int = answer.json()["id"]
        return number

    def status(self, number: int) -> str:
        """The state of an execution."""
        return str(self.rest.get(f"{API}/executions/{number}").json()["status"])

    def close(self) -> None:
        """Leave."""
        self.database.close()
        for client in (self.rest, *self._clients.values()):
            client.close()


def fill(site: Site) -> None:
    """Something of everything: a past, three that run, three that wait, a quota, a refusal."""
    with site.database.transaction() as connection:
        connection.execute(text(_PAST), {"now": datetime.now(UTC)})
        connection.execute(text(_PAST_INSTANCES))
    ada, bob = site.user("ada"), site.user("bob")
    quota = {"executions": 4, "memory": 24 * 2**30, "cores": 16, "runtime_limit": 86400}
    assert site.rest.put(f"{API}/quotas/user/ada", json=quota).is_success
    default = {"executions": 10, "cores": "unlimited"}
    assert site.rest.put(f"{API}/quotas/default/default", json=default).is_success
    running = [site.launch(ada, f"train-{n}", 7, 10) for n in range(2)]
    running.append(site.launch(bob, "simulate", 6))
    for number in running:
        eventually(lambda: site.status(number) == "running", timeout=60)  # noqa: B023
    site.launch(ada, "train-more", 8)
    site.launch(bob, "evaluate", 8, 4)
    site.launch(bob, "publish", 4, 1)
    assert bob.put(f"{API}/quotas/user/bob", json={"cores": 99}).status_code == 403


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    zoe = RunningZoe(tmp_path_factory.mktemp("admin") / "zoe", NODES)
    zoe.extra_environment["ZOE_BACKEND"] = "fake"
    with zoe:
        site = Site(zoe)
        fill(site)
        yield site
        site.close()


@pytest.fixture(scope="module")
def window(site: Site, browser: Browser) -> Iterator[BrowserContext]:
    # Without transitions: what is checked and photographed has its colours.
    context = browser.new_context(
        viewport=DESKTOP,  # type: ignore[arg-type]
        base_url=site.zoe.url,
        reduced_motion="reduce",
    )
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(site.zoe.fresh_link())
    page.get_by_role("button", name="Log in as admin").click()
    page.wait_for_url("**/hub/home")
    page.close()
    yield context
    context.close()


@pytest.fixture
def page(window: BrowserContext) -> Iterator[Page]:
    """A page of the administrator's; whatever a script of it complains about fails the test."""
    page = window.new_page()
    errors = collect_errors(page)
    yield page
    page.close()
    assert errors == []


@pytest.mark.parametrize("path", [*PAGES, *MORE_PAGES])
def test_every_page_is_accessible_and_fits(page: Page, path: str) -> None:
    page.goto(f"/services/zoe/{path}")
    expect(page.locator("h1")).to_be_visible()
    name = re.sub(r"\W+", "-", path.removeprefix("admin/"))
    look(page, f"admin-{name}")


def test_every_page_warns_of_an_end_when_its_moment_has_come(page: Page, site: Site) -> None:
    """By the browser's clock, which is ahead: to the portal the moment is still to come."""
    number = site.launch(site.rest, "soon over", 1, 1)
    eventually(lambda: site.status(number) == "running", timeout=60)
    limit = {"runtime_limit": 20 * 60}
    assert site.rest.patch(f"{API}/executions/{number}", json=limit).is_success
    warning = page.locator(".zoe-ending", has=page.locator(f"#ending-{number}"))
    page.clock.install(time=datetime.now(UTC) + timedelta(minutes=10))
    for path in (*PAGES, *MORE_PAGES, *PAGES_FOR_ALL, f"executions/{number}"):
        page.goto(f"/services/zoe/{path}")
        expect(warning, path).to_be_visible()
    site.rest.delete(f"{API}/executions/{number}")
    eventually(lambda: site.status(number) == "terminated", timeout=60)


def test_there_is_one_way_in_and_it_leads_everywhere(page: Page) -> None:
    page.goto("/services/zoe/")
    page.get_by_role("link", name="Administration").click()
    page.wait_for_url(f"**{ADMIN}/nodes")
    tabs = page.get_by_role("navigation", name="Administration")
    for label in ("Queue", "Executions", "Users and quotas", "Usage", "Warnings", "Audit log"):
        tabs.get_by_role("link", name=label, exact=True).click()
        current = tabs.locator("[aria-current=page]")
        expect(current).to_have_text(label)
    accounts = tabs.get_by_role("link", name="Accounts and groups")
    expect(accounts).to_have_attribute("href", "/hub/admin")


def test_a_node_is_drained_after_a_question_and_others_see_it_at_once(
    page: Page, window: BrowserContext
) -> None:
    other = window.new_page()
    for each in (page, other):
        each.goto(f"{ADMIN}/nodes")
    together = page.get_by_label("All that are online")
    expect(together).to_contain_text(re.compile(r"Memory Reserved \S+ GB of \S+ GB, \S+ GB used"))
    page.get_by_role("button", name="Drain node-2").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Drain node-2? Nothing new starts there.")
    keep_screenshot(page, "admin-nodes-question", phone=False)
    dialog.get_by_role("button", name="Leave it").click()
    expect(page.get_by_text("Draining")).to_have_count(0)

    page.get_by_role("button", name="Drain node-2").click()
    dialog.get_by_role("button", name="Drain it").click()

    expect(page.get_by_text("Draining")).to_be_visible()
    expect(other.get_by_text("Draining")).to_be_visible()
    other.get_by_role("button", name="Use node-2 again").click()
    other.get_by_role("dialog").get_by_role("button", name="Use it again").click()
    expect(other.get_by_text("Draining")).to_have_count(0)
    expect(page.get_by_text("Draining")).to_have_count(0)
    other.close()


def test_a_priority_moves_somebody_elses_forward(page: Page, site: Site) -> None:
    page.goto("/services/zoe/queue?user=bob")
    expect(page.locator("#queue li")).to_have_count(2)
    page.goto("/services/zoe/queue")
    rows = page.locator("#queue li")
    expect(rows).to_have_count(3)
    group = page.get_by_role("group", name="Priority of publish")
    group.get_by_role("button", name="High").click()
    page.wait_for_url("**/queue")
    expect(rows.first).to_contain_text("publish of bob · high priority")
    group.get_by_role("button", name="Low").click()
    expect(rows.first).to_contain_text("evaluate")
    expect(page.get_by_text("of bob · low priority")).to_be_visible()


def test_the_queue_follows_what_others_do(page: Page, site: Site) -> None:
    page.goto("/services/zoe/queue")
    number = site.launch(site.user("carol"), "late-comer", 8)
    link = page.get_by_role("link", name="late-comer")
    expect(link).to_be_visible()
    page.get_by_role("button", name="Stop late-comer").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop it").click()
    expect(link).to_have_count(0)
    eventually(lambda: site.status(number) == "terminated", timeout=30)


def test_rows_do_not_move_while_somebody_points_at_them(page: Page, site: Site) -> None:
    number = site.launch(site.user("carol"), "passing", 8)
    page.goto("/services/zoe/queue")
    link = page.get_by_role("link", name="passing")
    expect(link).to_be_visible()
    shown = page.locator("#queue a").all_inner_texts()
    news = page.get_by_text("Updates wait until you leave this list.")
    page.get_by_role("button", name="Stop").first.hover()

    site.rest.delete(f"{API}/executions/{number}")

    expect(news).to_be_visible()
    assert page.locator("#queue a").all_inner_texts() == shown
    keep_screenshot(page, "admin-queue-held-back", phone=False)
    page.locator("h1").hover()
    expect(link).to_have_count(0)
    expect(news).to_be_hidden()


def test_a_quota_is_set_changed_and_removed(page: Page, site: Site) -> None:
    page.goto(f"{ADMIN}/users")
    page.get_by_label("Quota of").select_option("each member of a group")
    page.get_by_label("Name", exact=True).fill("physics")
    page.get_by_role("button", name="Set a quota").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Quota of each member of physics")
    memory = page.get_by_label("Memory, in GB")
    expect(memory).to_be_hidden()
    page.get_by_label("Memory: how limited").select_option("At most")
    memory.fill("1.5")
    page.get_by_label("Cores: how limited").select_option("No limit")
    page.get_by_role("button", name="Set the quota").click()

    page.wait_for_url(f"**{ADMIN}/users")
    row = page.locator("#quotas tr", has_text="physics")
    expect(row).to_contain_text("at most 1.5 GB, no limit on cores")
    stored = {each["name"]: each for each in site.rest.get(f"{API}/quotas").json()["items"]}
    assert (stored["physics"]["memory"], stored["physics"]["cores"]) == (3 * 2**29, "unlimited")

    row.get_by_role("link", name="Change").click()
    expect(memory).to_have_value("1.5")
    page.get_by_role("button", name="Remove the quota").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove it").click()
    page.wait_for_url(f"**{ADMIN}/users")
    expect(row).to_have_count(0)


def test_what_is_wrong_stands_at_its_field(window: BrowserContext, site: Site) -> None:
    """Without scripts, as a browser would check the number itself."""
    context = window.browser.new_context(  # type: ignore[union-attr]
        base_url=site.zoe.url,
        java_script_enabled=False,
        storage_state=window.storage_state(),
        viewport=PHONE,  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.goto(f"{ADMIN}/quota?kind=user&name=dora")
    page.get_by_label("Executions at a time: how limited").select_option("At most")
    page.get_by_label("Executions at a time, in executions").fill("5")
    page.get_by_label("Memory: how limited").select_option("At most")
    page.get_by_role("button", name="Set the quota").click()
    wrong = page.get_by_label("Memory, in GB")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#memory-said")).to_have_text(
        "Enter a number of GB, or choose another limit."
    )
    expect(page.get_by_label("Executions at a time, in executions")).to_have_value("5")
    page.screenshot(path=ROOT / ".artifacts/screenshots/admin-quota-wrong.png", full_page=True)
    wrong.fill("8")
    page.get_by_role("button", name="Set the quota").click()
    expect(page.locator("#quotas tr", has_text="dora")).to_contain_text("at most 8 GB")
    context.close()


def test_usage_has_plots_a_table_and_files(page: Page) -> None:
    page.goto(f"{ADMIN}/usage")
    expect(page.get_by_role("img", name="Cores over time")).to_be_visible()
    expect(page.get_by_role("img", name="GPUs over time")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="ada")).to_have_count(1)
    page.get_by_label("By", exact=True).select_option("ZApp")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".zoe-legend")).to_contain_text("Spark job")
    page.get_by_role("link", name="Last 90 days").click()
    expect(page.get_by_label("Bars")).to_have_value("week")
    keep_screenshot(page, "admin-usage-zapps")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV by week").click()
    assert download.value.suggested_filename == "usage-by-zapp-and-week.csv"
    lines = download.value.path().read_text().splitlines()
    assert lines[0].startswith("week,zapp,executions,failed,core_hours")
    assert any(",spark-job," in line for line in lines)


def test_the_audit_log_tells_in_words_and_is_searched(page: Page) -> None:
    page.goto(f"{ADMIN}/audit")
    expect(page.get_by_text("launched an own description as").first).to_be_visible()
    page.get_by_label("Outcome").select_option("Refused")
    page.get_by_label("Who", exact=True).fill("bob")
    page.get_by_role("button", name="Show").click()
    row = page.locator(".zoe-audit tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("bob tried to set the quota of user bob")
    expect(row).to_contain_text("This needs the scope custom:zoe:admin")
    keep_screenshot(page, "admin-audit-refused")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.path().read_text().count("\n") == 2


def test_nodes_and_warnings_say_what_the_doctor_says(page: Page) -> None:
    page.goto(f"{ADMIN}/warnings")
    expect(page.get_by_text("The database answers.")).to_be_visible()
    expect(page.get_by_role("heading", name="Image zoe/mpi")).to_be_visible()
    expect(page.get_by_text("What to do:").first).to_be_visible()


def test_other_people_see_none_of_it(site: Site, browser: Browser) -> None:
    """Their pages are as the tests of pages have it; here what a browser makes of it."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    bob = site.user("bob")
    for path in (*PAGES[1:], *MORE_PAGES):
        answer = bob.get(f"/services/zoe/{path}")
        assert answer.status_code == 403, path
    assert bob.get(f"{API}/users").status_code == 403
    params = {"from": yesterday.isoformat(), "user": "*"}
    assert bob.get(f"{API}/usage/series", params=params).status_code == 403
    gallery = bob.get("/services/zoe/").text
    assert "Administration" not in gallery
