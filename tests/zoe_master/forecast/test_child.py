"""The forecasting process by itself: jobs in, answers out."""

import io
import pickle
import time
from dataclasses import replace

import pytest

from tests.zoe_master.forecast.pictures import NOW, PICTURE
from zoe_core.scheduling import SchedulingSettings, StartRules
from zoe_master.engine.experience import Experience
from zoe_master.forecast import child
from zoe_master.forecast.job import Failed, Forecast, Job
from zoe_master.forecast.sync import Sender


def job(sender: Sender, seconds: float = 60) -> Job:
    deadline = time.monotonic() + seconds
    update = sender.update(PICTURE)
    return Job(update, SchedulingSettings(), StartRules(), NOW, deadline, None)


def served(*jobs: Job) -> list[Forecast | Failed]:
    answers = io.BytesIO()
    child.serve(io.BytesIO(b"".join(map(pickle.dumps, jobs))), answers)
    answers.seek(0)
    return [pickle.load(answers) for _ in jobs]  # noqa: S301 -- ours


def test_what_it_was_told_is_known_to_the_next_job() -> None:
    sender = Sender(Experience())
    first, second = served(job(sender), job(sender))
    assert isinstance(first, Forecast)
    assert set(first.waiting) == {2}
    assert second == first


@pytest.mark.parametrize("seconds", [-1, 0.05])
def test_it_gives_up_in_time_and_goes_on(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    real = child.estimate
    endless = iter([lambda *_: time.sleep(60), real])

    def estimate(*arguments: object) -> object:
        return next(endless)(*arguments)

    monkeypatch.setattr(child, "estimate", estimate if seconds > 0 else real)
    sender = Sender(Experience())
    late, whole = served(job(sender, seconds), job(sender))
    assert late == Failed("The queue is too long to foresee its future in time.")
    assert isinstance(whole, Forecast)


def test_a_defect_is_logged_and_the_next_job_is_done(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sender = Sender(Experience())
    broken = replace(job(sender), settings=None)
    failed, whole = served(broken, job(sender))
    assert isinstance(failed, Failed)
    assert "log says why" in failed.reason
    assert "A forecast failed" in caplog.text
    assert isinstance(whole, Forecast)
