"""The life of an execution, as facts arrive."""

from dataclasses import replace

import pytest

from tests.support.builders import after, node, service, worker
from tests.zoe_core.scheduling.lifecycle.life import Life, run
from zoe_core.cluster import Desired, ExecutionStatus, Observed, Outcome, Quota, Quotas

QUEUED, STARTING = ExecutionStatus.QUEUED, ExecutionStatus.STARTING
RUNNING, CLEANING_UP = ExecutionStatus.RUNNING, ExecutionStatus.CLEANING_UP
TERMINATED, ERROR = ExecutionStatus.TERMINATED, ExecutionStatus.ERROR
PAIR = (service(), worker())


def test_from_submission_to_the_end() -> None:
    life = Life()
    life.submit()
    assert life.status is STARTING
    life.see("main-0")
    assert life.status is RUNNING
    life.exit("main-0")
    assert life.status is CLEANING_UP
    life.clean()
    assert life.told == [
        ("submitted", "queued", None),
        ("queued", "starting", None),
        ("starting", "running", None),
        ("running", "cleaning_up", "main-0 has finished."),
        ("cleaning_up", "terminated", "main-0 has finished."),
    ]
    assert 1 not in life.picture.executions


def test_it_waits_while_there_is_no_room() -> None:
    life = Life(node(memory=1))
    life.submit(service(memory=2))
    assert (life.status, life.names()) == (QUEUED, [])


def test_it_runs_once_the_whole_gang_has_started() -> None:
    life = Life()
    life.submit(*PAIR)
    life.see("main-0")
    assert life.status is STARTING
    life.now = 7
    life.see("worker-0")
    assert life.status is RUNNING
    assert life.execution().started_at == after(7)
    assert life.execution().starting_since == after(0)


def test_an_instance_that_ended_before_the_others_came_has_started() -> None:
    life = Life()
    life.submit(*PAIR)
    life.exit("worker-0")
    life.see("main-0")
    assert life.status is RUNNING


def test_elastic_instances_are_not_waited_for() -> None:
    life = Life()
    life.submit(service(), worker(essential=0, elastic=2))
    assert life.names() == ["1/main-0#1", "1/worker-0#1", "1/worker-1#1"]
    life.see("main-0")
    assert life.status is RUNNING


# --- the end ---


@pytest.mark.parametrize(
    ("code", "detail", "status", "reason"),
    [
        (0, None, TERMINATED, "main-0 has finished."),
        (3, None, ERROR, "main-0 has failed with exit code 3; its log may say why."),
        (-9, None, ERROR, "main-0 was ended by signal 9 (Killed)."),
        (-9, "It used more than 2 GB.", ERROR, "main-0 has failed: It used more than 2 GB."),
    ],
)
def test_the_monitor_decides(
    code: int, detail: str | None, status: ExecutionStatus, reason: str
) -> None:
    life = run(*PAIR)
    life.exit("main-0", code=code, detail=detail)
    assert life.execution().outcome == Outcome(status, reason)
    assert life.status is CLEANING_UP
    assert life.newest("worker-0").desired is Desired.ABSENT
    life.leave()
    assert life.status is CLEANING_UP
    life.clean()
    assert life.status is status


def test_the_first_monitor_to_end_decides() -> None:
    life = run(service(essential=2))
    life.exit("main-1")
    life.exit("main-0", code=1)
    assert life.execution().outcome == Outcome(TERMINATED, "main-1 has finished.")


def test_an_essential_instance_that_fails_ends_it() -> None:
    life = run(*PAIR)
    life.exit("worker-0", code=1)
    assert life.execution().outcome == Outcome(
        ERROR, "worker-0 has failed with exit code 1; its log may say why."
    )


def test_an_essential_instance_may_have_done_its_part() -> None:
    life = run(*PAIR)
    life.exit("worker-0", code=0)
    assert life.status is RUNNING


@pytest.mark.parametrize("name", ["main-0", "worker-0"])
def test_an_essential_instance_that_is_lost_ends_it(name: str) -> None:
    life = run(*PAIR)
    life.lose(name)
    assert life.execution().outcome == Outcome(ERROR, f"{name} has disappeared from node-0.")


def test_an_essential_instance_that_cannot_start_ends_it_with_the_engines_words() -> None:
    life = Life()
    life.submit(*PAIR)
    life.lose("worker-0", detail="No such image.")
    assert life.execution().outcome == Outcome(
        ERROR, "worker-0 could not be started: No such image."
    )
    assert life.status is CLEANING_UP


@pytest.mark.parametrize("how", ["exit", "fail", "lose"])
def test_an_elastic_instance_that_ends_does_not_matter(how: str) -> None:
    life = run(service(), worker(essential=0, elastic=1))
    match how:
        case "exit":
            life.exit("worker-0")
        case "fail":
            life.exit("worker-0", code=1)
        case "lose":
            life.lose("worker-0")
    assert life.status is RUNNING


def test_a_lost_elastic_instance_comes_again_as_a_new_attempt() -> None:
    life = run(service(), worker(essential=0, elastic=1))
    life.lose("worker-0")
    assert life.names() == ["1/main-0#1", "1/worker-0#1", "1/worker-0#2"]
    assert life.newest("worker-0").observed is Observed.NONE


def test_an_elastic_instance_that_has_done_its_work_does_not_come_again() -> None:
    life = run(service(), worker(essential=0, elastic=1))
    life.exit("worker-0")
    assert life.names() == ["1/main-0#1", "1/worker-0#1"]


# --- wished for ---


def test_ended_while_it_waits() -> None:
    life = Life(())
    life.submit()
    life.end("She stopped it.")
    assert life.told[-1] == ("queued", "terminated", "She stopped it.")


