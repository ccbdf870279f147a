"""Effects: what is wanted is made, once, and again when a full list shows that it was in vain."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from signal import SIGPWR, SIGTERM, Signals
from typing import Any, cast

import pytest

from tests.support.builders import DEFAULTS, execution, instance, service, snapshot, worker
from tests.support.masters import Gate
from tests.support.waiting import eventually_async
from zoe_core.cluster import Desired, ExecutionStatus, InstanceId, InstanceView, Observed, Snapshot
from zoe_master.backends.base import Fatal, InstanceSpec, Retry
from zoe_master.backends.fake import FakeBackend, FakeEngine, ManualClock
from zoe_master.engine import applier
from zoe_master.engine.applier import Applier, Hanging
from zoe_master.engine.figures import FigureBook
from zoe_master.engine.inbox import Inbox
from zoe_master.engine.logs import LogKeeper
from zoe_master.engine.meter import Meter
from zoe_master.engine.specs import SpecMaker
from zoe_store.office import OutOfOffice


class Recorder(FakeBackend):
    """Notes what it is asked for; ``errors`` are raised in turn by the calls of that name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(deployment="test", engine=FakeEngine(ManualClock()), **kwargs)
        self.calls: list[str] = []
        self.stops: list[tuple[float, Signals]] = []
        self.errors: dict[str, list[Exception]] = {}

    def prepare(self, execution_id: int) -> None:
        self._note("prepare", execution_id)

    def start(self, spec: InstanceSpec) -> None:
        self._note("start", spec.id)
        super().start(spec)

    def stop(self, instance: InstanceId, grace: float, signal: Signals = SIGTERM) -> None:
        self._note("stop", instance)
        self.stops.append((grace, signal))
        super().stop(instance, grace, signal)

    def release(self, execution_id: int) -> None:
        self._note("release", execution_id)

    def _note(self, call: str, what: object) -> None:
        self.calls.append(f"{call} {what}")
        errors = self.errors.get(call, [])
        if errors:
            raise errors.pop(0)


class Post:
    """The office, as far as the applier sees it."""

    lost = False

    def require(self) -> None:
        if self.lost:
            raise OutOfOffice("another master has taken over")


@pytest.fixture
def backend(tmp_path: Path) -> Recorder:
    return Recorder(directory=str(tmp_path))


@pytest.fixture
def post() -> Iterator[Post]:
    return Post()


@pytest.fixture
async def apply(backend: Recorder, post: Post, tmp_path: Path) -> AsyncIterator[Applier]:
    made = Applier(
        backend=backend,
        inbox=Inbox(),
        logs=LogKeeper(backend, tmp_path / "logs", 1000),
        specs=SpecMaker(backend, DEFAULTS, "/services/zoe"),
        require=post.require,
        secrets=lambda _: {},
        grace=1.0,
        threads=1,
        figures=FigureBook(cast(Meter, None)),
        log=logging.getLogger("tests.applier"),
    )
    yield made
    await made.close()


PARTS = service(), worker()


def picture(*instances: InstanceView, status: str = "starting") -> Snapshot:
    return snapshot((), execution(1, *PARTS, status=status), instances)


def new(name: str = "main", **fields: Any) -> InstanceView:
    """An instance that is wanted and not there."""
    return instance(1, name, observed=Observed.NONE, **fields)


async def said(backend: Recorder, *calls: str) -> None:
    """Wait until the back-end was asked for exactly that, so far."""

    def there() -> bool:
        assert backend.calls == list(calls)
        return True

    await eventually_async(there)


def reported(made: Applier) -> list[tuple[str, Observed]]:
    """What it told of instances since it was asked last."""
    seen = [each.observation for each in made._inbox.take().sightings]
    return [(each.id.name, each.observed) for each in seen]


async def idle(made: Applier) -> None:
    """Wait until no effect is under way."""
    while made._tasks:
        await asyncio.gather(*made._tasks)


async def test_services_start_in_turn(apply: Applier, backend: Recorder) -> None:
    apply.look(picture(new("worker"), new("main")), [1])
    await said(backend, "prepare 1", "start 1/main-0#1", "start 1/worker-0#1")


async def test_what_was_made_is_not_made_again(apply: Applier, backend: Recorder) -> None:
    apply.look(picture(new()), [1])
    await said(backend, "prepare 1", "start 1/main-0#1")
    await idle(apply)
    apply.look(picture(new()), [1])
    await idle(apply)
    assert len(backend.calls) == 2


