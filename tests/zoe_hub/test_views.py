"""What is wanted of an instance and what was seen of it, in one word."""

from dataclasses import replace

import pytest

from tests.support.builders import START
from zoe_hub.views import instance_status
from zoe_store.executions import InstanceRecord

RECORD = InstanceRecord(
    service="main",
    index=0,
    attempt=1,
    node="node-0",
    memory=1,
    millicores=1,
    gpus=0,
    essential=True,
    monitor=True,
    desired="absent",
    observed="lost",
    exit_code=None,
    detail=None,
    addresses=[],
    devices=[],
    started_at=None,
    ended_at=START,
)


@pytest.mark.parametrize(
    ("record", "status"),
    [
        (RECORD, "cancelled"),
        (replace(RECORD, observed="none"), "stopping"),
        (replace(RECORD, detail="the node went away"), "lost"),
        (replace(RECORD, started_at=START), "lost"),
        (replace(RECORD, desired="present"), "lost"),
        (replace(RECORD, observed="running"), "stopping"),
        (replace(RECORD, desired="present", observed="none"), "planned"),
    ],
)
def test_one_that_was_given_up_before_it_was_seen_was_cancelled(
    record: InstanceRecord, status: str
) -> None:
    assert instance_status(record) == status
