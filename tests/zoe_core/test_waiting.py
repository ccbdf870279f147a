"""Starts in words."""

import pytest

from zoe_core.waiting import StartEstimate, describe, in_parts, roughly, sentence

MINUTE, HOUR, DAY = 60, 3600, 86400


def sure(seconds: float) -> StartEstimate:
    return StartEstimate(seconds, seconds, seconds)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (sure(0), "now"),
        (StartEstimate(0, 3, 4000), "now"),
        (sure(720), "in about 12 min"),
        (StartEstimate(300, 720, 2400), "in about 12 min (between 5 and 40 min)"),
        (StartEstimate(600, 1800, 2 * HOUR), "in about 30 min (between 10 min and 2 h)"),
        (StartEstimate(0, 720, 2400), "in about 12 min (40 min at the latest)"),
        (StartEstimate(719, 720, 721), "in about 12 min"),
        (StartEstimate(0, 720, 725), "in about 12 min"),
        (StartEstimate(300, 720, None), "in about 12 min (not before 5 min, maybe much later)"),
        (StartEstimate(0, 720, None), "in about 12 min (maybe much later)"),
        (StartEstimate(later_than=3 * DAY), "in more than 3 days"),
        (StartEstimate(), "unknown: as things are now it does not start"),
        (
            StartEstimate(blockers=(12,)),
            "unknown: nobody can tell how long execution 12 runs",
        ),
        (
            StartEstimate(blockers=(12, 15)),
            "unknown: nobody can tell how long executions 12 and 15 run",
        ),
        (
            StartEstimate(blockers=(1, 2, 3, 4, 5)),
            "unknown: nobody can tell how long executions 1, 2, 3 and 2 more run",
        ),
    ],
)
def test_a_start_in_words(start: StartEstimate, words: str) -> None:
    assert describe(start) == words


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (sure(0), "Starts now."),
        (StartEstimate(300, 720, 2400), "Starts in about 12 min (between 5 and 40 min)."),
        (StartEstimate(later_than=3 * DAY), "Starts in more than 3 days."),
        (StartEstimate(), "No estimate: as things are now it does not start."),
        (
            StartEstimate(blockers=(12,)),
            "No estimate: nobody can tell how long execution 12 runs.",
        ),
    ],
)
def test_a_start_in_a_sentence(start: StartEstimate, said: str) -> None:
    assert sentence(start) == said


def test_the_guess_and_its_range_apart() -> None:
    assert in_parts(StartEstimate(300, 720, 2400)) == ("in about 12 min", "between 5 and 40 min")
    assert in_parts(sure(720)) == ("in about 12 min", "")
    assert in_parts(sure(2)) == ("now", "")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "10 s"),
        (44, "40 s"),
        (58, "1 min"),
        (59 * MINUTE, "59 min"),
        (59.6 * MINUTE, "1 h"),
        (100 * MINUTE, "1.5 h"),
        (9.9 * HOUR, "10 h"),
        (47 * HOUR, "47 h"),
        (50 * HOUR, "2 days"),
    ],
)
def test_a_guess_is_told_no_finer_than_it_is(seconds: float, words: str) -> None:
    assert roughly(seconds) == words
