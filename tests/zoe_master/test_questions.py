"""The queue as the master tells it: all of it, and reasons as far as somebody reads them."""

from types import SimpleNamespace
from typing import Any, cast

from tests.support.builders import execution, node, plan, service, snapshot
from zoe_core.protocol import Explain, Queue, QueueReply
from zoe_master.api.questions import EXPLAINED, Questions
from zoe_master.engine.inbox import Inbox

PICTURE = snapshot(
    node(memory=8), [execution(each, service(memory=6)) for each in range(1, EXPLAINED + 21)]
)


def questions() -> Questions:
    made = plan(PICTURE)
    nothing_foreseen = cast(Any, SimpleNamespace(expected={}, error=None))
    return Questions(
        cast(Inbox, None),
        1,
        lambda: (PICTURE, made),
        nothing_foreseen,
        cast(Any, None),
        cast(Any, None),
        cast(Any, None),
    )


async def test_of_a_long_queue_the_first_are_told_why() -> None:
    reply, _ = await questions().answer(Queue())
    assert isinstance(reply, QueueReply)
    told = [each.explanation for each in reply.entries]
    assert [each.execution_id for each in reply.entries] == list(range(2, EXPLAINED + 21))
    assert [each.position for each in told] == list(range(1, EXPLAINED + 20))
    assert [bool(each.reasons) for each in told] == [True] * EXPLAINED + [False] * 19


async def test_the_others_are_told_when_they_ask() -> None:
    last = EXPLAINED + 20
    reply, _ = await questions().answer(Explain(execution_ids=(1, last)))
    assert isinstance(reply, QueueReply)
    (entry,) = reply.entries
    assert (entry.execution_id, entry.explanation.position) == (last, EXPLAINED + 19)
    assert entry.explanation.reasons
