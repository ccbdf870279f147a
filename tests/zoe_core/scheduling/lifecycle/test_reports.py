"""Reports of the back-end: late, doubled, out of the blue; and what is told of them."""

import pytest

from tests.support.builders import GB, after, service, worker
from tests.zoe_core.scheduling.lifecycle.life import Life, run
from zoe_core.amount import Amount
from zoe_core.cluster import Desired, ExecutionStatus, Node, Observed

QUEUED, STARTING = ExecutionStatus.QUEUED, ExecutionStatus.STARTING
RUNNING, TERMINATED = ExecutionStatus.RUNNING, ExecutionStatus.TERMINATED
PAIR = (service(), worker())


def test_creating_after_running_is_ignored() -> None:
    life = run()
    assert not life.see("main-0", observed=Observed.CREATING)
    assert life.newest("main-0").observed is Observed.RUNNING


@pytest.mark.parametrize("first", [Observed.CREATING, Observed.RUNNING])
def test_that_nothing_is_there_is_no_news_of_what_was_seen(first: Observed) -> None:
    life = Life()
    life.submit()
    life.see("main-0", observed=first)
    assert not life.see("main-0", observed=Observed.NONE)
    assert life.newest("main-0").observed is first


def test_a_report_without_addresses_does_not_take_the_known_ones_away() -> None:
    life = Life()
    life.submit()
    life.see("main-0", addresses=((8888, "127.0.0.2", 8888),))
    assert not life.see("main-0")
    assert life.newest("main-0").addresses == ((8888, "127.0.0.2", 8888),)


def test_a_late_report_on_an_old_attempt_does_not_touch_the_new_one() -> None:
    life = run(service(), worker(restart={"policy": "on-failure"}))
    old = life.newest("worker-0").id
    life.lose("worker-0")
    life.see("worker-0")
    for observed in Observed:
        assert not life.see_exactly(old, observed=observed, exit_code=1)
    assert life.status is RUNNING


def test_a_submission_that_is_read_twice_is_admitted_once() -> None:
    life = Life()
    life.submit()
    life.see("main-0")
    assert not life.submit()
    assert life.status is RUNNING


@pytest.mark.parametrize(
    ("observed", "facts"),
    [
        (Observed.CREATING, {}),
        (Observed.RUNNING, {"addresses": ((8888, "127.0.0.2", 8888),)}),
    ],
)
def test_a_doubled_report_changes_nothing(observed: Observed, facts: dict) -> None:
    life = Life()
    life.submit(*PAIR)
    assert life.see("worker-0", observed=observed, **facts)
    assert not life.see("worker-0", observed=observed, **facts)


@pytest.mark.parametrize("first", [Observed.EXITED, Observed.LOST])
@pytest.mark.parametrize("second", list(Observed))
def test_what_has_ended_stays_as_it_was_first_seen(first: Observed, second: Observed) -> None:
    life = run(*PAIR)
    life.see("worker-0", observed=first, exit_code=0)
    before = life.newest("worker-0")
    assert not life.see("worker-0", observed=second, exit_code=7)
    assert life.newest("worker-0") == before


def test_addresses_are_known_while_it_runs() -> None:
    life = Life()
    life.submit()
    life.see("main-0", addresses=((8888, "127.0.0.2", 8888),))
    assert life.newest("main-0").addresses == ((8888, "127.0.0.2", 8888),)
    life.see("main-0", addresses=((8888, "127.0.0.3", 8888),))
    assert life.newest("main-0").addresses == ((8888, "127.0.0.3", 8888),)
    life.exit("main-0")
    assert life.newest("main-0").addresses == ()


def test_times_of_an_instance() -> None:
    life = Life()
    life.submit(*PAIR)
    life.now = 5
    life.see("worker-0")
    life.now = 9
    life.exit("worker-0")
    view = life.newest("worker-0")
    assert (view.started_at, view.ended_at, view.exit_code) == (after(5), after(9), 0)


def test_one_that_turns_up_after_it_was_given_up_is_made_to_leave() -> None:
    life = Life()
    life.submit()
    late = life.newest("main-0").id
    life.end()
    life.see_exactly(late, observed=Observed.CREATING)
    view = life.newest("main-0")
    assert (view.desired, view.observed, view.gone) == (Desired.ABSENT, Observed.CREATING, False)


@pytest.mark.parametrize("late", [True, False])
def test_what_was_given_up_unseen_keeps_its_room_and_gpu_until_it_is_known_gone(late: bool) -> None:
    life = Life(Node("node-0", Amount.of(8 * GB, 8, 1), devices=("a",)))
    life.submit(service(gpus=1))
    life.end()
    life.submit(service(gpus=1), number=2)
    if late:
        life.see("main-0")
    assert life.execution(2).status is QUEUED
    life.exit("main-0", code=-15) if late else life.lose("main-0")
    assert life.execution(2).status is STARTING
    assert life.newest("main-0", 2).devices == ("a",)


def test_reports_about_the_unknown_change_nothing() -> None:
    life = run()
    known = life.newest("main-0").id
    for stranger in (
        type(known)(2, "main", 0),
        type(known)(1, "main", 7),
        type(known)(1, "main", 0, attempt=2),
    ):
        assert not life.see_exactly(stranger, observed=Observed.EXITED, exit_code=1)
    assert not life.clean(number=2)


def test_cleaned_counts_only_while_it_cleans_up() -> None:
    life = run()
    assert not life.clean()
    assert life.status is RUNNING


def test_what_was_cleaned_is_gone_even_if_its_end_was_not_seen() -> None:
    life = Life()
    life.submit(service(), worker())
    late = life.newest("worker-0").id
    life.end()
    life.step(lambda each: (each.observe(late, Observed.CREATING), each.cleaned(1)))
    assert life.status is TERMINATED
    told = [data for _, kind, data in life.events if kind == "instance"]
    assert (told[-1]["name"], told[-1]["observed"]) == ("worker-0", "lost")


def test_the_snapshot_a_step_began_with_does_not_change() -> None:
    life = run()
    before = life.picture
    view = before.instances[1]
    life.exit("main-0")
    assert before.executions[1].status is RUNNING
    assert all(each.observed is Observed.RUNNING for each in view.values())


def test_every_change_of_an_instance_is_told() -> None:
    life = run()
    life.exit("main-0", code=2, detail="Out of memory.")
    told = [data for _, kind, data in life.events if kind == "instance"]
    assert [(each["desired"], each["observed"]) for each in told] == [
        ("present", "none"),
        ("present", "running"),
        ("present", "exited"),
        ("absent", "exited"),
    ]
    assert told[2] == {
        "name": "main-0",
        "attempt": 1,
        "node": "node-0",
        "desired": "present",
        "observed": "exited",
        "exit_code": 2,
        "detail": "Out of memory.",
    }
