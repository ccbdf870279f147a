"""Instances as rows."""

from typing import Any

import pytest

from zoe_core.protocol.rest import Instance
from zoe_hub.portal.presenters.instances import instance_rows


def instance(**changes: Any) -> Instance:
    return Instance.model_validate(
        {
            "name": "my-submit-0",
            "service": "my-submit",
            "status": "running",
            "node": "laptop",
            "attempt": 1,
            "essential": True,
            "resources": {"memory": 1, "cores": 1},
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("changes", "word", "tone"),
    [
        ({"status": "planned"}, "Starting", "moving"),
        ({"status": "running"}, "Running", "running"),
        ({"status": "stopping"}, "Stopping", "moving"),
        ({"status": "lost"}, "Lost", "failed"),
        ({"status": "cancelled"}, "Not started", "done"),
        ({"status": "exited", "exit_code": 0}, "Finished", "done"),
        ({"status": "exited", "exit_code": 1}, "Failed", "failed"),
        ({"status": "exited", "exit_code": -11}, "Failed", "failed"),
        ({"status": "exited", "exit_code": -15}, "Stopped", "done"),
        ({"status": "exited", "exit_code": 143}, "Stopped", "done"),
        ({"status": "exited", "exit_code": 137}, "Killed", "done"),
        ({"status": "exited", "exit_code": None}, "Failed", "failed"),
    ],
)
def test_each_state_is_a_word_and_a_tone(changes: dict[str, Any], word: str, tone: str) -> None:
    (row,) = instance_rows([instance(**changes)])
    assert (row.badge.text, row.badge.tone) == (word, tone)


def test_a_log_may_grow_until_the_instance_has_ended() -> None:
    assert instance_rows([instance(status="stopping")])[0].runs
    assert not instance_rows([instance(status="exited", exit_code=0)])[0].runs


def test_an_exit_code_of_zero_is_shown_and_none_is_not() -> None:
    assert instance_rows([instance(status="exited", exit_code=0)])[0].exit_code == "0"
    assert instance_rows([instance()])[0].exit_code == ""
