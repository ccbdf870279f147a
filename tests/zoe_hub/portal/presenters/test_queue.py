"""The queue as a list of rows."""

import pytest

from zoe_core.protocol.rest import ExpectedStart
from zoe_core.protocol.rest_platform import PredictionError, Queue, QueueEntry, Scheduler
from zoe_hub.portal.presenters.queue import SHOWN, Reader, accuracy, not_shown_after, rows

ANN = Reader("ann")
SOON = ExpectedStart(status="later", low_s=60, mid_s=60, high_s=60, text="Starts in about 1 min.")


def queue(*entries: QueueEntry) -> Queue:
    return Queue(items=entries, scheduler=Scheduler(status="running"))


def entry(number: int, user: str | None = None) -> QueueEntry:
    name = None if user is None else f"job-{number}"
    return QueueEntry(execution_id=number, position=number, user=user, name=name, expected=SOON)


def test_each_row_says_whose_it_is() -> None:
    found = rows(queue(entry(1, "ann"), entry(2, "ben"), entry(3)), ANN, "/zoe/")
    assert [each.whose for each in found] == ["yours", "of ben", "of somebody else"]
    assert [each.url for each in found] == ["/zoe/executions/1", "/zoe/executions/2", ""]
    assert [each.mine for each in found] == [True, False, False]
    assert found[0].expected is not None
    assert found[0].expected.guess == "Starts in about 1 min."


def test_of_a_long_queue_the_beginning_and_ones_own_are_shown() -> None:
    long = queue(*(entry(n, "ann" if n in (200, 300) else None) for n in range(1, 401)))
    found = rows(long, ANN, "/zoe/")
    assert [each.id for each in found] == [*range(1, SHOWN + 1), 200, 300]
    assert [each.skipped for each in found if each.skipped] == [200 - SHOWN - 1, 99]
    assert not_shown_after(long, found) == 100


def test_while_the_scheduler_is_away_nobody_knows_a_place() -> None:
    (row,) = rows(queue(QueueEntry(execution_id=1, position=None)), ANN, "/zoe/")
    assert (row.place, row.expected, row.reasons) == ("", None, ())


def test_who_may_move_what() -> None:
    waiting = queue(entry(1, "ann"), entry(2, "ben"), entry(3))

    def movable(reader: Reader) -> list[list[str]]:
        found = rows(waiting, reader, "/zoe/")
        return [[each.name for each in row.choices if each.allowed] for row in found]

    assert movable(ANN) == [["low", "normal"], [], []]
    operator = Reader("olga", operates=True)
    assert movable(operator) == [["low", "normal"], ["low", "normal"], []]
    everything = ["low", "normal", "high"]
    assert movable(Reader("ann", may_prioritize=True)) == [everything, [], []]


@pytest.mark.parametrize(
    ("predictions", "said"),
    [
        (None, ""),
        (
            PredictionError(count=1, median_s=8, within=1),
            "The one prediction so far was within 10 s.",
        ),
        (
            PredictionError(count=40, median_s=121, within=0.755),
            "Half of the last 40 predictions were within 2 min; "
            "76 % of the starts were in the range that was told.",
        ),
    ],
)
def test_how_good_predictions_were(predictions: PredictionError | None, said: str) -> None:
    assert accuracy(predictions) == said
