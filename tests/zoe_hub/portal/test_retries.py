"""Requests that are sent again: at once, after a restart of the portal, with the scheduler away."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func

from tests.support.hub import Hub
from tests.zoe_hub.portal.conftest import Portal, running_portal
from tests.zoe_hub.portal.test_bad_input import check_problem, count_rows
from zapp_gallery.loader import Gallery
from zoe_store.tables import deployment

KEY = {"Idempotency-Key": "once"}
SMALL, OTHER = {"zapp": "small"}, {"zapp": "small", "parameters": {"workers": 4}}


async def post(portal: Portal, body: dict[str, Any]) -> Any:
    return await portal.request("POST", "/executions", headers=KEY, json=body)


async def test_of_many_at_once_one_is_carried_out(portal: Portal) -> None:
    portal.headers("alice")  # made beforehand: that blocks

    answers = await asyncio.gather(*(post(portal, SMALL) for _ in range(20)))

    assert Counter(each.status_code for each in answers) == {201: 1, 200: 19}
    assert len({each.json()["id"] for each in answers}) == 1
    assert count_rows(portal) == 2  # the execution and its event


async def test_of_two_kinds_at_once_one_is_refused(portal: Portal) -> None:
    portal.headers("alice")

    answers = await asyncio.gather(
        *(post(portal, SMALL if number % 2 else OTHER) for number in range(20))
    )

    counted = Counter(each.status_code for each in answers)
    assert counted == {201: 1, 200: 9, 422: 10}
    for each in answers:
        if each.status_code == 422:
            assert check_problem(each, 422)["field"] == "Idempotency-Key"
    assert count_rows(portal) == 2


async def test_the_key_is_known_after_a_restart_of_the_portal(
    hub: Hub,
    tokens: dict[tuple[str, ...], str],
    gallery: Gallery,
    database_url: str,
    tmp_path: Path,
) -> None:
    async with running_portal(hub, tokens, gallery, database_url, tmp_path) as portal:
        first = await post(portal, SMALL)
    async with running_portal(hub, tokens, gallery, database_url, tmp_path) as portal:
        again, other = await post(portal, SMALL), await post(portal, OTHER)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    check_problem(other, 422)


async def test_one_and_true_are_different_parameters(portal: Portal) -> None:
    """Equal to Python, and so to a careless cache; not to a parameter that is a whole number."""
    for given, status in ((1, 201), (True, 422), (1.5, 422), (1, 201)):
        body = {"zapp": "small", "parameters": {"workers": given}}
        answer = await portal.request("POST", "/executions", json=body)
        assert answer.status_code == status, answer.text


async def test_when_too_many_wait_one_is_told_when_to_come_again(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portal.context.submission._submitter, "_limit", 0)

    answer = await portal.request("POST", "/executions", json=SMALL)

    check_problem(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0
    assert count_rows(portal) == 0


async def test_with_the_scheduler_away_all_is_answered_and_says_so(portal: Portal) -> None:
    with portal.database.transaction() as connection:
        long_ago = func.now() - func.make_interval(0, 0, 0, 0, 1)
        connection.execute(deployment.update().values(master_seen_at=long_ago))

    launched = await post(portal, SMALL)
    assert launched.status_code == 201
    place = f"/executions/{launched.json()['id']}"
    for shown in (launched, await portal.get(place)):
        (reason,) = shown.json()["waiting"]["reasons"]
        assert "away since" in reason
    assert [each["id"] for each in (await portal.get("/executions")).json()["items"]] == [
        launched.json()["id"]
    ]
    assert (await portal.request("DELETE", place)).status_code == 202
