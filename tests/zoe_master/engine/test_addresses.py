"""Where instances are reached, when that cannot be said."""

import logging
from unittest.mock import MagicMock, Mock

import pytest

from tests.support.builders import execution, instance, node, service, snapshot
from zoe_core.cluster import InstanceId, Observed
from zoe_master.backends.base import Backend, Observation, Retry
from zoe_master.engine.inbox import Inbox
from zoe_master.engine.observer import Observer


@pytest.mark.parametrize(
    "error", [Retry("main-0 has no address in its network."), OSError("Too many open files")]
)
async def test_an_instance_without_an_address_spoils_no_list(error: Exception) -> None:
    here, there = instance(1, index=0), instance(1, index=1)
    ports = [{"name": "web", "port_number": 80}]
    picture = snapshot(
        [node()], execution(1, service(essential=2, ports=ports), status="running"), [here, there]
    )

    def address(asked: InstanceId, port: int) -> tuple[str, int]:
        if asked == here.id:
            raise error
        return "10.0.0.2", port

    backend, inbox = Mock(Backend), Inbox()
    backend.nodes.return_value = [node()]
    backend.remains.return_value = ()
    backend.address.side_effect = address
    backend.observations.return_value = [
        Observation(each.id, Observed.RUNNING, each.node) for each in (here, there)
    ]
    Observer(
        backend=backend,
        inbox=inbox,
        logs=Mock(),
        office=MagicMock(),
        snapshot=lambda: picture,
        log=logging.getLogger("tests.observer"),
    ).relist()
    seen = {each.observation.id: each for each in inbox.take().sightings}
    assert {each.observation.observed for each in seen.values()} == {Observed.RUNNING}
    assert seen[here.id].addresses == ()
    assert seen[there.id].addresses == ((80, "10.0.0.2", 80),)
