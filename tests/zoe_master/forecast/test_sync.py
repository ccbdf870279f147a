"""What the forecasting process is told, and what it knows then."""

import pickle
from dataclasses import replace

from tests.support.builders import amount, execution, instance, node, service, snapshot
from zoe_core.cluster import PastUse, Quota, Quotas, Snapshot
from zoe_master.engine.experience import Experience
from zoe_master.forecast.sync import Receiver, Sender
from zoe_store.past import Run

RUNS = [Run("alice", "pi", seconds) for seconds in (10, 20, 60)]


class Pair:
    """Both ends, and the pickle that travels between them."""

    def __init__(self) -> None:
        self.experience = Experience(RUNS)
        self.sender = Sender(self.experience)
        self.receiver = Receiver()
        self.sent = 0

    def bring(self, picture: Snapshot) -> Snapshot:
        """Tell of the picture; what the other side knows then."""
        travels = pickle.dumps(self.sender.update(picture))
        self.sent = len(travels)
        self.receiver.take(pickle.loads(travels))  # noqa: S301 -- ours
        return self.receiver.snapshot


def large(count: int = 200) -> Snapshot:
    return snapshot(
        [node("a", devices=("GPU-0",), labels=frozenset({"x"})), node("b", pressured=True)],
        [execution(number, service(elastic=2), groups=("lab",)) for number in range(1, count)],
        [instance(1), instance(1, index=1, devices=("GPU-0",))],
    )


def test_the_other_side_knows_the_same() -> None:
    picture = replace(
        large(),
        quotas=Quotas(users={"alice": Quota(gpus=1)}),
        past=PastUse(None, {}).later(execution().submitted_at, {"alice": amount(1, 1)}),
    )
    assert Pair().bring(picture) == picture


def test_only_changes_travel() -> None:
    pair = Pair()
    first = large()
    pair.bring(first)
    whole = pair.sent
    changed = {**first.executions, 2: execution(2, status="running"), 500: execution(500)}
    del changed[7]
    instances = {**first.instances, 1: {}, 2: {instance(2).id: instance(2)}, 500: {}}
    del instances[7]
    second = replace(first, executions=changed, instances=instances)
    assert pair.bring(second) == second
    assert pair.sent < whole / 10
    assert pair.bring(second) == second


def test_a_successor_is_told_everything() -> None:
    pair = Pair()
    picture = large()
    pair.bring(picture)
    pair.sender.forget()
    pair.receiver = Receiver()
    assert pair.bring(picture) == picture
    assert pair.receiver.history.predict("alice", "pi", None) is not None


def test_it_learns_of_each_run_once() -> None:
    pair = Pair()
    for _ in range(3):
        pair.bring(large())
    known = pair.receiver.history.predict("alice", "pi", None)
    fresh = Pair()
    fresh.bring(large())
    assert known == fresh.receiver.history.predict("alice", "pi", None)
    ended = execution(1, status="terminated", started_at=execution().submitted_at)
    pair.experience.learn([ended], execution(1000).submitted_at)
    pair.bring(large())
    assert pair.receiver.history.predict("alice", "app", None) is not None
