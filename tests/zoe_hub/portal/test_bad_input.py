"""Every kind of bad input: a clear refusal with the field, and nothing stored."""

from typing import Any

import pytest
from sqlalchemy import func, select

from tests.zoe_hub.portal.conftest import Portal
from zoe_core.amount import Amount
from zoe_store.tables import events, executions, intents, nodes

OWN = {
    "name": "own",
    "version": 4,
    "services": [
        {
            "name": "main",
            "image": "python",
            "monitor": True,
            "total_count": 1,
            "essential_count": 1,
            "command": "true",
        }
    ],
}


def own(**service: Any) -> dict[str, Any]:
    """A launch of a description of one's own, with something else in its service."""
    return {"description": {**OWN, "services": [{**OWN["services"][0], **service}]}}


LAUNCHES: list[tuple[str, Any, int, str | None, str]] = [
    ("unknown ZApp", {"zapp": "nosuch"}, 422, "zapp", "nosuch"),
    ("path as ZApp", {"zapp": "../../etc"}, 422, "zapp", "../../etc"),
    ("ZApp of other people", {"zapp": "secret"}, 422, "zapp", "secret"),
    ("parameter too large", {"zapp": "small", "parameters": {"workers": 9}}, 422,
     "parameters.workers", "1 to 4"),
    ("parameter of wrong type", {"zapp": "small", "parameters": {"workers": "many"}}, 422,
     "parameters.workers", "many"),
    ("parameter is a list", {"zapp": "small", "parameters": {"workers": [1]}}, 422,
     "parameters.workers", "list"),
    ("unknown parameter", {"zapp": "small", "parameters": {"colour": "red"}}, 422,
     "parameters.colour", "workers"),
    ("unknown field", {"zapp": "small", "colour": "red"}, 422, "colour", "parameters"),
    ("both ways", {"zapp": "small", "description": OWN}, 422, None, "either"),
    ("neither way", {"name": "x"}, 422, None, "either"),
    ("name of wrong type", {"zapp": "small", "name": 5}, 422, "name", "5"),
    ("path in a name", {"zapp": "small", "name": "../../etc/passwd"}, 422, "name", "'/'"),
    ("name without letters", {"zapp": "small", "name": ".."}, 422, "name", "letter"),
    ("empty name", {"zapp": "small", "name": ""}, 422, "name", "0 characters"),
    ("endless name", {"zapp": "small", "name": "x" * 500}, 422, "name", "128"),
    ("description without services", {"description": {"name": "x", "version": 4}}, 422,
     "description.services", "missing"),
    ("description is a text", {"description": "zapp.json"}, 422, "description", "zapp.json"),
    ("unknown version", {"description": {**OWN, "version": 9}}, 422, "description.version", "9"),
    ("more memory than the machine", own(resources={"memory": {"min": 2**45}}), 422,
     "services[0].resources", "32 TB"),
    ("more cores than the machine", own(resources={"cores": {"min": 1000}}), 422,
     "services[0].resources", "1000 cores"),
    ("host path", own(volumes=[{"name": "etc", "path": "/etc"}]), 422,
     "services[0].volumes[0].path", "/etc"),
    ("more ports than an engine publishes",
     own(ports=[{"name": f"p{port}", "port_number": port} for port in range(1, 66)]), 422,
     "description.services[0].ports", "at most 64"),
    ("host network", own(network="host"), 422, "services[0].network", "host"),
    ("own Jupyter server", {"description": {**OWN, "hub_server": "main"}}, 422,
     "description.hub_server", "gallery"),
    ("parameters for an own description", {"description": OWN, "parameters": {"a": 1}}, 422,
     "parameters", "gallery"),
]  # fmt: skip


@pytest.fixture
def one_node(portal: Portal) -> None:
    """A machine of 16 GB and 4 cores, as the master would have stored it."""
    capacity = Amount.of(16 * 2**30, 4)
    with portal.database.transaction() as connection:
        connection.execute(
            nodes.insert().values(
                name="machine",
                memory=capacity.memory,
                millicores=capacity.millicores,
                labels=[],
                online=True,
                draining=False,
                images=None,
                missing_images={},
                seen_at=func.now(),
            )
        )