@pytest.mark.parametrize(
    ("wanted", "call"),
    [
        (new(), "start 1/main-0#1"),
        (instance(desired=Desired.ABSENT), "stop 1/main-0#1"),
    ],
)
async def test_what_a_full_list_shows_to_be_in_vain_is_made_again(
    apply: Applier, backend: Recorder, wanted: InstanceView, call: str
) -> None:
    apply.look(picture(wanted), [1])
    await eventually_async(lambda: call in backend.calls)
    await idle(apply)
    apply.doubt(time.monotonic())
    apply.look(picture(wanted), [])
    await eventually_async(lambda: backend.calls.count(call) == 2)
    await idle(apply)
    apply.look(picture(wanted), [])
    await idle(apply)
    assert backend.calls.count(call) == 2


POLITE = worker(elastic=1, shrink={"signal": "PWR", "grace": 45})


async def test_one_that_is_taken_back_is_asked_as_its_service_says(
    apply: Applier, backend: Recorder
) -> None:
    running = execution(1, service(), POLITE, status="running")
    leaving = instance(1, "worker", 1, essential=False, desired=Desired.ABSENT)
    apply.look(snapshot((), running, (leaving,)), [1])
    await idle(apply)
    assert backend.stops == [(45, SIGPWR)]
    apply.doubt(time.monotonic())  # a full list still shows it
    apply.look(snapshot((), running, (leaving,)), [])
    await idle(apply)
    assert backend.stops == [(45, SIGPWR)] * 2


async def test_one_that_is_leaving_is_stopped_at_once_when_its_execution_ends(
    apply: Applier, backend: Recorder
) -> None:
    running = execution(1, service(), POLITE, status="running")
    leaving = instance(1, "worker", 1, essential=False, desired=Desired.ABSENT)
    apply.look(snapshot((), running, (leaving,)), [1])
    await idle(apply)
    ending = replace(running, status=ExecutionStatus.CLEANING_UP)
    apply.look(snapshot((), ending, (leaving,)), [1])
    await idle(apply)
    assert backend.stops == [(45, SIGPWR), (1.0, SIGTERM)]


async def test_an_instance_gets_the_devices_of_its_place(apply: Applier, backend: Recorder) -> None:
    apply.look(picture(new(devices=("1", "3"))), [1])
    await idle(apply)
    assert backend.engine.find(InstanceId(1, "main", 0)).spec.devices == ("1", "3")


async def test_a_list_begun_before_an_effect_says_nothing_about_it(
    apply: Applier, backend: Recorder
) -> None:
    began = time.monotonic()
    apply.look(picture(new()), [1])
    await idle(apply)
    apply.doubt(began)
    apply.look(picture(new()), [1])
    await idle(apply)
    assert backend.calls == ["prepare 1", "start 1/main-0#1"]


async def test_one_that_was_given_up_may_turn_up_so_its_successor_waits(
    apply: Applier, backend: Recorder
) -> None:
    first, second = new(), new(attempt=2)
    apply.look(picture(first), [1])
    await said(backend, "prepare 1", "start 1/main-0#1")
    await idle(apply)
    given_up = replace(first, desired=Desired.ABSENT)
    apply.look(picture(given_up, second), [1])
    await idle(apply)
    assert "start 1/main-0#2" not in backend.calls
    apply.look(picture(replace(given_up, observed=Observed.EXITED), second), [1])
    await eventually_async(lambda: "start 1/main-0#2" in backend.calls)


async def test_a_start_that_is_to_be_tried_again_holds_up_no_stop(
    apply: Applier, backend: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applier, "RETRY_DELAYS", (1000.0,))
    backend.errors["start"] = [Retry("No address left.")]
    apply.look(picture(new("main"), instance(1, "worker")), [1])
    await eventually_async(lambda: "start 1/main-0#1" in backend.calls)
    gone = replace(new("main"), desired=Desired.ABSENT)
    apply.look(picture(gone, instance(1, "worker", desired=Desired.ABSENT)), [1])
    await eventually_async(lambda: "stop 1/worker-0#1" in backend.calls)


async def test_a_passing_fault_is_tried_again(
    apply: Applier, backend: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applier, "RETRY_DELAYS", (0.001, 0.002))
    backend.errors["start"] = [Retry("Busy."), OSError("disk full"), Retry("Busy.")]
    apply.look(picture(new()), [1])
    await said(backend, "prepare 1", *["start 1/main-0#1"] * 4)


