"""What a master tells of what stands on its nodes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from tests.support.builders import START, execution, instance, node, snapshot
from zoe_core.cluster import ExecutionStatus, InstanceId, Node, Snapshot
from zoe_core.protocol import Examined
from zoe_master.backends.base import Item
from zoe_master.backends.fake import FakeBackend, FakeEngine, ManualClock
from zoe_master.engine import examiner
from zoe_master.engine.examiner import MOST, Examiner

STATUSES = {7: ExecutionStatus.TERMINATED, 8: ExecutionStatus.QUEUED}
PICTURE = snapshot([node("big")], execution(1, status="running"), instance(1))


class Furnished(FakeBackend):
    """Has what the test puts there."""

    def __init__(self, directory: Path) -> None:
        super().__init__(
            deployment="ours", directory=str(directory), engine=FakeEngine(ManualClock())
        )
        self.items: list[Item] = []
        self.online = True

    def nodes(self) -> Sequence[Node]:
        return [node("big", online=self.online)]

    def inventory(self) -> Sequence[Item]:
        return self.items

    def troubles(self) -> Mapping[str, str]:
        return {"big": "Connection refused."}


def item(execution_id: int | None, kind: str = "network", **fields: Any) -> Item:
    defaults = {"deployment": "ours", "execution_id": execution_id, "since": START}
    return Item(kind, f"x-{execution_id}", "big", removal="remove it", **(defaults | fields))


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Furnished:
    def statuses(office: object, ids: Sequence[int]) -> dict[int, ExecutionStatus]:
        return {each: STATUSES[each] for each in ids if each in STATUSES}

    monkeypatch.setattr(examiner, "statuses_of", statuses)
    return Furnished(tmp_path)


def examine(backend: Furnished, picture: Snapshot = PICTURE) -> Examined:
    return Examiner(backend, cast(Any, None), lambda: picture).examine()


def test_what_a_live_execution_knows_is_explained(backend: Furnished) -> None:
    backend.items = [item(1), item(1, "container", instance=instance(1).id)]
    assert examine(backend) == Examined(oddities=(), nodes=1)


def test_what_nobody_knows_is_left_alone_and_told(backend: Furnished) -> None:
    of_nobody = InstanceId(9, "main", 0)
    backend.items = [item(9, "container", instance=of_nobody)]
    (found,) = examine(backend).oddities
    assert found.what == "container x-9"
    assert (found.serious, found.since, found.remedy) == (True, START, "remove it")
    assert "The database knows no execution 9. Zoe leaves it alone" in found.why
    assert found.instance == (9, "main-0", 1)


def test_an_attempt_that_its_execution_does_not_know(backend: Furnished) -> None:
    backend.items = [item(8, "container", instance=InstanceId(8, "main", 0, 4))]
    (found,) = examine(backend).oddities
    assert "Execution 8 is queued, and knows nothing of this attempt." in found.why


def test_labels_that_cannot_be_read(backend: Furnished) -> None:
    backend.items = [item(None)]
    (found,) = examine(backend).oddities
    assert found.serious
    assert "labels do not say" in found.why


def test_what_an_ended_execution_left_goes_by_itself(backend: Furnished) -> None:
    backend.items = [item(7)]
    (found,) = examine(backend).oddities
    assert (found.serious, found.remedy) == (False, None)


def test_what_another_zoe_has_is_counted(backend: Furnished) -> None:
    other = "c0ffee00-7f5e-4f4e-9d52-0c6a5a1f9b11"
    kinds = ("container", "container", "network")
    backend.items = [item(1, kind, deployment=other) for kind in kinds]
    (found,) = examine(backend).oddities
    assert found.what == "2 containers and 1 network of another Zoe"
    assert (found.serious, found.remedy) == (False, None)


def test_a_node_that_does_not_answer_and_why(backend: Furnished) -> None:
    backend.online = False
    answer = examine(backend)
    (found,) = answer.oddities
    assert (found.what, found.serious, answer.nodes) == ("node big", True, 0)
    assert found.why == "Connection refused. Nothing is started there."


def test_of_very_many_the_number_is_told(backend: Furnished) -> None:
    backend.items = [item(number) for number in range(100, 100 + MOST + 5)]
    found = examine(backend).oddities
    assert len(found) == MOST + 1
    assert (found[-1].what, found[-1].serious) == ("5 more", True)