def count_rows(portal: Portal) -> int:
    """Everything that a request could have left behind."""
    with portal.database.transaction() as connection:
        return sum(
            connection.scalar(select(func.count()).select_from(table)) or 0
            for table in (executions, events, intents)
        )


def check_problem(answer: Any, status: int) -> dict[str, Any]:
    """An error is always one problem document."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["type"]
    assert problem["title"]
    assert problem["detail"]
    return problem


@pytest.mark.usefixtures("one_node")
@pytest.mark.parametrize(
    ("body", "status", "field", "said"), [row[1:] for row in LAUNCHES], ids=[r[0] for r in LAUNCHES]
)
async def test_a_bad_launch_is_refused(
    portal: Portal, body: Any, status: int, field: str | None, said: str
) -> None:
    answer = await portal.request("POST", "/executions", json=body)

    problem = check_problem(answer, status)
    assert problem.get("field") == field
    assert said in problem["detail"]
    assert count_rows(portal) == 0


BODIES: list[tuple[str, bytes, str, int, str]] = [
    ("no JSON", b'{"zapp": "small",\n  oops}', "application/json", 400, "line 2, column 3"),
    ("half a JSON", b'{"zapp": ', "application/json", 400, "line 1"),
    ("nothing", b"", "application/json", 400, "line 1"),
    ("a list", b"[]", "application/json", 400, "an object"),
    ("null", b"null", "application/json", 400, "an object"),
    ("no UTF-8", b'{"zapp": "\xff"}', "application/json", 400, "UTF-8"),
    ("a field twice", b'{"zapp": "small", "zapp": "small"}', "application/json", 400, "twice"),
    ("NaN", b'{"zapp": NaN}', "application/json", 400, "NaN"),
    ("deep nesting", b"[" * 100_000, "application/json", 400, "deep"),
    ("broken Unicode", rb'{"zapp": "\ud800"}', "application/json", 422, "unicode"),
    ("NUL in a name", rb'{"zapp": "small", "name": "a\u0000"}', "application/json", 422, "x00"),
    ("a form", b"zapp=small", "application/x-www-form-urlencoded", 415, "application/json"),
]


@pytest.mark.parametrize(
    ("body", "media", "status", "said"), [row[1:] for row in BODIES], ids=[r[0] for r in BODIES]
)
async def test_a_body_that_is_no_document_is_refused(
    portal: Portal, body: bytes, media: str, status: int, said: str
) -> None:
    answer = await portal.request(
        "POST", "/executions", content=body, headers={"Content-Type": media}
    )

    assert said in check_problem(answer, status)["detail"]
    assert count_rows(portal) == 0


QUERIES = [
    ("limit=0", "limit", "greater than or equal to 1"),
    ("limit=201", "limit", "200"),
    ("limit=ten", "limit", "ten"),
    ("limit=5&limit=6", "limit", "a list of 2"),
    ("cursor=nonsense", "cursor", "nonsense"),
    ("cursor=%C3%BC", "cursor", "next of an earlier page"),
    ("status=sleeping", "status[0]", "sleeping"),
    ("status=running,sleeping", "status[1]", "sleeping"),
    ("since=yesterday", "since", "yesterday"),
    ("since=2026-01-01T00:00:00", "since", "timezone"),
    ("since=0001-01-01T00:00:00%2B14:00", "since", "in the years 1 to 9999"),
    ("colour=red", "colour", "cursor"),
]


@pytest.mark.parametrize(("query", "field", "said"), QUERIES, ids=[row[0] for row in QUERIES])
async def test_a_bad_query_is_refused(portal: Portal, query: str, field: str, said: str) -> None:
    problem = check_problem(await portal.get(f"/executions?{query}"), 400)

    assert problem["field"] == field
    assert said in problem["detail"]


@pytest.mark.parametrize("moment", ["2026-01-01T00:00:00%2B18:24", "0762-08-05T16:15:56-23:59"])
async def test_an_odd_offset_is_a_moment_as_well(portal: Portal, moment: str) -> None:
    """Postgres knows none beyond 16 hours."""
    assert (await portal.get(f"/executions?since={moment}")).status_code == 200


async def test_a_query_that_is_no_text_is_refused(portal: Portal) -> None:
    problem = check_problem(await portal.get("/executions?cursor=%ff"), 400)

    assert "unicode" in problem["detail"].lower()


ADDRESSES = [
    ("GET", "/nothing", 404),
    ("GET", "/executions/abc", 404),
    ("GET", "/executions/0", 404),
    ("GET", "/executions/-1", 404),
    ("GET", f"/executions/{10**30}", 404),
    ("GET", "/executions/12345", 404),
    ("DELETE", "/executions/12345", 404),
    ("GET", "/executions/12345/events", 404),
    ("GET", "/executions/12345/instances/main-0/logs", 404),
    ("GET", "/executions/12345/instances/..%2F..%2Fetc/logs", 404),
    ("GET", "/discovery/12345/main", 404),
    ("GET", "/zapps/nosuch", 404),
    ("GET", "/zapps/validate", 405),
    ("PUT", "/executions", 405),
    ("PUT", "/executions/1", 405),
    ("POST", "/info", 405),
    ("BREW", "/info", 405),
]


@pytest.mark.parametrize(("method", "path", "status"), ADDRESSES)
async def test_a_wrong_address_or_method_is_refused(
    portal: Portal, method: str, path: str, status: int
) -> None:
    check_problem(await portal.request(method, path), status)


async def test_a_method_that_is_not_there_says_which_are(portal: Portal) -> None:
    answer = await portal.request("PUT", "/executions")

    assert answer.headers["Allow"] == "GET, POST"


async def test_a_body_of_10_mb_is_refused_and_the_caller_is_told(portal: Portal) -> None:
    body = b'{"zapp": "' + b"x" * 10_000_000 + b'"}'

    problem = check_problem(
        await portal.request(
            "POST", "/executions", content=body, headers={"Content-Type": "application/json"}
        ),
        413,
    )

    assert "1 MB" in problem["detail"]
    assert count_rows(portal) == 0


async def test_a_body_of_unknown_length_is_refused(portal: Portal) -> None:
    async def pieces() -> Any:
        for _ in range(100):
            yield b"x" * 100_000

    answer = await portal.request("POST", "/executions", content=pieces())

    check_problem(answer, 411)


@pytest.mark.parametrize("key", ["", "x" * 201, "with space", "ümlaut"])
async def test_a_bad_idempotency_key_is_refused(portal: Portal, key: str) -> None:
    answer = await portal.request(
        "POST",
        "/executions",
        json={"zapp": "small"},
        headers={"Idempotency-Key": key.encode("latin-1")},  # type: ignore[dict-item]
    )

    assert check_problem(answer, 400)["field"] == "Idempotency-Key"
    assert count_rows(portal) == 0


async def test_every_problem_of_a_description_is_listed(portal: Portal) -> None:
    answer = await portal.request("POST", "/executions", json=own(total_count=0, monitor="yes"))

    problem = check_problem(answer, 422)
    assert {each["field"] for each in problem["problems"]} == {
        "description.services[0].total_count",
        "description.services[0].monitor",
    }


async def test_what_nobody_foresaw_is_an_incident_without_internals(
    portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    with portal.database.transaction() as connection:
        connection.exec_driver_sql("ALTER TABLE executions RENAME COLUMN name TO label")

    problem = check_problem(await portal.get("/executions"), 500)

    assert "executions" not in problem["detail"]
    assert problem["incident"] in problem["detail"]
    assert problem["incident"] in caplog.text
    assert "UndefinedColumn" in caplog.text


async def test_a_database_that_is_away_is_a_503(portal: Portal) -> None:
    portal.headers("alice")
    broken = portal.database.engine.url.set(host="/nowhere")
    portal.database.engine = type(portal.database)(
        broken.render_as_string(hide_password=False)
    ).engine

    answer = await portal.request("POST", "/executions", json={"zapp": "small"})

    check_problem(answer, 503)
    assert answer.headers["Retry-After"] == "5"
