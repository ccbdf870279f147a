"""Spark's own pages, opened in a browser through the portal while a job runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Request, Response, expect

from tests.support.browser import collect_errors, keep_screenshot
from tests.support.running_zoe import RunningZoe
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.java, pytest.mark.timeout(400)]

EXECUTIONS = "/services/zoe/api/v1/executions"
PATIENCE = 120.0  # seconds
WAITS = "Waits for the test"
PROGRAM = """\
import os, time
from pathlib import Path
from pyspark.sql import SparkSession

WORKSPACE = Path(os.environ["ZOE_WORKSPACE"])
context = SparkSession.builder.appName("Words of the test").getOrCreate().sparkContext
kept = context.parallelize(["to be or not to be"] * 100, 2).cache()
print(kept.count(), flush=True)

def wait(lines):
    deadline = time.monotonic() + 300
    while not (WORKSPACE / "finish").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    return lines

context.setJobDescription("Waits for the test")
print(kept.mapPartitions(wait).flatMap(str.split).countByValue(), flush=True)
"""


@pytest.fixture(scope="module")
def zoe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningZoe]:
    with RunningZoe(tmp_path_factory.mktemp("spark") / "zoe") as zoe:
        yield zoe


@pytest.fixture(scope="module")
def admin(zoe: RunningZoe) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"token {zoe.administrator().make_token()}"}
    with httpx.Client(base_url=zoe.url, headers=headers, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def job(zoe: RunningZoe, admin: httpx.Client) -> Iterator[int]:
    """A job of which one stage is done, and another one runs as long as the tests do."""
    workspace = zoe.directory / "workspaces" / "admin"
    workspace.mkdir(parents=True, exist_ok=True)
    (workspace / "mine.py").write_text(PROGRAM)
    order = {"zapp": "spark-job", "parameters": {"program": "mine.py", "workers": 1}}
    answer = admin.post(EXECUTIONS, json=order)
    number = int(answer.raise_for_status().json()["id"])
    eventually(
        lambda: bool(_active_jobs(admin, number)),
        PATIENCE,
        lambda: zoe.output() + log(admin, number),
    )
    yield number
    (workspace / "finish").touch()
    ended = ("terminated", "error")
    eventually(lambda: document(admin, number)["status"] in ended, PATIENCE)
    assert "'be': 200" in log(admin, number)


def document(admin: httpx.Client, number: int) -> dict[str, Any]:
    found: dict[str, Any] = admin.get(f"{EXECUTIONS}/{number}").raise_for_status().json()
    return found


def log(admin: httpx.Client, number: int) -> str:
    return admin.get(f"{EXECUTIONS}/{number}/instances/spark-submit-0/logs").text


def place(number: int, instance: str, port: int) -> str:
    return f"/services/zoe/executions/{number}/endpoints/{instance}/{port}/"


def _active_jobs(admin: httpx.Client, number: int) -> list[dict[str, Any]]:
    home = place(number, "spark-submit-0", 4040)
    applications = _json(admin, f"{home}api/v1/applications")
    for each in applications:
        jobs = _json(admin, f"{home}api/v1/applications/{each['id']}/jobs?status=running")
        return [job for job in jobs if job["numActiveTasks"] and job.get("description") == WAITS]
    return []


def _json(admin: httpx.Client, address: str) -> list[dict[str, Any]]:
    """The answer of Spark's own REST; nothing while it is starting up, which it says in a text."""
    answer = admin.get(address)
    found: list[dict[str, Any]] = []
    if answer.is_success and "json" in answer.headers["Content-Type"]:
        found = answer.json()
    return found


class Traffic:
    """What the page asks for: what failed, and what went to other places than the portal's."""

    def __init__(self, page: Page) -> None:
        self.failed: list[str] = []
        self.paths: list[str] = []
        self.kinds: set[str] = set()
        page.on("response", self._answered)
        page.on("requestfailed", self._unanswered)

    def _answered(self, response: Response) -> None:
        self.paths.append(httpx.URL(response.url).path)
        self.kinds.add(response.request.resource_type)
        if response.status >= 400:
            self.failed.append(f"{response.status} {response.url}")

    def _unanswered(self, request: Request) -> None:
        self.failed.append(f"{request.failure} {request.url}")


def test_the_application_s_pages(visitor: Page, job: int) -> None:
    """Links, styles, scripts and what the scripts fetch, all below the endpoint."""
    visitor.goto(f"/services/zoe/executions/{job}")
    link = visitor.get_by_role("link", name="Open Spark application")
    home = link.get_attribute("href")
    assert home == place(job, "spark-submit-0", 4040)

    spark = visitor.context.new_page()  # the link opens one, too
    errors, traffic = collect_errors(spark), Traffic(spark)
    spark.goto(home)
    expect(spark.get_by_role("heading", name="Spark Jobs")).to_be_visible()
    running = spark.locator("#activeJob-table tbody tr")
    expect(running).to_have_count(1)
    expect(running).to_contain_text(WAITS)
    assert spark.locator(".navbar").evaluate("e => getComputedStyle(e).display") == "flex"
    spark.get_by_text("Event Timeline").click()
    timeline = spark.locator(".application-timeline-content")
    expect(timeline.filter(has_text=WAITS)).to_be_visible()
    keep_screenshot(spark, "spark-jobs", phone=False)

    spark.locator("#activeJob-table a.name-link").click()
    expect(spark.get_by_role("heading", name="Details for Job")).to_be_visible()
    spark.get_by_text("DAG Visualization").click()
    expect(spark.locator("#dag-viz-graph svg .node").first).to_be_attached()
    keep_screenshot(spark, "spark-job", phone=False)

    spark.get_by_role("link", name="Executors", exact=True).click()
    rows = spark.locator("#active-executors-table tbody tr")
    expect(rows).to_have_count(2)  # the driver and the worker's: fetched by a script
    expect(rows.filter(has_text="driver")).to_be_visible()
    keep_screenshot(spark, "spark-executors", phone=False)

    for name, heading in (
        ("Stages", "Stages for All Jobs"),
        ("Storage", "Storage"),
        ("Environment", "Environment"),
    ):
        spark.get_by_role("link", name=name, exact=True).click()
        expect(spark.get_by_role("heading", name=heading)).to_be_visible()
    assert spark.url.endswith("/environment/")

    # Spark's picture of a job trips over a content policy of Spark's own (``nonce-``), not ours.
    assert [each for each in errors if "nonce-" not in each] == []
    assert traffic.failed == []
    assert {"document", "stylesheet", "script", "xhr"} <= traffic.kinds
    # The pages link to each other through the page of the master, as Spark has it.
    endpoints = f"/services/zoe/executions/{job}/endpoints/"
    assert [each for each in traffic.paths if not each.startswith(endpoints)] == []
    spark.close()


def test_the_cluster_s_page_leads_to_the_application(visitor: Page, job: int) -> None:
    errors, traffic = collect_errors(visitor), Traffic(visitor)
    visitor.goto(place(job, "spark-master-0", 8080))
    expect(visitor.get_by_role("heading", name="Spark Master at")).to_be_visible()
    keep_screenshot(visitor, "spark-master", phone=False)
    visitor.get_by_role("link", name="Words of the test").last.click()
    expect(visitor.get_by_text("Words of the test").first).to_be_visible()
    assert errors == []
    assert traffic.failed == []
