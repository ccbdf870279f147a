"""Who may ask how much at once, and when what was foreseen is foreseen anew."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pytest

from tests.support.builders import after, execution, snapshot
from tests.support.waiting import eventually_async
from zoe_core.protocol import Estimate, EstimateReply, Failure
from zoe_core.scheduling import Plan, SchedulingSettings, StartRules
from zoe_core.waiting import StartEstimate
from zoe_master.engine import estimator
from zoe_master.engine.estimator import AT_ONCE, OF_ONE_USER, Estimator
from zoe_master.engine.experience import Experience
from zoe_master.forecast.job import Forecast
from zoe_master.forecast.process import BUSY, NoForecast
from zoe_store.predictions import Predicted

PLAN = Plan(waiting=(1,))


class Clock:
    now = after(0)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def asked(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Estimator]:
    monkeypatch.setattr(estimator, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(estimator, "FORESEE_EVERY", 0.0)
    monkeypatch.setattr(estimator, "write_first", lambda *_: None)
    monkeypatch.setattr(estimator, "past_error", lambda _: None)
    picture = snapshot((), execution(1))
    made = Estimator(
        settings=SchedulingSettings(),
        rules=StartRules(),
        experience=Experience(),
        office=None,
        state=lambda: (picture, PLAN),
        clock=clock,
        log=logging.getLogger("tests.estimator"),
    )
    yield made
    made.close()


async def test_nobody_takes_all_places_with_questions(
    asked: Estimator, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = asyncio.Event()

    async def ask(*_: Any, **__: Any) -> Forecast:
        await answered.wait()
        return Forecast()

    monkeypatch.setattr(asked._questions, "ask", ask)

    def begin(user: str, number: int) -> list[asyncio.Task[EstimateReply | Failure]]:
        question = Estimate(user=user, descriptions=({},))
        return [asyncio.create_task(asked.answer(question)) for _ in range(number)]

    alice = begin("alice", OF_ONE_USER + 1)
    others = [task for number in range(AT_ONCE) for task in begin(f"user-{number}", 1)]
    await asyncio.sleep(0)
    refused = Failure(reason=BUSY)
    assert [each.result() for each in alice if each.done()] == [refused]
    assert [each.result() for each in others if each.done()] == [refused] * OF_ONE_USER
    answered.set()
    await asyncio.gather(*alice, *others)
    assert await begin("alice", 1)[0] == EstimateReply(estimates=())


async def test_what_did_not_come_as_it_was_foreseen_is_foreseen_anew(
    asked: Estimator, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_at: list[datetime] = []

    async def ask(_: object, now: datetime, **__: Any) -> Forecast:
        asked_at.append(now)
        if len(asked_at) == 2:
            raise NoForecast(BUSY)
        waiting: Mapping[int, StartEstimate] = {1: StartEstimate(0.0, 60.0, 90.0)}
        return Forecast(waiting)

    monkeypatch.setattr(asked._forecasts, "ask", ask)
    task = asyncio.create_task(asked.run())
    try:
        await eventually_async(lambda: 1 in asked.expected)
        clock.now = after(61)
        await eventually_async(lambda: asked.expected[1].mid == after(121))
    finally:
        task.cancel()
    assert asked_at == [after(0), after(61), after(61)]


async def test_first_predictions_are_written_once_and_in_pieces(
    asked: Estimator, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[set[int]] = []
    monkeypatch.setattr(estimator, "NOTED_AT_ONCE", 2)
    monkeypatch.setattr(estimator, "write_first", lambda _, some, __: written.append({*some}))
    picture = snapshot((), [execution(each) for each in (1, 2, 3)])
    asked._state = lambda: (picture, PLAN)
    told = {each: Predicted(after(1), after(2), None) for each in (1, 2, 3)}
    await asked._note_first(told, after(0))
    assert written == [{1, 2}, {3}]
    await asked._note_first({}, after(0))
    await asked._note_first(told, after(0))
    assert len(written) == 2, "also of one that a forecast could not tell in between"
    picture = snapshot((), execution(2))
    await asked._note_first({}, after(0))
    assert asked._noted == {2}