async def test_a_network_that_cannot_be_made_starts_nothing(
    apply: Applier, backend: Recorder
) -> None:
    backend.errors["prepare"] = [Fatal("All address pools are used up.")]
    apply.look(picture(new("main"), new("worker")), [1])
    await idle(apply)
    assert backend.calls == ["prepare 1"]
    seen = {
        each.observation.id.name: (each.observation.observed, each.observation.detail)
        for each in apply._inbox.take().sightings
    }
    lost = (Observed.LOST, "All address pools are used up.")
    assert seen == {"main-0": lost, "worker-0": lost}


async def test_who_is_out_of_office_does_nothing_more(
    apply: Applier, backend: Recorder, post: Post
) -> None:
    post.lost = True
    stops = picture(instance(desired=Desired.ABSENT), new("worker"))
    apply.look(stops, [1])
    apply.look(picture(status=ExecutionStatus.CLEANING_UP), [1])
    await idle(apply)
    assert backend.calls == []


async def test_what_may_still_turn_up_is_not_cleaned_away(
    apply: Applier, backend: Recorder, tmp_path: Path
) -> None:
    """The snapshot does not know yet that the start has returned; it would lose the log."""
    apply.look(picture(new()), [1])
    await said(backend, "prepare 1", "start 1/main-0#1")
    await idle(apply)
    given_up = replace(new(), desired=Desired.ABSENT)
    apply.look(picture(given_up, status=ExecutionStatus.CLEANING_UP), [1])
    await idle(apply)
    assert not (tmp_path / "logs").exists()
    stopped = replace(given_up, observed=Observed.EXITED)
    backend.stop(stopped.id, 0)
    apply.look(picture(stopped, status=ExecutionStatus.CLEANING_UP), [1])
    await eventually_async(lambda: "release 1" in backend.calls)


async def test_what_was_given_up_before_its_start_had_its_turn_holds_up_nothing(
    apply: Applier, backend: Recorder
) -> None:
    gate = Gate()
    apply._starting.submit(gate)
    apply.look(picture(new(), status="running"), [1])
    given_up = replace(new(), desired=Desired.ABSENT)
    apply.look(picture(given_up, status=ExecutionStatus.CLEANING_UP), [1])
    assert reported(apply) == [("main-0", Observed.LOST)]
    gate.opened.set()
    lost = replace(given_up, observed=Observed.LOST)
    apply.look(picture(lost, status=ExecutionStatus.CLEANING_UP), [1])
    await said(backend, "prepare 1", "release 1")


async def test_what_an_earlier_master_gave_up_is_gone_if_its_list_does_not_show_it(
    apply: Applier,
) -> None:
    given_up = new(desired=Desired.ABSENT)
    apply.doubt(time.monotonic())
    apply.look(picture(given_up, status="queued"), [1])
    assert reported(apply) == [("main-0", Observed.LOST)]


async def test_of_a_start_that_failed_only_a_full_list_can_tell(
    apply: Applier, backend: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applier, "RETRY_DELAYS", (1000.0,))
    backend.errors["start"] = [Retry("No answer.")]
    began = time.monotonic()
    apply.look(picture(new()), [1])
    await idle(apply)
    given_up = picture(new(desired=Desired.ABSENT), status="queued")
    for since in (0.0, began):
        apply.doubt(since)
        apply.look(given_up, [1])
        assert reported(apply) == []
    apply.doubt(time.monotonic())
    apply.look(given_up, [])
    assert reported(apply) == [("main-0", Observed.LOST)]


async def test_a_call_that_hangs_is_not_waited_for_without_end(
    backend: Recorder, apply: Applier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applier, "ENDS_WITHIN", 0.01)
    gate = Gate()
    monkeypatch.setattr(backend, "prepare", lambda _: gate())
    apply.look(picture(new()), [1])
    await asyncio.to_thread(gate.reached.wait)
    with pytest.raises(Hanging, match="do not return: prepare"):
        await apply.close()
    gate.opened.set()
    monkeypatch.undo()


async def test_nothing_is_kept_of_what_has_ended(apply: Applier, backend: Recorder) -> None:
    gone = instance(observed=Observed.EXITED)
    apply.look(picture(gone, status=ExecutionStatus.CLEANING_UP), [1])
    await said(backend, "release 1")
    await idle(apply)
    assert apply._inbox.take().cleaned == [1]
    apply.look(snapshot(), [1])
    assert apply._progress == {}
