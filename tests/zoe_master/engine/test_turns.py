"""Who is measured next: everybody in turn, and nobody waits for what hangs on another node."""

import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.support.waiting import eventually
from zoe_core.cluster import InstanceId
from zoe_master.engine.turns import PER_NODE, THREADS, Turn, Turns, _Line


class Work:
    """Notes whose turn it was; those of ``hanging`` nodes or instances do not return."""

    def __init__(self) -> None:
        self.done: list[InstanceId] = []
        self.begun: Counter[InstanceId] = Counter()
        self.hanging: set[object] = set()
        self.opened = threading.Event()

    def __call__(self, turn: Turn) -> None:
        self.begun[turn.instance] += 1
        if {turn.node, turn.instance} & self.hanging:
            self.opened.wait(30)
        self.done.append(turn.instance)


@pytest.fixture
def work() -> Iterator[Work]:
    work = Work()
    yield work
    work.opened.set()


def turns_of(node: str, *numbers: int, watched: bool = False) -> list[Turn]:
    return [Turn(InstanceId(each, "main", 0), node, 0.0, watched) for each in numbers]


def test_everybody_has_a_turn_and_threads_end(work: Work) -> None:
    turns = Turns(work)
    turns.put([*turns_of("one", *range(200)), *turns_of("two", *range(200, 400))])
    eventually(lambda: len(work.done) == 400)
    assert set(work.begun.values()) == {1}
    eventually(lambda: turns._threads == 0)
    turns.put(turns_of("one", 1))
    eventually(lambda: work.begun[InstanceId(1, "main", 0)] == 2)


def test_what_hangs_is_not_asked_again_and_holds_up_no_other(work: Work) -> None:
    work.hanging = {InstanceId(0, "main", 0)}
    turns = Turns(work)
    for _ in range(3):
        turns.put(turns_of("one", *range(50)))
        eventually(lambda: not turns._waiting)
    eventually(lambda: work.begun[InstanceId(49, "main", 0)] == 3)
    assert work.begun[InstanceId(0, "main", 0)] == 1


def test_a_node_that_hangs_takes_a_few_threads(work: Work) -> None:
    work.hanging = {"bad"}
    turns = Turns(work)
    turns.put([*turns_of("bad", *range(100)), *turns_of("good", *range(100, 200))])
    eventually(lambda: len(work.done) == 100)
    assert {each.execution_id for each in work.done} == set(range(100, 200))
    assert sum(work.begun.values()) == 100 + PER_NODE
    for _ in range(10):  # others still get threads, and not ever more of them
        turns.put([*turns_of("bad", *range(100)), *turns_of("good", 100)])
    assert turns._threads <= THREADS


def test_the_watched_go_first(work: Work) -> None:
    work.hanging = {each.instance for each in turns_of("one", *range(PER_NODE))}
    turns = Turns(work)
    turns.put(turns_of("one", *range(PER_NODE)))
    eventually(lambda: len(work.begun) == PER_NODE)
    turns.put(turns_of("one", 10, 11, 12))
    turns.put(turns_of("one", 12, watched=True))
    turns.put(turns_of("one", 12, 13))  # the round of all changes nothing of that
    line = turns._waiting["one"]
    waiting = [each.execution_id for each in (*line.watched, *line.others)]
    assert waiting == [12, 10, 11, 13]


def test_everybody_has_a_turn_while_more_are_watched_than_a_round_serves() -> None:
    """Rounds as on a slow node: they are put again before most have had their turn."""
    line, served = _Line(), Counter[int]()
    for _ in range(20):
        for each in [*turns_of("one", *range(40), watched=True), *turns_of("one", *range(60))]:
            line.add(each)
        served.update(line.take().instance.execution_id for _ in range(10))
    assert set(served) == set(range(60))
    assert min(served[each] for each in range(40)) >= 3


def test_after_the_end_nothing_begins(work: Work) -> None:
    turns = Turns(work)
    turns.close()
    turns.put(turns_of("one", 1))
    assert turns._threads == 0
    assert not work.begun
