"""What must be done on the back-end in each state."""

import pytest

from tests.support.builders import execution, instance, service, worker
from zoe_core.cluster import Desired, InstanceView, Observed
from zoe_core.scheduling import Effects, Stop, effects


def names(views: tuple[InstanceView, ...]) -> list[str]:
    return [each.id.name for each in views]


def test_what_is_wanted_and_not_there_is_started_in_order() -> None:
    view = execution(
        1,
        service(startup_order=1),
        worker(essential=2),
        service("last", startup_order=2),
        status="starting",
    )
    missing = [
        instance(1, "last", observed=Observed.NONE),
        instance(1, "main", observed=Observed.NONE),
        instance(1, "worker", 1, observed=Observed.NONE),
        instance(1, "worker", 0, observed=Observed.NONE),
    ]
    made = effects(view, missing)
    assert names(made.start) == ["worker-0", "worker-1", "main-0", "last-0"]
    assert (made.stop, made.clean) == ((), False)


@pytest.mark.parametrize(
    ("desired", "observed", "expected"),
    [
        (Desired.PRESENT, Observed.NONE, "start"),
        (Desired.PRESENT, Observed.CREATING, ""),
        (Desired.PRESENT, Observed.RUNNING, ""),
        (Desired.PRESENT, Observed.EXITED, ""),
        (Desired.PRESENT, Observed.LOST, ""),
        (Desired.ABSENT, Observed.NONE, "given up"),
        (Desired.ABSENT, Observed.CREATING, "stop"),
        (Desired.ABSENT, Observed.RUNNING, "stop"),
        (Desired.ABSENT, Observed.EXITED, ""),
        (Desired.ABSENT, Observed.LOST, ""),
    ],
)
def test_each_pair_of_desired_and_observed(
    desired: Desired, observed: Observed, expected: str
) -> None:
    one = instance(1, desired=desired, observed=observed)
    made = effects(execution(1, status="running"), [one])
    assert made == Effects(
        start=(one,) if expected == "start" else (),
        stop=(Stop(one.id),) if expected == "stop" else (),
        given_up=(one,) if expected == "given up" else (),
    )


def test_a_successor_waits_until_the_one_before_is_gone() -> None:
    view = execution(1, status="starting")
    late = instance(1, desired=Desired.ABSENT)
    new = instance(1, attempt=2, observed=Observed.NONE)
    assert effects(view, [late, new]) == Effects(stop=(Stop(late.id),))
    unseen = instance(1, desired=Desired.ABSENT, observed=Observed.NONE)
    assert effects(view, [unseen, new]) == Effects(given_up=(unseen,))
    gone = instance(1, desired=Desired.ABSENT, observed=Observed.LOST)
    assert effects(view, [gone, new]) == Effects(start=(new,))


SPARK = {"shrink": {"signal": "PWR", "grace": 45}}


@pytest.mark.parametrize(
    ("status", "essential", "signal", "grace"),
    [
        ("starting", False, "SIGPWR", 45),
        ("running", False, "SIGPWR", 45),
        ("running", True, "SIGTERM", None),
        ("cleaning_up", False, "SIGTERM", None),
        ("queued", False, "SIGTERM", None),
    ],
)
def test_what_is_taken_back_from_one_that_goes_on_is_asked_as_its_service_says(
    status: str, essential: bool, signal: str, grace: float | None
) -> None:
    view = execution(1, service(), worker(elastic=1, **SPARK), status=status)
    taken = instance(1, "worker", 1, essential=essential, desired=Desired.ABSENT)
    assert effects(view, [taken]).stop == (Stop(taken.id, signal, grace),)


def test_what_does_not_say_how_to_shrink_gets_the_default_grace() -> None:
    view = execution(1, service(), worker(elastic=1), status="running")
    taken = instance(1, "worker", 1, essential=False, desired=Desired.ABSENT)
    assert effects(view, [taken]).stop == (Stop(taken.id, "SIGTERM", 10),)


def test_an_execution_is_cleaned_when_all_of_it_is_gone() -> None:
    ending = execution(1, worker(), service(), status="cleaning_up")
    gone = instance(1, desired=Desired.ABSENT, observed=Observed.EXITED)
    leaving = instance(1, "worker", desired=Desired.ABSENT)
    assert effects(ending, [gone, leaving]) == Effects(stop=(Stop(leaving.id),))
    unseen = instance(1, "worker", desired=Desired.ABSENT, observed=Observed.NONE)
    assert effects(ending, [gone, unseen]) == Effects(given_up=(unseen,))
    assert effects(ending, [gone]) == Effects(clean=True)
    assert effects(ending, []) == Effects(clean=True)
    assert effects(execution(1, status="queued"), [gone]) == Effects()
