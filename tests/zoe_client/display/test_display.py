"""What notebooks show of documents: everything, in HTML and as text, and nothing that acts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from zoe_client.display import html_of, register, text_of
from zoe_client.display._html import safe_address
from zoe_client.display._words import log_text
from zoe_core.protocol import rest, rest_admin, rest_platform
from zoe_core.protocol.rest_use import ExecutionUse, InstanceUse, UseSample

NOW = datetime(2026, 11, 2, 14, 5, 9, tzinfo=UTC)
HOSTILE = "<img src=x onerror=alert(1)>\x1b[31m\u202e"
AMOUNT = rest.Resources(memory=2**30, cores=0.5)
RUNNING = rest_platform.Scheduler(status="running")
AWAY = rest_platform.Scheduler(status="away", seen_at=NOW)
NODE = rest_platform.Node(
    name="n1",
    online=True,
    draining=True,
    labels=("fast",),
    devices=("gpu0",),
    capacity=rest.Resources(memory=2**34, cores=4, gpus=1),
    reserved=rest.Resources(memory=2**33, cores=1),
    used=rest_platform.NodeUse(memory=2**32, cores=0.25),
)
GONE = NODE.model_copy(update={"name": "n2", "online": False, "draining": False})


def execution(**fields: Any) -> rest.Execution:
    known: dict[str, Any] = {
        "id": 42,
        "name": "wordcount",
        "zapp": "spark-job",
        "user": "alice",
        "status": "queued",
        "submitted_at": NOW,
        "url": "/services/zoe/executions/42",
    }
    return rest.Execution(**(known | fields))


WAITING = execution(
    waiting=rest.Waiting(
        position=3,
        reasons=("No node has 4 GB free.",),
        ahead=(7, 9),
        expected=rest.ExpectedStart(status="later", mid_s=60, text="Starts in about 1 min."),
    )
)
RAN = execution(
    status="error",
    reason="main-0 ended with 3.",
    started_at=NOW,
    ended_at=NOW,
    parameters={"workers": 2},
    instances=(
        rest.Instance(
            name="main-0",
            service="main",
            status="exited",
            node="n1",
            attempt=1,
            essential=True,
            monitor=True,
            exit_code=3,
            resources=AMOUNT,
        ),
    ),
)
OPEN = execution(
    status="running",
    started_at=NOW,
    endpoints=(
        rest.Endpoint(
            name="Page",
            url="/services/zoe/executions/42/endpoints/main-0/80/",
            instance="main-0",
            port=80,
        ),
    ),
)
PARAMETER = rest.Parameter(
    name="W", alias="workers", label="Workers", kind="environment", type="int", min=1, max=4
)
CARD = rest.ZAppSummary(slug="spark-job", name="Spark job", category="Spark", url="/z")
USED = InstanceUse(
    instance="main-0",
    attempt=1,
    reserved=AMOUNT,
    samples=(
        UseSample(at=NOW, memory=2**29, cores=0.5),
        UseSample(at=NOW, memory=2**28, cores=0.25),
    ),
)
ENTRY = rest_platform.QueueEntry(execution_id=42, position=1, user="alice", name="wordcount")

SHOWN = [
    (WAITING, ["Queued", "Number 3 in the queue. Starts in about 1 min.", "7, 9", "4 GB free"]),
    (RAN, ["Error", "main-0 ended with 3.", "Failed (3)", "workers = 2", "1 GB, 0.5 cores"]),
    (OPEN, ["Running", "Page"]),
    ((WAITING, RAN), ["wordcount", "Queued", "Error"]),
    (rest_platform.Queue(items=(ENTRY,), scheduler=RUNNING), ["42: wordcount", "alice"]),
    (rest_platform.Queue(items=(), scheduler=AWAY), ["Nothing waits.", "Scheduler away"]),
    (
        rest_platform.Cluster(items=(NODE, GONE), scheduler=RUNNING),
        ["n1", "Draining", "Offline", "1 of 4, 0.25 used", "8 GB of 16 GB, 4 GB used", "0 of 1"],
    ),
    (
        execution(status="running", ends_at=NOW, ends_because="runtime_limit"),
        ["2 Nov 2026", "its runtime limit"],
    ),
    (
        ExecutionUse(items=(USED,)),
        ["main-0", "256 MB of 1 GB", "512 MB", "0.25 of 0.5"],
    ),
    (ExecutionUse(items=()), ["Nothing of it is measured now."]),
    ((CARD,), ["Spark job"]),
    (
        rest.ZAppDetail(**dict(CARD), parameters=(PARAMETER,)),
        ["workers", "1 to 4."],
    ),
    (
        (rest.Estimate(status="now", text="Starts now.", parameters={"workers": 2}),),
        ["Starts now.", "workers = 2"],
    ),
    (
        rest_platform.Info(
            version="1.0",
            deployment="d",
            backend="process",
            scheduler=RUNNING,
            caller=rest_platform.Caller(name="alice", groups=("g",), scopes=("custom:zoe:launch",)),
        ),
        ["alice", "launch", "Scheduler running", "process"],
    ),
    (rest.Event(id=1, execution_id=42, at=NOW, kind="started", data={"a": 1}), ["started", "a: 1"]),
    (
        rest.Validation(valid=False, problems=(rest.FieldProblem(field="size", message="is 0"),)),
        ["It cannot be launched.", "size", "is 0"],
    ),
    (
        rest_admin.UsageReport(
            items=(
                rest_admin.UsageRow(
                    key="alice",
                    executions=1,
                    failed=0,
                    core_hours=0.5,
                    memory_gb_hours=2,
                    gpu_hours=0,
                    mean_wait_s=None,
                ),
            ),
            since=NOW,
            until=NOW,
            group_by="user",
        ),
        ["Usage report", "alice", "Core hours", "0.5"],
    ),
]


@pytest.mark.parametrize(("document", "told"), SHOWN)
def test_a_document_is_shown_in_both_forms(document: object, told: list[str]) -> None:
    html, text = html_of(document), text_of(document)

    assert [each for each in told if each not in text] == []
    assert [each for each in told if each not in html] == []


@pytest.mark.parametrize(
    "document",
    [
        execution(name=HOSTILE, reason=HOSTILE, parameters={HOSTILE: HOSTILE}),
        (execution(name=HOSTILE),),
        NODE.model_copy(update={"name": HOSTILE}),
        rest_platform.Queue(
            items=(ENTRY.model_copy(update={"name": HOSTILE, "reasons": (HOSTILE,)}),),
            scheduler=RUNNING,
        ),
        rest_platform.Cluster(
            items=(NODE.model_copy(update={"name": HOSTILE}),), scheduler=RUNNING
        ),
        CARD.model_copy(update={"name": HOSTILE, "category": HOSTILE, "description": HOSTILE}),
    ],
)
def test_what_others_wrote_stays_text(document: object) -> None:
    assert "<img" not in html_of(document)
    assert "\x1b" not in text_of(document)
    assert "\u202e" not in text_of(document)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("/services/zoe/", True),
        ("https://hub.example.org/", True),
        ("javascript:alert(1)", False),
        ("//elsewhere.example.org", False),
        ("", False),
    ],
)
def test_a_link_leads_to_a_page(url: str, safe: bool) -> None:
    assert (safe_address(url) is not None) is safe


def test_a_log_is_shown_as_a_terminal_would_leave_it() -> None:
    assert log_text("\x1b[1;31mred\x1b[0m\r\n 10 %\r 20 %\nend") == "red\n 20 %\nend"


@pytest.fixture
def shell() -> InteractiveShell:
    shell = InteractiveShell()
    register(shell)
    return shell


def test_ipython_shows_documents_and_lists_of_them(shell: InteractiveShell) -> None:
    one, _ = shell.display_formatter.format(WAITING)
    several, _ = shell.display_formatter.format((WAITING, RAN))

    assert one["text/html"] == html_of(WAITING)
    assert one["text/plain"] == text_of(WAITING)
    assert several["text/html"] == html_of((WAITING, RAN))


@pytest.mark.parametrize("value", [(), (1, "a"), [WAITING, 1], {"a": 1}])
def test_what_is_not_ours_is_shown_as_ever(shell: InteractiveShell, value: object) -> None:
    shown, _ = shell.display_formatter.format(value)

    assert set(shown) == {"text/plain"}


def test_lists_that_others_registered_stay_theirs() -> None:
    shell = InteractiveShell()
    shell.display_formatter.formatters["text/html"].for_type(tuple, lambda value: "<i>theirs</i>")
    register(shell)

    theirs, _ = shell.display_formatter.format((1, 2))

    assert theirs["text/html"] == "<i>theirs</i>"
