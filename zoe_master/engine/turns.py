"""Threads that work through what waits, so that what hangs on one node holds up no other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from zoe_core.cluster import InstanceId

THREADS = 32
PER_NODE = 4
"""Calls under way at once, in all and on each node: a node takes them all only when that many
calls there hang."""

OTHERS_EVERY = 4
"""Every so many turns of a node one is for those that nobody watches."""


@dataclass(frozen=True, slots=True)
class Turn:
    """An instance that waits for ``work``, because of which round, and since when it runs.

    ``since`` is in seconds since 1970; None: that is not known.
    """

    instance: InstanceId
    node: str
    since: float | None
    watched: bool


@dataclass(slots=True)
class _Line:
    """What waits on one node, as it came: the watched go first, but the others get turns too."""

    watched: dict[InstanceId, Turn] = field(default_factory=dict)
    others: dict[InstanceId, Turn] = field(default_factory=dict)
    taken: int = 0

    def add(self, turn: Turn) -> None:
        """One that waits already keeps its place, unless it is watched from now on."""
        if turn.watched:
            self.others.pop(turn.instance, None)
            self.watched[turn.instance] = turn
        elif turn.instance not in self.watched:
            self.others[turn.instance] = turn

    def take(self) -> Turn:
        """The next one; there is one."""
        self.taken += 1
        others_turn = not self.watched or self.taken % OTHERS_EVERY == 0
        line = self.others if self.others and others_turn else self.watched
        return line.pop(next(iter(line)))

    def __len__(self) -> int:
        return len(self.watched) + len(self.others)


class Turns:
    """Calls ``work``, which raises nothing, for each instance that waits, in threads.

    One that waits already, or is under way, does not wait once more. The threads end when nothing
    waits; one that hangs keeps no process from ending.
    """

    def __init__(self, work: Callable[[Turn], None]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._waiting: dict[str, _Line] = {}  # by node, none empty; the next node is the first
        self._busy: dict[str, set[InstanceId]] = {}
        self._threads = 0
        self.closed = False

    def put(self, turns: Iterable[Turn]) -> None:
        """Have them wait: the watched before the others of their nodes."""
        with self._lock:
            for each in turns:
                if each.instance not in self._busy.get(each.node, ()):
                    self._waiting.setdefault(each.node, _Line()).add(each)
            wanted = min(THREADS, sum(min(PER_NODE, len(each)) for each in self._waiting.values()))
            for _ in range(wanted - self._free()):
                self._start()

    def close(self) -> None:
        """Begin nothing more."""
        with self._lock:
            self.closed = True
            self._waiting.clear()

    def _free(self) -> int:
        """Threads that will look for more: not those that may hang."""
        return self._threads - sum(map(len, self._busy.values()))

    def _start(self) -> None:
        if self._threads < THREADS and not self.closed:
            self._threads += 1
            threading.Thread(target=self._run, name="meter", daemon=True).start()

    def _run(self) -> None:
        turn = self._next(None)
        while turn is not None:
            self._work(turn)
            turn = self._next(turn)

    def _next(self, done: Turn | None) -> Turn | None:
        """The next one, of the node that has waited longest; None: this thread is not needed."""
        with self._lock:
            if done is not None:
                self._busy[done.node].discard(done.instance)
            for node, waiting in self._waiting.items():
                busy = self._busy.setdefault(node, set())
                if len(busy) < PER_NODE:
                    turn = waiting.take()
                    busy.add(turn.instance)
                    del self._waiting[node]
                    if waiting:
                        self._waiting[node] = waiting
                    return turn
            self._threads -= 1
            self._busy = {node: each for node, each in self._busy.items() if each}
            return None
