"""The checks of the chaos see what they are there for: each wrong thing is one finding."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from tests.faults.chaos.checks import check_all
from tests.faults.chaos.customers import Order
from tests.faults.chaos.evidence import Evidence
from tests.faults.chaos.ground import Runs

ORDER = Order("order-0", "short", at=0.0, execution_id=1)
PATH = ("submitted", "queued", "starting", "running", "cleaning_up", "terminated")


class Instance(SimpleNamespace):
    """A row of the table `instances`."""

    @property
    def _mapping(self) -> dict[str, Any]:
        return vars(self)


def told(*moves: tuple[str, str]) -> list[Any]:
    """Events: the submission, and these moves."""
    first = SimpleNamespace(id=1, kind="submitted", data={})
    later = [
        SimpleNamespace(id=number, kind="status", data={"from": old, "to": new})
        for number, (old, new) in enumerate(moves, start=2)
    ]
    return [first, *later]


def execution(**fields: Any) -> Any:
    """A row of the table `executions`."""
    usual = {"id": 1, "idempotency_key": "order-0", "status": "terminated"}
    return SimpleNamespace(**(usual | {"reason": "main-0 has finished."} | fields))


def instance(**fields: Any) -> Any:
    usual = {"execution_id": 1, "service": "main", "index": 0, "attempt": 1}
    return Instance(**(usual | {"desired": "absent", "observed": "exited"} | fields))


MOVES = list(pairwise(PATH))
GOOD = Evidence(
    executions=[execution()],
    events={1: told(*MOVES)},
    instances=[instance()],
    open_intents=[],
    launch_secrets=[],
    strangers=[],
)


def runs(
    begun: Iterable[str] = ("1/main-0#1",), succeeded: Iterable[str] = ("1/main-0#1",)
) -> Runs:
    return Runs(Counter(begun), Counter(succeeded))


def findings(
    evidence: Evidence = GOOD,
    order: Order = ORDER,
    ran: Runs | None = None,
    leftovers: Iterable[str] = (),
    seen: Sequence[int] | None = None,
) -> str:
    if seen is None:
        seen = [each.id for told in evidence.events.values() for each in told]
    return "\n".join(check_all(evidence, [order], ran or runs(), list(leftovers), seen))


def test_there_is_nothing_to_say_when_all_is_well() -> None:
    assert findings() == ""


def test_what_was_acknowledged_must_be_there_once() -> None:
    assert "never acknowledged" in findings(order=replace(ORDER, execution_id=None))
    lost = replace(GOOD, executions=[execution(idempotency_key=None)])
    assert "for which [] is stored" in findings(lost)
    assert "which nobody has used" in findings(lost)
    twin = execution(id=2)
    doubled = replace(GOOD, executions=[*GOOD.executions, twin], events={1: GOOD.events[1], 2: []})
    assert "for which [1, 2] is stored" in findings(doubled)


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([], "does not begin with its one submission"),
        (told(*MOVES)[1:], "does not begin with its one submission"),
        ([*told()[:1], *told(*MOVES)], "does not begin with its one submission"),
        (told(*MOVES[:2], *MOVES[3:]), "jumps from starting to running"),
        (told(("submitted", "running"), *MOVES[3:]), "went from submitted to running"),
        (told(*MOVES[:-1]), "ends with"),
        ([*told(*MOVES), *told()], "goes on after its end"),
    ],
)
def test_the_log_must_be_gapless_and_legal(events: list[Any], said: str) -> None:
    assert said in findings(replace(GOOD, events={1: events}))


def test_everything_must_end_as_its_program_says() -> None:
    assert "still running" in findings(replace(GOOD, executions=[execution(status="running")]))
    lost = execution(status="error", reason="main-0 has disappeared from node-0.")
    assert "should be terminated" in findings(replace(GOOD, executions=[lost]))
    stopped = execution(reason="It was ended because the portal was stopped.")
    assert findings(replace(GOOD, executions=[stopped])) == ""


@pytest.mark.parametrize(
    ("ran", "said"),
    [
        (runs(begun=["1/main-0#1"] * 2), "has begun 2 times"),
        (runs(begun=["1/main-0#1", "1/main-0#2"]), "1/main-0#2 has run, and nobody knows of it"),
        (runs(begun=["1/main-0#1", "1/main-0#2"]), "was started 2 times"),
        (runs(succeeded=["1/main-0#1", "1/main-0#2"]), "has succeeded 2 times"),
        (runs(succeeded=[]), "said to have finished"),
    ],
)
def test_what_ran_must_be_what_is_known(ran: Runs, said: str) -> None:
    assert said in findings(ran=ran)


def test_nothing_may_remain() -> None:
    waiting = instance(desired="present", observed="none")
    assert "holds its reservation" in findings(replace(GOOD, instances=[waiting]))
    for seen in ("running", "none"):
        leaving = instance(observed=seen)
        assert "holds its reservation" in findings(replace(GOOD, instances=[leaving]))
    row = SimpleNamespace(execution_id=1)
    assert "secrets were not wiped" in findings(replace(GOOD, launch_secrets=[row]))
    assert "nobody has acted" in findings(replace(GOOD, open_intents=[row]))
    assert "a stranger" in findings(replace(GOOD, strangers=[row]))
    assert "the process 42" in findings(leftovers=["the process 42"])


def test_a_reader_must_see_each_event_once_and_in_order() -> None:
    ids = [each.id for each in GOOD.events[1]]
    assert "missed the events [6]" in findings(seen=[each for each in ids if each != 6])
    assert "saw event 2 after event 2" in findings(seen=[*ids[:2], *ids[1:]])
    assert "saw event 1 after event 2" in findings(seen=[2, 1, *ids[2:]])
    assert "not in the log: [99]" in findings(seen=[*ids, 99])
