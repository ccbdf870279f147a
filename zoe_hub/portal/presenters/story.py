"""What happens to an execution now, what happens next, and why: in sentences.

One function for each state. The page shows the sentences and fetches them again on every event, so
they are written in one place only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from zoe_core.cluster import ExecutionStatus
from zoe_core.protocol.rest import Execution
from zoe_core.zapp import ZApp
from zoe_hub.portal.presenters.executions import STOPPABLE, lasted
from zoe_hub.portal.presenters.expected import When, when


@dataclass(frozen=True, slots=True)
class Story:
    """``now`` is the headline; ``reasons`` say why it is so; ``next`` says what to expect.

    ``expected`` is when it will probably start, None when that is no question.
    """

    now: str
    next: str = ""
    reasons: tuple[str, ...] = ()
    expected: When | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """All that the sentences depend on.

    ``zapp`` is None when a newer or older Zoe stored what this one cannot read. ``stop_requested``
    covers the time until the master acts on it.
    """

    execution: Execution
    zapp: ZApp | None
    now: datetime
    stop_requested: bool = False
    master_away: bool = False


def tell(scene: Scene) -> Story:
    """Tell what happens now and next."""
    if scene.stop_requested and scene.execution.status in STOPPABLE:
        return _stopping(scene)
    return _STORIES[scene.execution.status](scene)


def _stopping(scene: Scene) -> Story:
    if scene.master_away:
        return Story("It is to be stopped.", "That happens as soon as the scheduler is back.")
    return Story("It is being stopped.", "Its instances end and their room is given back.")


def _submitted(scene: Scene) -> Story:
    if scene.master_away:
        return Story("Your request is stored.", "It is queued as soon as the scheduler is back.")
    return Story("Your request is stored.", "The scheduler takes it up within a few seconds.")


def _queued(scene: Scene) -> Story:
    waiting = scene.execution.waiting
    reasons = () if waiting is None else waiting.reasons
    if waiting is None or waiting.position is None:
        return Story("It waits in the queue.", _STARTS_BY_ITSELF, reasons)
    now = f"It is number {waiting.position} in the queue."
    if waiting.position == 1:
        now = "It is next: number 1 in the queue."
    expected = None if waiting.expected is None else when(waiting.expected)
    return Story(now, _STARTS_BY_ITSELF, reasons, expected)


def _starting(scene: Scene) -> Story:
    wanted = sum(each.essential_count for each in scene.zapp.services) if scene.zapp else 0
    if wanted < 2:
        return Story("It is starting.", "It runs once its instance is up.")
    up = _count_running(scene, essential=True)
    coming = f"It runs once all {wanted} essential instances are up."
    return Story("It is starting.", coming, (f"{up} of {wanted} essential instances are up.",))


def _running(scene: Scene) -> Story:
    elastic = sum(each.elastic_count for each in scene.zapp.services) if scene.zapp else 0
    up = _count_running(scene, essential=False)
    reasons = () if scene.execution.waiting is None else scene.execution.waiting.reasons
    if up < elastic:
        reasons += (
            f"{up} of {elastic} elastic instances run; the others join when there is room.",
        )
    return Story("It is running.", _how_it_ends(scene), reasons)


def _count_running(scene: Scene, *, essential: bool) -> int:
    instances = scene.execution.instances
    return sum(1 for each in instances if each.essential is essential and each.status == "running")


def _how_it_ends(scene: Scene) -> str:
    if scene.zapp is None or scene.execution.server_name is not None or not scene.zapp.will_end:
        return "It runs until you stop it."
    monitors = [each.name for each in scene.zapp.services if each.monitor]
    return f"It ends by itself when {' or '.join(monitors)} is done."


def _cleaning_up(scene: Scene) -> Story:
    return Story("It is ending.", "Its instances are removed; their logs stay.", _reason(scene))


def _terminated(scene: Scene) -> Story:
    time = lasted(scene.execution, scene.now)
    now = f"It ended after {time}." if time else "It ended before it started."
    return Story(now, "Its logs stay below." if scene.execution.instances else "", _reason(scene))


def _error(scene: Scene) -> Story:
    if scene.execution.started_at is None:
        return Story("It could not start.", "", _reason(scene))
    time = lasted(scene.execution, scene.now)
    return Story(f"It failed after {time}.", "The logs below may say more.", _reason(scene))


def _reason(scene: Scene) -> tuple[str, ...]:
    return (scene.execution.reason,) if scene.execution.reason else ()


_STARTS_BY_ITSELF = "It starts by itself: you may close this page and come back."
_STORIES: dict[ExecutionStatus, Callable[[Scene], Story]] = {
    ExecutionStatus.SUBMITTED: _submitted,
    ExecutionStatus.QUEUED: _queued,
    ExecutionStatus.STARTING: _starting,
    ExecutionStatus.RUNNING: _running,
    ExecutionStatus.CLEANING_UP: _cleaning_up,
    ExecutionStatus.TERMINATED: _terminated,
    ExecutionStatus.ERROR: _error,
}
