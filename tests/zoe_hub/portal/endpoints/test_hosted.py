"""Endpoints on the hosts of their executions: the way in."""

import pytest

from tests.support.hub import PREFIX
from tests.support.login import Browser
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.endpoints.application import application, endpoint, launch
from tests.zoe_hub.portal.endpoints.hosts import (
    MAIN,
    Hosts,
    People,
    Serve,
    alice,
    hand_over,
    host,
    number_of,
    people,
    portal,
    step,
    ticket_for,
)
from zoe_hub.portal.endpoints.handover import TICKET_LIFE, Handovers

__all__ = ["alice", "application", "endpoint", "host", "people", "portal"]


async def test_the_owner_comes_to_it_with_a_ticket(
    portal: Portal, alice: Browser, host: Hosts, endpoint: str, application: Serve
) -> None:
    there, path = host(), f"{endpoint}a%2Fb?x=%20y"
    [found] = [
        each["url"]
        for each in (await portal.get(f"/executions/{there.number}")).json()["endpoints"]
        if each["port"] == 8080
    ]
    assert found == f"http://{there.name}{endpoint}"

    answer = await hand_over(alice, there, path)

    assert answer.json() == {"path": "/a%2Fb?x=%20y", "method": "GET"}
    [request] = application[0].requests
    assert request.headers["Host"] == there.name
    assert "Cookie" not in request.headers
    assert len(there.client.cookies.jar) == 3  # two of ours, one of the instance
    again = await there.client.get(path)  # what its scripts do
    assert again.status_code == 200
    assert application[0].requests[-1].headers["Cookie"] == "mine=1"


async def test_cookies_are_for_one_host_and_no_script(
    alice: Browser, host: Hosts, endpoint: str
) -> None:
    there = host()
    sent = await there.open(endpoint)
    back = await step(alice, sent.headers["Location"])
    arrived = await there.open(back.headers["Location"].partition(there.name)[2])

    for answer in (sent, arrived):
        [cookie] = answer.headers.get_list("Set-Cookie")
        _, *attributes = cookie.split("; ")
        assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Lax"]
    token = alice.client.cookies.get("service-zoe")
    assert token
    assert token not in there.cookies + sent.headers["Location"] + back.headers["Location"]
    assert "no-store" in arrived.headers["Cache-Control"]


async def test_with_https_cookies_are_secure(
    portal: Portal, host: Hosts, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(portal.context.hosts), "secure", True)
    sent = await host().open(endpoint)
    assert sent.headers["Set-Cookie"].startswith("__Host-service-zoe-browser=")
    assert "; Secure" in sent.headers["Set-Cookie"]


async def test_operators_may_and_strangers_may_not(
    people: People, host: Hosts, endpoint: str
) -> None:
    olga, bob, theirs = people(), people(), host()
    await olga.log_in("olga")
    await bob.log_in("bob")

    assert (await hand_over(olga, host(), endpoint)).status_code == 200
    sent = await theirs.open(endpoint)
    refused = await step(bob, sent.headers["Location"])
    login = await step(people(), sent.headers["Location"])

    assert refused.status_code == 404
    assert "Set-Cookie" not in refused.headers
    assert "/oauth2/authorize" in login.headers["Location"]


async def test_a_token_of_the_application_arrives(
    alice: Browser, host: Hosts, endpoint: str
) -> None:
    there = host()
    await hand_over(alice, there, endpoint)

    answer = await there.open(endpoint + "?token=its-own", **{"Sec-Fetch-Mode": "websocket"})

    assert answer.json()["path"] == "/?token=its-own"


async def test_a_ticket_is_good_once(alice: Browser, host: Hosts, endpoint: str) -> None:
    there = host()
    ticket = await ticket_for(alice, there, endpoint)
    assert (await there.open(ticket)).status_code == 302
    there.client.cookies.delete("service-zoe-visit")

    again = await there.open(ticket)

    assert again.status_code == 403
    assert "good once" in again.text
    assert "Set-Cookie" not in again.headers


async def test_a_ticket_is_good_for_a_moment(
    portal: Portal, alice: Browser, host: Hosts, endpoint: str
) -> None:
    there = host()
    now = 1000.0
    portal.application.settings["handovers"] = Handovers(lambda: now)
    ticket = await ticket_for(alice, there, endpoint)
    now += TICKET_LIFE
    assert (await there.open(ticket)).status_code == 403


async def test_a_ticket_is_for_the_browser_that_was_sent(
    alice: Browser, host: Hosts, endpoint: str
) -> None:
    """Nobody can be made to use the ticket, and so the login, of somebody else."""
    mine, theirs = host(), host()
    await theirs.open(endpoint)
    assert theirs.cookies.startswith("service-zoe-browser=")
    assert (await theirs.open(await ticket_for(alice, mine, endpoint))).status_code == 403
    assert (await host().open(await ticket_for(alice, mine, endpoint))).status_code == 403


async def test_tickets_and_cookies_are_for_one_execution(
    portal: Portal, alice: Browser, host: Hosts, endpoint: str, application: Serve
) -> None:
    there, other = host(), await launch(portal, application[1])
    number = number_of(other)
    elsewhere = host(number)
    ticket = await ticket_for(alice, there, endpoint)
    headers = {"Cookie": there.cookies}
    moved = ticket.replace(f"/{there.number}/", f"/{number}/")

    assert (await there.open(moved)).status_code == 404
    assert (await elsewhere.open(ticket, **headers)).status_code == 404
    assert (await elsewhere.open(moved, **headers)).status_code == 403

    await hand_over(alice, there, endpoint)
    assert (await there.open(other)).status_code == 404
    used = await elsewhere.open(other, Cookie=there.cookies)
    assert used.headers["Location"].startswith(f"{MAIN}{PREFIX}executions/{number}/enter?")
    assert len(application[0].requests) == 1


async def test_after_a_restart_of_the_portal_she_is_handed_over_again(
    portal: Portal, alice: Browser, host: Hosts, endpoint: str
) -> None:
    there = host()
    await hand_over(alice, there, endpoint)
    portal.application.settings["handovers"] = Handovers()
    assert (await hand_over(alice, there, endpoint)).status_code == 200
