"""A process kills itself where it is told to, and nowhere else."""

import signal
import subprocess
import sys

import pytest

from zoe_store.checkpoints import Checkpoint, crash_point

PROGRAM = """
from zoe_store.checkpoints import Checkpoint, reached
reached(Checkpoint.STEP_DECIDED)
reached(Checkpoint.STEP_WRITTEN)
print("once", flush=True)
reached(Checkpoint.STEP_WRITTEN)
print("twice", flush=True)
"""


def run(crash_at: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={"ZOE_CRASH_AT": crash_at, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_a_process_crashes_where_it_is_told_to() -> None:
    assert run("step.written") == (-signal.SIGKILL, "")
    assert run("step.written@2") == (-signal.SIGKILL, "once\n")
    assert run("apply.started") == (0, "once\ntwice\n")
    assert run("") == (0, "once\ntwice\n")


def test_what_is_no_checkpoint_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'step\.lost' is not a valid Checkpoint"):
        crash_point({"ZOE_CRASH_AT": "step.lost"})
    assert crash_point({}) is None
    assert crash_point({"ZOE_CRASH_AT": "apply.started@3"}) == (Checkpoint.APPLY_STARTED, 3)
