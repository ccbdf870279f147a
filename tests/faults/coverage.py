"""Where each checkpoint is shown to be survived. A test holds it against ``Checkpoint``."""

from dataclasses import dataclass

from zoe_store.checkpoints import Checkpoint


@dataclass(frozen=True)
class Crash:
    """A process dies in this phase at the ``nth`` time that it reaches the checkpoint."""

    phase: str
    point: Checkpoint
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.phase}-{self.point}@{self.nth}"


MASTER = (
    Crash("submit", Checkpoint.STEP_DECIDED),
    Crash("submit", Checkpoint.STEP_WRITTEN),
    Crash("start", Checkpoint.STEP_DECIDED),
    Crash("start", Checkpoint.STEP_WRITTEN),
    Crash("start", Checkpoint.APPLY_PREPARED),
    Crash("start", Checkpoint.PROCESS_CLAIMED),
    Crash("start", Checkpoint.APPLY_STARTED),
    Crash("start", Checkpoint.APPLY_STARTED, 2),
    Crash("start", Checkpoint.STEP_WRITTEN, 2),
    Crash("grow", Checkpoint.STEP_DECIDED),
    Crash("grow", Checkpoint.STEP_WRITTEN),
    Crash("grow", Checkpoint.PROCESS_CLAIMED),
    Crash("grow", Checkpoint.APPLY_STARTED, 2),
    Crash("shrink", Checkpoint.STEP_DECIDED),
    Crash("shrink", Checkpoint.STEP_WRITTEN),
    Crash("shrink", Checkpoint.PROCESS_ASKED),
    Crash("shrink", Checkpoint.APPLY_STOPPED, 2),
    Crash("terminate", Checkpoint.STEP_DECIDED),
    Crash("terminate", Checkpoint.STEP_WRITTEN),
    Crash("terminate", Checkpoint.PROCESS_ASKED),
    Crash("terminate", Checkpoint.APPLY_STOPPED),
    Crash("clean_up", Checkpoint.STEP_DECIDED),
    Crash("clean_up", Checkpoint.STEP_WRITTEN),
    Crash("clean_up", Checkpoint.APPLY_STOPPED),
    Crash("clean_up", Checkpoint.APPLY_LOG_KEPT),
    Crash("clean_up", Checkpoint.APPLY_LOG_KEPT, 2),
    Crash("clean_up", Checkpoint.APPLY_REMOVED),
    Crash("clean_up", Checkpoint.APPLY_RELEASED),
)
"""The acting master dies."""

CUSTOMER = (
    Crash("submit", Checkpoint.SUBMIT_WRITTEN),
    Crash("submit", Checkpoint.SUBMIT_COMMITTED),
    Crash("terminate", Checkpoint.WISH_COMMITTED),
)
"""The process dies that submits, or that wishes an end."""

NEXT_MASTER = (Crash("start", Checkpoint.OFFICE_TAKEN),)
"""The master dies that takes over from one that died."""

ELSEWHERE = {
    Checkpoint.DOCKER_CREATED: "tests/integration/docker/test_crash_clean_up.py",
    Checkpoint.PURGE_LOGS_REMOVED: "tests/zoe_master/test_purge.py",
    Checkpoint.SPAWN_STORED: "tests/integration/test_server_restarts.py",
    Checkpoint.SPAWN_NOTED: "tests/integration/test_server_restarts.py",
}
"""What the crash matrix does not show, and the file that does, from the root of the repository."""

COVERED = {each.point for each in (*MASTER, *CUSTOMER, *NEXT_MASTER)} | ELSEWHERE.keys()
