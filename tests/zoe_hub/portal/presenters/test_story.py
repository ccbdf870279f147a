"""What the page of an execution says, state by state."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from zoe_core.cluster import ExecutionStatus
from zoe_core.protocol.rest import Execution, Instance, Resources, Waiting
from zoe_core.zapp import ZApp, parse_zapp
from zoe_hub.portal.presenters.story import Scene, Story, tell

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
STARTED = NOW - timedelta(minutes=3, seconds=5)


def zapp(**changes: Any) -> ZApp:
    def service(name: str, total: int, essential: int, *, monitor: bool = False) -> dict[str, Any]:
        return {
            "name": name,
            "image": "i",
            "monitor": monitor,
            "total_count": total,
            "essential_count": essential,
        }

    services = [service("submit", 1, 1, monitor=True), service("worker", 3, 1)]
    return parse_zapp({"name": "z", "version": 4, "services": services, **changes}).zapp


def instance(name: str, status: str = "running", *, essential: bool = True) -> Instance:
    return Instance.model_validate(
        {
            "name": name,
            "service": name.rsplit("-", 1)[0],
            "status": status,
            "node": "n",
            "attempt": 1,
            "essential": essential,
            "resources": Resources(memory=0, cores=0),
        }
    )


def story(status: str, described: ZApp | None = None, **changes: Any) -> Story:
    scene = {
        each: changes.pop(each) for each in ("stop_requested", "master_away") if each in changes
    }
    execution = Execution(
        id=1,
        name="e",
        zapp="z",
        user="ada",
        url="/e/1",
        submitted_at=NOW,
        status=ExecutionStatus(status),
        **changes,
    )
    return tell(Scene(execution, described or zapp(), NOW, **scene))


@pytest.mark.parametrize("status", list(ExecutionStatus))
@pytest.mark.parametrize("away", [True, False])
@pytest.mark.parametrize("stopping", [True, False])
def test_every_state_has_something_to_say(
    status: ExecutionStatus, away: bool, stopping: bool
) -> None:
    assert story(status.value, master_away=away, stop_requested=stopping).now.endswith(".")


def test_a_description_that_cannot_be_read_any_more_hides_no_state() -> None:
    execution = Execution(
        id=1, name="e", zapp=None, user="ada", url="/", submitted_at=NOW, status="running"
    )
    assert tell(Scene(execution, None, NOW)).now == "It is running."


def test_queued_says_the_position_and_the_reason() -> None:
    waiting = Waiting(position=2, reasons=("worker-0 needs 3 GB.",), ahead=(7,))
    told = story("queued", waiting=waiting)
    assert told.now == "It is number 2 in the queue."
    assert told.reasons == ("worker-0 needs 3 GB.",)
    assert "starts by itself" in told.next


def test_the_first_in_the_queue_is_next() -> None:
    assert story("queued", waiting=Waiting(position=1)).now.startswith("It is next")


def test_without_a_position_it_waits_for_the_reason_that_is_known() -> None:
    told = story("queued", waiting=Waiting(reasons=("The scheduler is away.",)))
    assert (told.now, told.reasons) == ("It waits in the queue.", ("The scheduler is away.",))


def test_submitted_waits_for_a_scheduler_that_is_away() -> None:
    assert "is back" in story("submitted", master_away=True).next
    assert "few seconds" in story("submitted").next


def test_starting_counts_the_essential_instances() -> None:
    instances = (
        instance("submit-0"),
        instance("worker-0", "starting"),
        instance("worker-1", essential=False),
    )
    told = story("starting", instances=instances)
    assert told.reasons == ("1 of 2 essential instances are up.",)


def test_running_says_what_is_still_to_come_and_how_it_ends() -> None:
    instances = (instance("submit-0"), instance("worker-0"), instance("worker-1", essential=False))
    told = story("running", instances=instances, started_at=STARTED)
    assert told.reasons == ("1 of 2 elastic instances run; the others join when there is room.",)
    assert told.next == "It ends by itself when submit is done."


def test_what_does_not_end_by_itself_is_not_said_to() -> None:
    assert story("running", zapp(will_end=False)).next == "It runs until you stop it."
    assert story("running", server_name="").next == "It runs until you stop it."


def test_a_stop_that_was_asked_for_is_said_at_once() -> None:
    assert story("running", stop_requested=True).now == "It is being stopped."
    assert "is back" in story("queued", stop_requested=True, master_away=True).next
    assert story("terminated", stop_requested=True).now != "It is being stopped."


def test_the_end_tells_how_long_it_took_and_why() -> None:
    told = story("terminated", started_at=STARTED, ended_at=NOW, reason="submit-0 is done.")
    assert (told.now, told.reasons) == ("It ended after 3 min 5 s.", ("submit-0 is done.",))
    assert story("terminated").now == "It ended before it started."


def test_a_failure_says_where_to_look() -> None:
    told = story("error", started_at=STARTED, ended_at=NOW, reason="submit-0 failed: 1.")
    assert told == Story(
        "It failed after 3 min 5 s.", "The logs below may say more.", ("submit-0 failed: 1.",)
    )
    assert story("error", reason="No image.").now == "It could not start."
