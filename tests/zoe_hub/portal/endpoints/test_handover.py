"""Tickets and visits."""

import pytest

from zoe_hub.portal.endpoints.handover import TICKET_LIFE, VISIT_LIFE, Handovers, browser_mark
from zoe_hub.refusal import Refused

MINE = "the cookie of my browser"
PATH = "/services/zoe/executions/42/endpoints/main-0/8080/"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def handovers(clock: Clock) -> Handovers:
    return Handovers(clock)


def ticket(handovers: Handovers, token: str = "a token", execution: int = 42) -> str:
    return handovers.ticket(token, execution, browser_mark(MINE), PATH)


def test_a_ticket_is_good_for_a_visit(handovers: Handovers, clock: Clock) -> None:
    made = ticket(handovers)
    clock.now += TICKET_LIFE - 1
    visit, path = handovers.redeem(made, 42, MINE)
    assert path == PATH
    assert handovers.token_of(visit, 42) == "a token"
    assert "a token" not in made + visit


def test_a_visit_is_for_one_execution_and_for_a_day(handovers: Handovers, clock: Clock) -> None:
    visit, _ = handovers.redeem(ticket(handovers), 42, MINE)
    assert handovers.token_of(visit, 41) is None
    assert handovers.token_of("another", 42) is None
    clock.now += VISIT_LIFE
    assert handovers.token_of(visit, 42) is None


def test_the_same_login_makes_the_same_visit_longer(handovers: Handovers, clock: Clock) -> None:
    visit, _ = handovers.redeem(ticket(handovers), 42, MINE)
    clock.now += VISIT_LIFE - 1
    assert handovers.redeem(ticket(handovers), 42, MINE)[0] == visit
    clock.now += VISIT_LIFE - 1
    assert handovers.token_of(visit, 42) == "a token"
    others, _ = handovers.redeem(ticket(handovers, "another token"), 42, MINE)
    elsewhere, _ = handovers.redeem(ticket(handovers, execution=43), 43, MINE)
    assert len({visit, others, elsewhere}) == 3


@pytest.mark.parametrize(
    ("execution", "secret", "later"),
    [(41, MINE, 0), (42, "", 0), (42, "another browser's é", 0), (42, MINE, TICKET_LIFE)],
)
def test_a_ticket_that_is_refused_is_used_up(
    handovers: Handovers, clock: Clock, execution: int, secret: str, later: float
) -> None:
    made = ticket(handovers)
    clock.now += later
    for _ in range(2):
        with pytest.raises(Refused, match="good once"):
            handovers.redeem(made, execution, secret)
        execution, secret = 42, MINE


def test_a_ticket_is_good_once(handovers: Handovers) -> None:
    made = ticket(handovers)
    handovers.redeem(made, 42, MINE)
    with pytest.raises(Refused) as refused:
        handovers.redeem(made, 42, MINE)
    assert refused.value.status == 403
