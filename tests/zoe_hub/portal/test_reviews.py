"""How often the Hub is asked about whoever keeps something open."""

from itertools import islice

from zoe_hub.portal import reviews
from zoe_hub.portal.app import ZoePortal

DEADLINE = 10.0
"""Seconds within which what is taken away is gone, as docs/login.md promises."""

ANSWER = 1.0
"""Seconds of them that are left to the Hub for its answer."""


def test_what_is_open_is_looked_at_in_time() -> None:
    """The answer may have been given to somebody else, a moment before."""
    first, *others = islice(reviews.pauses(), 1000)
    assert 0 <= first <= reviews.FIRST
    assert max(others) + reviews.TOGETHER + ANSWER <= DEADLINE


def test_what_an_old_answer_let_in_is_looked_at_in_time() -> None:
    login_cache = ZoePortal.class_traits()["login_cache"].default_value
    assert login_cache + reviews.FIRST + ANSWER <= DEADLINE
