"""What is said of containers that have ended."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from zoe_core.cluster import InstanceId
from zoe_master.backends.docker.endings import describe_end, lacks_reason
from zoe_master.backends.docker.records import Record, StopWish

MEMORY = 2**25


def a_record(directory: Path, wish: StopWish | None = None) -> Record:
    record = Record(directory / "container")
    record.create("deployment", InstanceId(1, "worker", 0), "node")
    if wish is not None:
        record.keep_wish(wish)
    return record


def said(
    directory: Path,
    code: int,
    *,
    wish: StopWish | None = None,
    out_of_memory: bool = False,
    error: str = "",
) -> str | None:
    attributes = {
        "State": {"ExitCode": code, "Error": error},
        "HostConfig": {"Memory": MEMORY},
        "Path": "program",
    }
    record, instance = a_record(directory, wish), InstanceId(1, "worker", 0)
    end = describe_end(attributes, record, instance, "node", out_of_memory=out_of_memory)
    return end.detail


@pytest.mark.parametrize(
    ("code", "killed", "sentence"),
    [
        (0, False, None),
        (1, False, None),
        (0, True, None),
        (137, True, "killed: it used more than 32 MB"),
        (1, True, "a process of it was killed: it used more than 32 MB"),
        (143, True, "a process of it was killed: it used more than 32 MB"),
    ],
)
def test_memory(tmp_path: Path, code: int, killed: bool, sentence: str | None) -> None:
    assert said(tmp_path, code, out_of_memory=killed) == sentence


@pytest.mark.parametrize(
    ("code", "wish", "ago", "lacks"),
    [
        (137, None, 1, True),
        (1, None, 1, True),
        (0, None, 1, False),
        (137, StopWish(0, 2.5), 1, False),
        (137, None, 60, False),
        (137, None, -60, False),
    ],
    ids=["killed", "failed", "went well", "asked to end", "long ago", "clocks differ"],
)
def test_the_word_on_memory_is_awaited_for_what_has_just_failed(
    tmp_path: Path, code: int, wish: StopWish | None, ago: float, lacks: bool
) -> None:
    ended = datetime.now(UTC) - timedelta(seconds=ago)
    # Docker tells nanoseconds.
    state = {"ExitCode": code, "FinishedAt": ended.strftime("%Y-%m-%dT%H:%M:%S.%f123Z")}
    assert lacks_reason(state, a_record(tmp_path, wish)) is lacks


RUNC = "OCI runtime create failed: runc create failed: unable to start container process: "


@pytest.mark.parametrize(
    ("code", "error", "sentence"),
    [
        (127, "", None),
        (
            127,
            f'{RUNC}exec: "program": executable file not found in $PATH: unknown',
            "The command 'program' was not found.",
        ),
        (
            127,
            f'{RUNC}exec: "program": stat program: no such file or directory: unknown',
            "The command 'program' was not found.",
        ),
        (
            126,
            f'{RUNC}exec: "program": permission denied: unknown',
            "The command 'program' cannot be run: not executable.",
        ),
        (
            127,
            f"{RUNC}error during container init: mkdir /workspace/file: not a directory: unknown",
            f"It could not be started: {RUNC}error during container init: "
            "mkdir /workspace/file: not a directory: unknown",
        ),
    ],
)
def test_only_the_command_is_blamed_for_what_it_did(
    tmp_path: Path, code: int, error: str, sentence: str | None
) -> None:
    assert said(tmp_path, code, error=error) == sentence


def test_force(tmp_path: Path) -> None:
    wish = StopWish(0, 2.5, signals=(15,), forced=True)
    assert said(tmp_path, 137, wish=wish) == "It did not end within 2.5 s and was killed."


def test_force_on_what_was_never_asked(tmp_path: Path) -> None:
    wish = StopWish(0, 2.5, forced=True)
    assert said(tmp_path, 137, wish=wish) == (
        "It could not be asked to end for 2.5 s and was killed."
    )


def test_force_that_was_not_ours(tmp_path: Path) -> None:
    assert said(tmp_path, 137, wish=StopWish(0, 2.5)) is None
