"""Each page for people in a real browser, wide and narrow, on one portal with something running."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from tests.support.axe import look
from tests.support.browser import DESKTOP, PHONE, collect_errors
from tests.support.running_zoe import ROOT, RunningZoe
from tests.support.waiting import eventually
from tests.zoe_hub.portal.programs import python

pytestmark = pytest.mark.browser

API = "/services/zoe/api/v1"
PORTAL = "/services/zoe/"
GB = 2**30
LINES = """
import time
for n in range(3600):
    print('line', n, 'error' if n % 7 == 0 else '', flush=True)
    time.sleep(0.2)
"""
MANY_SAMPLES = f"""
for (let number = 0; number < 500; number++) {{
  const use = {{ instance: "main-0", attempt: 1, memory: {7 * GB}, cores: 1 }};
  const detail = {{ at: new Date().toISOString(), items: [use] }};
  document.dispatchEvent(new CustomEvent("zoe:use", {{ detail }}));
}}
"""
# Whether the notes about the page hide each other.
OVERLAP = """
() => {
  const [one, other] = ["connection", "held-back"].map(
    (id) => document.getElementById(id).getBoundingClientRect());
  return one.left < other.right && other.left < one.right
    && one.top < other.bottom && other.top < one.bottom;
}
"""
# Whether what is below a note can be pressed.
LETS_THROUGH = """
note => {
  const place = note.getBoundingClientRect();
  const middle = [place.left + place.width / 2, place.top + place.height / 2];
  return !note.parentElement.contains(document.elementFromPoint(...middle));
}
"""
ROOM = f"""
exec(open({str(ROOT / "jupyterhub_config.py")!r}).read())
c.ProcessBackend.memory = 8 * 2**30
c.ProcessBackend.cores = 8
"""


@pytest.fixture(scope="module")
def zoe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningZoe]:
    with RunningZoe(tmp_path_factory.mktemp("people") / "zoe", ROOM) as zoe:
        yield zoe


@pytest.fixture(scope="module")
def api(zoe: RunningZoe) -> Iterator[httpx.Client]:
    """REST as the administrator, whose quota is 6 GB and 5 hours."""
    headers = {"Authorization": f"token {zoe.administrator().make_token()}"}
    with httpx.Client(base_url=f"{zoe.url}{API}", headers=headers, timeout=30) as client:
        limits = {"memory": 6 * GB, "runtime_limit": 5 * 3600}
        assert client.put("/quotas/user/admin", json=limits).status_code < 300
        yield client


@pytest.fixture(scope="module")
def runs(api: httpx.Client) -> int:
    """One that writes lines, and is ended after 20 minutes."""
    one = launch(api, "lines", {**python(LINES, image="zoe/mpi"), "runtime_limit": 1200})
    eventually(lambda: api.get(f"/executions/{one}").json()["status"] == "running", timeout=60)
    return one


@pytest.fixture(scope="module")
def waits(api: httpx.Client, runs: int) -> int:
    """One for which there is no room."""
    memory = {"memory": {"min": 6 * GB - 2**20}}
    return launch(api, "large", python("1", image="zoe/mpi", resources=memory))


@pytest.fixture(scope="module")
def window(zoe: RunningZoe, browser: Browser, api: httpx.Client) -> Iterator[BrowserContext]:
    """The browser of the administrator, who has her quota by now."""
    assert api.get("/quotas").json()["items"]
    context = browser.new_context(viewport=DESKTOP, base_url=zoe.url, reduced_motion="reduce")
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(zoe.fresh_link())
    page.get_by_role("button", name="Log in as admin").click()
    page.wait_for_url("**/hub/home")
    page.close()
    yield context
    context.close()


@pytest.fixture
def page(window: BrowserContext) -> Iterator[Page]:
    page = window.new_page()
    yield page
    page.close()


def launch(api: httpx.Client, name: str, description: dict[str, object]) -> int:
    answer = api.post("/executions", json={"name": name, "description": description})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def titles(page: Page) -> Locator:
    """Of the cards that are shown."""
    return page.locator(".zoe-card h3:visible")


# --- the gallery and its form ---


def test_the_gallery_is_filtered_while_one_types(page: Page) -> None:
    errors = collect_errors(page)
    page.goto(PORTAL)
    everything = titles(page).all_inner_texts()
    search = page.get_by_label("Search the gallery")
    search.press_sequentially("spark JOB")
    expect(titles(page)).to_have_text(["Spark job"])
    expect(page).to_have_url(re.compile(r"\?q=spark\+JOB$"))
    look(page, "people-gallery-search")
    page.reload()
    expect(titles(page)).to_have_text(["Spark job"])
    search.fill("nothing like it")
    expect(page.get_by_text("Nothing matches.")).to_be_visible()
    page.get_by_role("link", name="Show all").click()
    expect(titles(page)).to_have_text(everything)
    page.get_by_text("Notebooks", exact=True).first.click()
    expect(titles(page)).to_have_text(["JupyterLab", "Notebook as a job"])
    assert errors == []


def test_sliders_move_numbers_and_what_it_needs(page: Page) -> None:
    errors = collect_errors(page)
    page.goto(f"{PORTAL}zapps/spark-job")
    page.get_by_text("Memory, cores and runtime limit").click()
    number = page.locator("#memory-1")
    slider = page.locator('[data-moves="memory-1"]')
    expect(page.locator("#memory-1-help")).to_contain_text("your quota leaves no more")
    slider.evaluate("one => { one.value = 2048; one.dispatchEvent(new Event('input')) }")
    expect(number).to_have_value("2048")
    expect(page.locator("#needs")).to_contain_text("2 GB, 0.5 cores")
    number.fill("3072")
    expect(slider).to_have_js_property("value", "3072")
    expect(page.locator("#needs")).to_contain_text("3 GB, 0.5 cores")
    number.fill("900000")
    expect(page.locator("#estimate-when")).to_contain_text("This would be refused.")
    number.fill("2048")
    expect(page.locator("#estimate-when")).to_contain_text("Starts")
    look(page, "people-launch-form")
    assert errors == []


def test_less_than_a_minute_is_a_runtime_limit(page: Page) -> None:
    """As what had 45 seconds is launched again."""
    page.goto(f"{PORTAL}zapps/spark-job")
    page.get_by_text("Memory, cores and runtime limit").click()
    limit = page.get_by_label("Runtime limit")
    limit.fill("0.75")
    assert limit.evaluate("one => one.checkValidity()")
    limit.fill("0")
    assert not limit.evaluate("one => one.checkValidity()")


# --- one execution ---


def test_one_that_runs(page: Page, runs: int) -> None:
    errors = collect_errors(page)
    page.goto(f"{PORTAL}executions/{runs}")
    current = page.locator('#timeline [aria-current="step"]')
    expect(current).to_contain_text("Running")
    expect(page.locator("#log")).to_contain_text("line 14 error")
    charts = page.locator("#use-charts svg")
    expect(charts).to_have_count(2)
    before = charts.first.get_attribute("aria-label")
    expect(charts.first).not_to_have_attribute("aria-label", before or "")  # it goes on by itself
    look(page, "people-execution")
    assert errors == []


def test_a_chart_with_too_many_samples_takes_those_of_the_portal(page: Page, runs: int) -> None:
    page.goto(f"{PORTAL}executions/{runs}")
    expect(page.locator("#use-charts svg")).to_have_count(2)
    with page.expect_request(re.compile(r"/use(\?|$)")):
        page.evaluate(MANY_SAMPLES)
    line = page.locator("#use-charts polyline").first
    eventually(lambda: (line.get_attribute("points") or "").count(",") < 240, timeout=30)


def test_the_log_is_searched(page: Page, runs: int) -> None:
    errors = collect_errors(page)
    page.goto(f"{PORTAL}executions/{runs}")
    expect(page.locator("#log")).to_contain_text("line 21 error")
    page.get_by_label("Search the log").fill("ERROR")
    matches = page.locator("#log-matches")
    expect(matches).to_have_text(re.compile(r"\d+ of \d+"))
    expect(page.get_by_label("Follow")).not_to_be_checked()
    page.get_by_label("Next match").click()
    expect(matches).to_have_text(re.compile(r"^1 of "))
    page.get_by_label("Next match").click()
    expect(matches).to_have_text(re.compile(r"^2 of "))
    page.get_by_label("Previous match").click()
    expect(matches).to_have_text(re.compile(r"^1 of "))
    page.get_by_label("Search the log").fill("no such line")
    expect(matches).to_have_text("Nothing")
    with page.expect_download() as download:
        page.locator("#log-download").click()
    assert download.value.path().read_text().startswith("line 0 error\nline 1 \n")
    assert errors == []


def test_one_that_waits_says_why_and_takes_another_priority(page: Page, waits: int) -> None:
    errors = collect_errors(page)
    page.goto(f"{PORTAL}executions/{waits}")
    expect(page.locator("#state")).to_contain_text("Your quota is 6 GB")
    expect(page.locator('#timeline [aria-current="step"]')).to_contain_text("Queued")
    look(page, "people-execution-waits")
    page.get_by_label("Priority while it waits").select_option("high")
    page.get_by_role("button", name="Change").click()
    expect(page.locator('#priority option[value="high"]')).to_have_attribute("selected", "")
    assert errors == []


def test_a_warning_comes_by_itself_and_one_click_extends(
    page: Page, api: httpx.Client, runs: int
) -> None:
    errors = collect_errors(page)
    page.clock.install()
    page.add_init_script("addEventListener('zoe:refreshed', () => (window.refreshed = true), true)")
    page.goto(PORTAL)
    eventually(lambda: page.evaluate("window.refreshed"), timeout=30)  # now only a timer is left
    warning = page.locator(".zoe-ending")
    expect(warning).to_be_attached()
    expect(warning).to_be_hidden()
    page.clock.run_for(6 * 60 * 1000)  # 20 minutes less a quarter of an hour; all timers run
    expect(warning).to_be_visible()
    expect(warning).to_contain_text("lines is ended in 1")
    look(page, "people-gallery-warning")
    warning.get_by_role("button", name="+1 h").click()
    page.wait_for_url(f"**/executions/{runs}")
    eventually(
        lambda: api.get(f"/executions/{runs}").json()["runtime_limit"] == 1200 + 3600, timeout=30
    )
    expect(page.locator("#state")).to_contain_text("its runtime limit is 1 h 20 min")
    expect(page.locator(".zoe-ending")).to_be_hidden()
    assert errors == []


# --- live, whatever happens to the connection ---


def test_a_page_is_right_again_after_it_was_offline(
    page: Page, window: BrowserContext, api: httpx.Client
) -> None:
    one = launch(api, "short", python("import time; time.sleep(600)", image="zoe/mpi"))
    page.goto(f"{PORTAL}executions/{one}")
    state = page.locator("#state .zoe-badge").first
    expect(state).to_contain_text("Running")
    window.set_offline(True)
    expect(page.locator("#connection")).to_be_visible()
    api.delete(f"/executions/{one}")
    eventually(lambda: api.get(f"/executions/{one}").json()["status"] == "terminated", timeout=60)
    expect(state).to_contain_text("Running")
    window.set_offline(False)
    expect(state).to_contain_text("Terminated")
    expect(page.locator("#connection")).to_be_hidden()


def test_notes_about_the_page_are_in_nobodys_way(
    page: Page, window: BrowserContext, runs: int
) -> None:
    page.goto(f"{PORTAL}executions")
    row = page.locator(f"#execution-{runs}")
    expect(row).to_be_visible()
    before = row.bounding_box()
    window.set_offline(True)
    lost, held_back = page.locator("#connection"), page.locator("#held-back")
    expect(lost).to_be_visible()
    assert row.bounding_box() == before
    held_back.evaluate("one => { one.hidden = false }")
    look(page, "people-notes")
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        assert not page.evaluate(OVERLAP)
        for note in (lost, held_back):
            expect(note).to_be_in_viewport(ratio=1)
            assert note.evaluate(LETS_THROUGH)
    window.set_offline(False)
    expect(lost).to_be_hidden()


def test_after_a_sleep_the_stream_is_opened_anew(page: Page, api: httpx.Client) -> None:
    """The connection died without a word: to the browser it looks alive."""
    one = launch(api, "sleeper", python("import time; time.sleep(600)", image="zoe/mpi"))
    opened: list[str] = []

    def hang_at_first(route: Route) -> None:
        opened.append(route.request.url)
        if len(opened) > 1:
            route.continue_()

    page.clock.install()
    page.route("**/events?**", hang_at_first)
    page.goto(f"{PORTAL}executions/{one}")
    state = page.locator("#state .zoe-badge").first
    eventually(lambda: page.evaluate("true") and len(opened) == 1, timeout=30)
    api.delete(f"/executions/{one}")
    eventually(lambda: api.get(f"/executions/{one}").json()["status"] == "terminated", timeout=60)
    expect(state).not_to_contain_text("Terminated")
    page.clock.fast_forward(3600_000)
    expect(state).to_contain_text("Terminated")
    assert len(opened) > 1


def test_after_a_sleep_the_log_goes_on_where_it_was(page: Page, runs: int) -> None:
    page.clock.install()
    page.goto(f"{PORTAL}executions/{runs}")
    log = page.locator("#log")
    expect(log).to_contain_text("line 3 ")
    with page.expect_request(re.compile(r"/logs\?follow=true&offset=\d+$")):
        page.clock.fast_forward(3600_000)
    seen = log.inner_text().count("\n")
    expect(log).to_contain_text(f"line {seen + 10} ")
    numbers = [int(each.split()[1]) for each in log.inner_text().splitlines()[:-1]]
    assert numbers == list(range(len(numbers)))


# --- my usage, my executions, own descriptions ---


@pytest.mark.usefixtures("waits")
def test_my_usage(page: Page) -> None:
    errors = collect_errors(page)
    page.goto(PORTAL)
    page.get_by_role("link", name="My usage").click()
    expect(page.locator("#held")).to_contain_text("of 6 GB")
    expect(page.get_by_role("img", name="Core-hours by day")).to_be_visible()
    page.get_by_text("Day by day").click()
    look(page, "people-usage")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.path().read_text().startswith("day,executions,failed,core_hours")
    assert errors == []


@pytest.mark.usefixtures("waits")
def test_my_executions(page: Page) -> None:
    errors = collect_errors(page)
    page.goto(f"{PORTAL}executions")
    expect(page.get_by_role("link", name="lines")).to_be_visible()
    look(page, "people-executions")
    assert errors == []


def test_an_own_description_is_checked_while_one_types(page: Page, tmp_path: Path) -> None:
    errors = collect_errors(page)
    page.goto(PORTAL)
    page.get_by_role("link", name="Launch your own").click()
    page.get_by_role("link", name="Begin with an example").click()
    text, problems = page.get_by_label("Description"), page.locator("#problems")
    expect(problems).to_contain_text("It can be launched here.")
    expect(page.locator("#estimate-when")).to_contain_text("Starts")
    look(page, "people-own")
    example = text.input_value()
    text.fill(example.replace('"total_count": 1', '"total_count": "one"'))
    expect(problems.locator("code")).to_have_text(["services[0].total_count"])
    look(page, "people-own-wrong")
    text.fill(example[:-5])
    expect(problems).to_contain_text("It is not JSON")
    (tmp_path / "zapp.json").write_text(example)
    page.get_by_label("Or a file").set_input_files(tmp_path / "zapp.json")
    expect(text).to_have_value(example)
    expect(problems).to_contain_text("It can be launched here.")
    page.get_by_label("Name", exact=True).fill("my own")
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url(re.compile(r"/executions/\d+$"))
    page.get_by_role("link", name="Launch again with changes").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("my own")
    expect(text).to_have_value(re.compile("my-first-zapp"))
    assert errors == []
