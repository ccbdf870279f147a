"""From what the master foresees to a document with a sentence."""

from datetime import timedelta

import pytest

from tests.support.builders import START, after
from zoe_core.protocol import Estimated, ExpectedStart
from zoe_hub.expected import LATE, NO_ESTIMATE, OVERDUE, of_launch, of_waiting


def foreseen(low: float, mid: float, high: float | None) -> ExpectedStart:
    """Seconds after START."""
    return ExpectedStart(low=after(low), mid=after(mid), high=None if high is None else after(high))


@pytest.mark.parametrize(
    ("expected", "status", "text"),
    [
        (None, "unknown", NO_ESTIMATE),
        (foreseen(480, 720, 1200), "later", "Starts in about 12 min (between 8 and 20 min)."),
        (foreseen(0, 2, 30), "now", "Starts any moment."),
        (foreseen(-300, -200, 30), "now", "Starts any moment."),
        (foreseen(-300, -200, -LATE - 1), "unknown", OVERDUE),
        (foreseen(-300, -LATE - 1, None), "unknown", OVERDUE),
    ],
)
def test_something_that_waits(expected: ExpectedStart | None, status: str, text: str) -> None:
    document = of_waiting(expected, START)
    assert (document.status, document.text) == (status, text)


def test_seconds_are_from_now_and_never_negative() -> None:
    document = of_waiting(foreseen(-60, 120, 600), START + timedelta(seconds=60))
    assert (document.low_s, document.mid_s, document.high_s) == (0, 60, 540)


@pytest.mark.parametrize(
    ("seconds", "status", "text"),
    [
        ((0, 0, 0), "now", "Starts now."),
        ((480, 720, 720), "later", "Starts in about 12 min (between 8 and 12 min)."),
        ((None, None, None), "unknown", "Nobody can tell."),
    ],
)
def test_something_that_might_be_launched(
    seconds: tuple[float | None, ...], status: str, text: str
) -> None:
    low, mid, high = seconds
    document = of_launch(Estimated(low=low, mid=mid, high=high, sentence="Nobody can tell."))
    assert (document.status, document.text, document.mid_s) == (status, text, mid)
