"""Children whose life is tied to ours."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from tests.support.survivors import is_running
from tests.support.waiting import eventually
from zoe_store.processes import child_command, start_child, stop_child

_STARTS_A_CHILD = """
import subprocess, sys
from zoe_store.processes import child_command
child = subprocess.Popen(child_command("signal:pause"))
print(child.pid, flush=True)
child.wait()
"""


def test_a_child_started_by_somebody_else_ends_with_its_parent() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _STARTS_A_CHILD], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert is_running(child)
        parent.kill()
    eventually(lambda: not is_running(child))


def test_a_child_whose_parent_is_gone_already_does_not_start() -> None:
    command = [*child_command("builtins:breakpoint")]
    command[-2] = str(os.getppid())  # not its parent
    result = subprocess.run(command, capture_output=True, check=False)
    assert result.returncode == -signal.SIGHUP


def test_a_child_is_not_in_our_session() -> None:
    child = start_child(["sleep", "60"], death_signal=signal.SIGTERM)
    assert os.getsid(child.pid) == child.pid
    stop_child(child, signal.SIGTERM, grace=10)
    assert child.returncode == -signal.SIGTERM


@pytest.mark.parametrize("signals", [(), (signal.SIGTERM,), (signal.SIGINT, signal.SIGTERM)])
def test_a_child_that_ignores_its_signals_is_killed(signals: tuple[signal.Signals, ...]) -> None:
    script = "trap '' INT TERM; echo ready; while :; do sleep 0.01; done"
    child = start_child(["sh", "-c", script], death_signal=signal.SIGKILL, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    stop_child(child, *signals, grace=0.05)
    child.stdout.close()
    assert child.returncode == -signal.SIGKILL
