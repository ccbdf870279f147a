"""First predictions, and what became of them."""

from dataclasses import replace

from tests.support.builders import START, after
from tests.support.submissions import submit
from zoe_core.cluster import ExecutionStatus
from zoe_core.scheduling import Advance
from zoe_store import executions, master, predictions
from zoe_store.database import Database
from zoe_store.office import Office
from zoe_store.predictions import PastError, Predicted, past_error, write_first


def predicted(low: float, mid: float, high: float | None) -> Predicted:
    return Predicted(after(low), after(mid), None if high is None else after(high))


def start(office: Office, execution_id: int, seconds: float) -> None:
    """Let the master note that it runs."""
    (view,) = (each for each in master.read_news(office).submitted if each.id == execution_id)
    running = replace(view, status=ExecutionStatus.RUNNING, started_at=after(seconds))
    master.write_advance(office, Advance(executions={view.id: running}), [], START)


def test_the_first_prediction_stays(database: Database, office: Office) -> None:
    one, other, unknown = (submit(database) for _ in range(3))
    write_first(office, {one: predicted(1, 2, 3)}, after(0.5))
    write_first(office, {one: predicted(4, 5, 6), other: predicted(7, 8, None)}, after(1))
    found = [executions.get(database, each) for each in (one, other, unknown)]
    assert [
        (
            each.predicted_at,
            each.predicted_start_low,
            each.predicted_start,
            each.predicted_start_high,
        )
        for each in found
        if each
    ] == [
        (after(0.5), after(1), after(2), after(3)),
        (after(1), after(7), after(8), None),
        (None, None, None, None),
    ]


def test_how_good_they_were(database: Database, office: Office) -> None:
    assert past_error(office) is None
    told = [predicted(10, 20, 30), predicted(10, 20, 30), predicted(10, 20, None)]
    ids = [submit(database) for _ in (*told, "never started", "never told")]
    write_first(office, dict(zip(ids, [*told, predicted(1, 2, 3)], strict=False)), START)
    assert past_error(office) is None
    for one, seconds in zip((*ids[:3], ids[4]), (25, 5, 120, 50), strict=True):
        start(office, one, seconds)
    assert past_error(office) == PastError(3, 15, 2 / 3)


def test_only_the_last_ones_count(database: Database, office: Office, monkeypatch) -> None:
    ids = [submit(database) for _ in range(3)]
    write_first(office, dict.fromkeys(ids, predicted(0, 0, 0)), START)
    for one, seconds in zip(ids, (100, 2, 4), strict=True):
        start(office, one, seconds)
    monkeypatch.setattr(predictions, "JUDGED", 2)
    assert past_error(office) == PastError(2, 52, 0)
