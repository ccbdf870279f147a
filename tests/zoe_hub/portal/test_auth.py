"""Who gets in, with what, and how the others are told."""

from collections.abc import AsyncIterator

import pytest

from tests.support.hub import PREFIX
from tests.support.login import Browser
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.test_bad_input import check_problem, count_rows
from zoe_hub import permissions
from zoe_hub.portal.auth import Scope, Visitor

API = f"{PREFIX}api/v1"


@pytest.fixture
async def browser(portal: Portal) -> AsyncIterator[Browser]:
    browser = Browser(portal.hub, portal.url)
    yield browser
    await browser.client.aclose()


def test_every_scope_that_is_asked_for_is_one_that_the_hub_knows() -> None:
    assert {str(scope) for scope in Scope} <= set(permissions.CUSTOM_SCOPES)


def test_a_scope_with_a_filter_is_not_the_scope() -> None:
    visitor = Visitor("alice", "user", frozenset(), frozenset({"custom:zoe:launch!user=alice"}))

    assert not visitor.may(Scope.LAUNCH)


@pytest.mark.parametrize("path", ["/info", "/executions", "/openapi.json", "/metrics", "/events"])
async def test_without_a_token_there_is_nothing(portal: Portal, path: str) -> None:
    answer = await portal.client.get(f"api/v1{path}")

    check_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_token_that_the_hub_does_not_know_is_refused(portal: Portal) -> None:
    answer = await portal.client.get(
        "api/v1/info", headers={"Authorization": "token 0123456789abcdef"}
    )

    check_problem(answer, 401)


async def test_bearer_is_as_good_as_token(portal: Portal) -> None:
    token = portal.headers("alice")["Authorization"].removeprefix("token ")

    answer = await portal.client.get("api/v1/info", headers={"Authorization": f"Bearer {token}"})

    assert answer.json()["caller"]["name"] == "alice"


async def test_a_token_in_the_address_is_not_accepted(portal: Portal) -> None:
    token = portal.headers("alice")["Authorization"].removeprefix("token ")

    check_problem(await portal.client.get(f"api/v1/info?token={token}"), 401)


async def test_a_token_for_something_else_is_refused(portal: Portal) -> None:
    answer = await portal.get("/info", headers=portal.headers("alice", ("read:users!user",)))

    assert "access:services!service=zoe" in check_problem(answer, 403)["detail"]


async def test_launching_needs_its_scope(portal: Portal) -> None:
    answer = await portal.request(
        "POST", "/executions", scopes=(permissions.ACCESS,), json={"zapp": "small"}
    )

    assert "custom:zoe:launch" in check_problem(answer, 403)["detail"]
    assert count_rows(portal) == 0


async def test_an_own_description_needs_another_scope(portal: Portal) -> None:
    answer = await portal.request(
        "POST",
        "/executions",
        scopes=(permissions.ACCESS, "custom:zoe:launch"),
        json={"description": {"name": "x"}},
    )

    assert "custom:zoe:launch-own" in check_problem(answer, 403)["detail"]


@pytest.mark.parametrize("path", ["/queue", "/cluster", "/metrics"])
async def test_the_state_of_the_cluster_needs_its_scope(portal: Portal, path: str) -> None:
    answer = await portal.get(path, scopes=(permissions.ACCESS,))

    assert "custom:zoe:status" in check_problem(answer, 403)["detail"]


async def test_a_service_of_the_hub_cannot_launch(portal: Portal) -> None:
    token = portal.hub.admin_token
    headers = {"Authorization": f"token {token}"}

    check_problem(await portal.client.get("api/v1/info", headers=headers), 403)


async def test_a_hub_that_is_away_is_a_503(portal: Portal) -> None:
    portal.application.settings["hub_auth"].api_url = "http://127.0.0.1:1/hub/api"

    answer = await portal.get("/info", headers={"Authorization": "token abc"})

    check_problem(answer, 503)
    assert answer.headers["Retry-After"] == "5"


async def test_a_revoked_token_is_forgotten_soon(portal: Portal) -> None:
    assert 0 < portal.application.settings["hub_auth"].cache_max_age <= 10


async def test_a_browser_logs_in_at_the_hub_and_comes_back(browser: Browser) -> None:
    page = await browser.log_in("alice")

    assert page.status_code == 200
    assert page.url.path == PREFIX
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Frame-Options"] == "DENY"


async def test_a_page_launches_with_the_token_of_its_form_only(
    browser: Browser, portal: Portal
) -> None:
    await browser.log_in("alice")
    launch = {"json": {"zapp": "small"}}

    forged = await browser.send("POST", f"{API}/executions", **launch)
    stale = await browser.send(
        "POST", f"{API}/executions", headers={"X-XSRFToken": "abc"}, **launch
    )
    before = count_rows(portal)
    right = await browser.send(
        "POST", f"{API}/executions", headers={"X-XSRFToken": browser.xsrf}, **launch
    )

    assert check_problem(forged, 403)["field"] == "_xsrf"
    assert check_problem(stale, 403)["field"] == "_xsrf"
    assert before == 0
    assert right.status_code == 201
    assert right.json()["user"] == "alice"


async def test_another_site_cannot_use_the_login(browser: Browser, portal: Portal) -> None:
    await browser.log_in("alice")

    answer = await browser.send(
        "POST",
        f"{API}/executions",
        json={"zapp": "small"},
        headers={"X-XSRFToken": browser.xsrf, "Sec-Fetch-Site": "cross-site"},
    )

    check_problem(answer, 403)
    assert count_rows(portal) == 0


async def test_the_scopes_of_a_login_are_those_of_the_person(browser: Browser) -> None:
    await browser.log_in("olga")

    answer = await browser.send("GET", f"{API}/info", headers={"X-XSRFToken": browser.xsrf})

    assert "custom:zoe:operate-others" in answer.json()["caller"]["scopes"]
    assert answer.json()["caller"]["groups"] == ["zoe-admin"]


async def test_an_event_stream_opens_with_the_token_in_its_address(
    browser: Browser, portal: Portal
) -> None:
    execution = await portal.launch()
    await browser.log_in("alice")
    address = f"{portal.url}api/v1/executions/{execution['id']}/events?_xsrf={browser.xsrf}"
    headers = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}

    async with browser.client.stream("GET", address, headers=headers) as answer:
        assert answer.status_code == 200