def test_ended_in_the_step_that_admits_it() -> None:
    life = Life()
    view = run().execution()  # any execution will do
    fresh = type(view)(1, "alice", "test", view.zapp, ExecutionStatus.SUBMITTED, after(1))
    life.step(lambda each: (each.admit(fresh), each.wish_end(1, "Oops.")))
    assert [to for _, to, _ in life.told] == ["queued", "terminated"]
    assert life.names() == []


def test_ended_while_it_starts() -> None:
    life = Life()
    life.submit(*PAIR)
    life.see("main-0")
    life.end()
    assert life.status is CLEANING_UP
    assert all(each.desired is Desired.ABSENT for each in life.picture.instances_of(1))
    life.leave()
    life.clean()
    assert (life.status, life.execution().outcome) == (TERMINATED, Outcome(TERMINATED, "Enough."))


def test_ended_while_it_runs() -> None:
    life = run(*PAIR)
    life.end()
    life.leave()
    life.clean()
    assert life.told[-2:] == [
        ("running", "cleaning_up", "Enough."),
        ("cleaning_up", "terminated", "Enough."),
    ]


def test_the_outcome_stays_when_it_is_ended_while_it_cleans_up() -> None:
    life = run()
    life.exit("main-0", code=1)
    life.end()
    life.clean()
    assert life.status is ERROR


def test_the_first_wish_counts() -> None:
    life = Life(())
    life.submit(on_hold=True)
    life.step(lambda each: (each.wish_end(1, "First."), each.wish_end(1, "Second.")))
    assert life.execution().outcome == Outcome(TERMINATED, "First.")


def test_a_wish_about_an_execution_that_has_ended_changes_nothing() -> None:
    life = run()
    life.exit("main-0")
    life.clean()
    assert not life.end()


# --- time ---


def test_the_runtime_limit_counts_from_the_start() -> None:
    life = Life(())
    life.submit(limit=60)
    life.wait(1000)
    life.picture = type(life.picture)(
        {"node-0": node()}, life.picture.executions, life.picture.instances
    )
    life.step()
    life.wait(30)
    life.see("main-0")
    life.wait(59)
    assert life.status is RUNNING
    life.wait(1)
    assert life.execution().outcome == Outcome(TERMINATED, "Its runtime limit of 1 min has passed.")


def quotas(**limits: int) -> Quotas:
    """By the runtime limits of the user ``alice``, of the group ``lab``, and of all ``others``."""
    made = {name: Quota(runtime_limit=limit) for name, limit in limits.items()}
    default = made.pop("others", Quota())
    users = {"alice": made.pop("alice")} if "alice" in made else {}
    return Quotas(users, made, default)


@pytest.mark.parametrize(
    ("limit", "ruled", "ends", "said"),
    [
        (None, quotas(others=3600), 3600, "1 h (the quota of its user)"),
        (90, quotas(others=3600), 90, "90 s"),
        (7200, quotas(alice=5400, others=1), 5400, "90 min (the quota of its user)"),
        (60, quotas(alice=60), 60, "1 min"),
        (None, quotas(alice=5, lab=20), 20, "20 s (the quota of its user)"),
    ],
)
def test_the_smaller_of_the_limits_of_its_zapp_and_of_its_quota_counts(
    limit: float | None, ruled: Quotas, ends: float, said: str
) -> None:
    life = run(limit=limit, groups=("lab",))
    life.picture = replace(life.picture, quotas=ruled)
    life.wait(ends - 1)
    assert life.status is RUNNING
    life.wait(1)
    assert life.execution().outcome == Outcome(
        TERMINATED, f"Its runtime limit of {said} has passed."
    )


def test_a_quota_that_changes_counts_for_what_runs() -> None:
    life = run()
    life.wait(100)
    life.picture = replace(life.picture, quotas=quotas(others=99))
    life.step()
    assert life.status is CLEANING_UP


def test_a_gang_that_is_not_whole_in_time_goes_back_to_the_queue() -> None:
    life = Life()
    life.submit(*PAIR)
    life.see("main-0")
    life.wait(59)
    assert life.status is STARTING
    life.wait(1)
    assert life.status is QUEUED
    assert life.told[-1] == (
        "starting",
        "queued",
        "worker-0 was not ready in 60 s; it will be tried again.",
    )
    assert life.newest("main-0").desired is Desired.ABSENT
    life.leave()
    assert life.status is STARTING
    assert life.names() == ["1/main-0#1", "1/main-0#2", "1/worker-0#1", "1/worker-0#2"]
    life.wait(59)
    assert life.status is STARTING, "the new gang has its own deadline"
    life.see("main-0", "worker-0")
    assert life.status is RUNNING


def test_after_three_gangs_that_were_not_whole_it_ends_in_error() -> None:
    life = Life()
    life.submit(*PAIR)
    for _ in range(3):
        life.see("main-0")
        life.wait(60)
        life.leave()
    assert life.execution().outcome == Outcome(
        ERROR, "It did not start in 3 attempts; the last time worker-0 was not ready."
    )
    life.clean()
    assert life.status is ERROR
    assert [to for _, to, _ in life.told] == [
        *["queued", "starting"] * 3,
        "cleaning_up",
        "error",
    ]


def test_elastic_instances_of_a_failed_gang_come_again_with_the_next() -> None:
    life = Life()
    life.submit(service(), worker(essential=0, elastic=1))
    life.see("worker-0")
    life.wait(60)
    life.leave()
    assert "1/worker-0#2" in life.names()


def test_what_a_failed_gang_left_is_cleaned_when_it_is_ended_in_the_queue() -> None:
    life = Life()
    life.submit(*PAIR)
    life.see("main-0")
    life.wait(60)
    life.end()
    assert life.status is CLEANING_UP
    life.leave()
    life.clean()
    assert life.status is TERMINATED
