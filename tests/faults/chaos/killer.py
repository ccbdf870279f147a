"""Breaks a world at random for some time: the same seed makes the same choices."""

import contextlib
import random
import signal
import threading
import time
from collections.abc import Callable

import psutil

from tests.faults.chaos import sessions
from tests.faults.chaos.timeline import Timeline
from tests.faults.chaos.world import PARTS, World

_LOOK = 0.1  # seconds between two looks at what must be restarted
_PAUSE = (0.3, 2.5)  # seconds between two faults
_SHORTEST, _LONGEST = 0.5, 12.0  # seconds that a process is stopped by SIGSTOP

# What asks each part to end in order: SIGTERM lets Postgres wait for its clients, for ever.
_ORDERLY = {"postgres": signal.SIGINT}


class Killer:
    """`rampage` returns when the time is over; then all is thawed, and restarted or about to be."""

    def __init__(self, world: World, chance: random.Random, timeline: Timeline) -> None:
        self._world = world
        self._chance = chance
        self._timeline = timeline
        self._longest = _LONGEST
        self._thaws: list[threading.Timer] = []

    def rampage(self, seconds: float) -> None:
        """Strike again and again; no part is frozen for more than a third of the time."""
        self._longest = min(_LONGEST, seconds / 3)
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                self._choose()()
                self._keep_up(min(end, time.monotonic() + self._chance.uniform(*_PAUSE)))
        finally:
            self._timeline.add("the faults end")
            for thaw in self._thaws:
                thaw.join()

    def _choose(self) -> Callable[[], None]:
        faults = {
            self._kill_one: 8,
            self._kill_two: 3,
            self._end_one: 3,
            self._freeze_one: 3,
            self._cut_a_session: 2,
            self._crash_a_session: 1,
        }
        return self._chance.choices(list(faults), list(faults.values()))[0]

    def _part(self) -> str:
        """The Hub takes long to come back, and takes all with it: more rarely."""
        return self._chance.choices(PARTS, (3, 4, 3, 1))[0]

    def _kill_one(self) -> None:
        self._signal(self._part(), signal.SIGKILL)

    def _kill_two(self) -> None:
        for part in dict.fromkeys((self._part(), self._part())):
            self._signal(part, signal.SIGKILL)

    def _end_one(self) -> None:
        part = self._part()
        self._signal(part, _ORDERLY.get(part, signal.SIGTERM))

    def _freeze_one(self) -> None:
        part, seconds = self._part(), self._chance.uniform(_SHORTEST, self._longest)
        process = self._world.process(part)
        if process is None:
            return
        frozen = [process]
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()
            # The sessions of Postgres are processes too, which would work on.
            frozen += process.children() if part == "postgres" else []
            self._timeline.add(f"{part} (pid {process.pid}) is frozen for {seconds:.1f} s")
        for each in frozen[1:]:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.suspend()
        # In a thread of its own: what others wait for may be one of these.
        self._thaws.append(threading.Timer(seconds, _thaw, [frozen]))
        self._thaws[-1].start()

    def _cut_a_session(self) -> None:
        """The server ends one connection to Zoe's database, perhaps the one with the lock."""
        if pid := self._session():
            sessions.cut(self._world.database_url, pid)
            self._timeline.add(f"the database session {pid} is cut")

    def _crash_a_session(self) -> None:
        """Postgres then ends all sessions, and recovers as after a crash."""
        if pid := self._session():
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()
                self._timeline.add(f"the database session {pid} is killed")

    def _session(self) -> int | None:
        place, found = self._chance.random(), sessions.pids(self._world.database_url)
        return found[int(place * len(found))] if found else None

    def _signal(self, part: str, number: signal.Signals) -> None:
        process = self._world.process(part)
        if process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
            self._timeline.add(f"{part} (pid {process.pid}) gets {number.name}")

    def _keep_up(self, until: float) -> None:
        while time.monotonic() < until:
            time.sleep(_LOOK)
            self._world.revive()


def _thaw(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()
