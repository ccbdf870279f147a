"""The fake engine: instances in memory that live by a clock, and faults by script."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from math import inf
from signal import SIGKILL, SIGTERM, Signals

from zoe_core.cluster import InstanceId, Observed
from zoe_master.backends.base import BackendError, InstanceSpec, Observation, Retry, Watcher
from zoe_master.backends.fake.clock import Clock, RealClock
from zoe_master.backends.fake.command import Course, course_of


@dataclass(frozen=True, slots=True)
class Script:
    """How the instances of a service deviate from their command; times are in seconds.

    ``start`` raises each of ``start_errors`` once, then works. An instance is ``creating`` for
    ``start_delay``, then prints ``log``, and ends ``exit_after`` or is lost ``lose_after`` that.
    """

    start_errors: tuple[BackendError, ...] = ()
    start_delay: float = 0.0
    log: bytes = b""
    exit_after: float | None = None
    exit_code: int = 0
    lose_after: float | None = None


@dataclass(slots=True)
class Instance:
    """One instance in memory.

    ``since`` is the time of the clock when it began to run, ``asked`` the last signal that it got.
    """

    spec: InstanceSpec
    course: Course
    observed: Observed = Observed.CREATING
    exit_code: int | None = None
    detail: str | None = None
    since: float = 0.0
    asked: Signals | None = None
    log: bytearray = field(default_factory=bytearray)

    @property
    def alive(self) -> bool:
        """Whether it is there and has not ended."""
        return self.observed in (Observed.CREATING, Observed.RUNNING)

    def observation(self) -> Observation:
        """What is seen of it now."""
        spec = self.spec
        return Observation(spec.id, self.observed, spec.node, self.exit_code, self.detail)


class FakeEngine:
    """Holds the instances of one deployment for any number of ``FakeBackend`` objects.

    Thread-safe; watchers are called without a lock held.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock: Clock = clock or RealClock()
        self.failed_nodes: frozenset[str] = frozenset()
        self.pressured_nodes: frozenset[str] = frozenset()
        self._lock = threading.RLock()
        self._telling = threading.RLock()
        self._instances: dict[InstanceId, Instance] = {}
        self._scripts: dict[str, Script] = {}
        self._start_errors: dict[str, list[BackendError]] = defaultdict(list)
        self._watchers: list[Watcher] = []
        self._changes: list[Observation] = []

    def script(self, service: str, script: Script) -> None:
        """Let instances of ``service`` that start from now on follow it; "*": of all others."""
        with self._lock:
            self._scripts[service] = script
            self._start_errors[service] = list(script.start_errors)

    def exit(self, instance: InstanceId, code: int = 0, detail: str | None = None) -> None:
        """Let it end now. Raises KeyError when it does not exist."""
        with self._changing():
            self._end(self._instances[instance], Observed.EXITED, code, detail)

    def lose(self, instance: InstanceId) -> None:
        """Let it be lost now. Raises KeyError when it does not exist."""
        with self._changing():
            self._end(self._instances[instance], Observed.LOST)

    def say(self, instance: InstanceId, text: bytes) -> None:
        """Let it print something. Raises KeyError when it does not exist."""
        with self._lock:
            self._instances[instance].log += text

    def fail_node(self, name: str) -> None:
        """Switch a node off; what ran there is lost."""
        with self._changing():
            self.failed_nodes |= {name}
            for each in self._instances.values():
                if each.spec.node == name:
                    self._end(each, Observed.LOST, detail=f"The node {name} failed.")

    def restore_node(self, name: str) -> None:
        """Switch it on again."""
        with self._lock:
            self.failed_nodes -= {name}

    def press_node(self, name: str) -> None:
        """Let its memory be measured short."""
        with self._lock:
            self.pressured_nodes |= {name}

    def relieve_node(self, name: str) -> None:
        """Let it have memory again."""
        with self._lock:
            self.pressured_nodes -= {name}

    def start(self, spec: InstanceSpec) -> None:
        """Create an instance unless it exists. Raises what the script says, and Retry."""
        with self._changing():
            if spec.id in self._instances:
                return
            if spec.node in self.failed_nodes:
                raise Retry(f"The node {spec.node} does not answer.")
            service = spec.id.service if spec.id.service in self._scripts else "*"
            if self._start_errors[service]:
                raise self._start_errors[service].pop(0)
            script = self._scripts.get(service, Script())
            instance = Instance(spec, course_of(spec.command))
            self._instances[spec.id] = instance
            self._changes.append(instance.observation())
            if script.start_delay > 0:
                self._later(instance, script.start_delay, lambda: self._run(instance, script))
            else:
                self._run(instance, script)

    def stop(
        self,
        identity: InstanceId,
        grace: float,
        signal: Signals = SIGTERM,
        reason: str | None = None,
    ) -> None:
        """End it now, or after ``grace`` when it ignores the signal; ``reason`` is for people."""
        with self._changing():
            instance = self._instances.get(identity)
            if instance is None or not instance.alive:
                return
            if instance.asked is None or signal is SIGTERM:
                instance.asked = signal
            ignored = instance.course.ignored
            if instance.asked in ignored and instance.observed is Observed.RUNNING:
                self._later(instance, grace, lambda: self._kill(instance, grace, reason))
            else:
                self._end(instance, Observed.EXITED, -instance.asked, reason)

    def remove(self, identity: InstanceId) -> None:
        """Forget it. Raises Retry while it runs."""
        with self._lock:
            instance = self._instances.get(identity)
            if instance is not None and instance.alive:
                raise Retry(f"{identity.name} still runs.")
            self._instances.pop(identity, None)

    def now(self) -> float:
        """See ``Clock.now``."""
        return self.clock.now()

    def find(self, identity: InstanceId) -> Instance | None:
        """A copy of the instance as it is now."""
        with self._lock:
            return copy(self._instances.get(identity))

    def instances(self) -> list[Instance]:
        """Copies of all of them."""
        with self._lock:
            return [copy(each) for each in self._instances.values()]

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """See ``Backend.watch``."""
        self._watchers = [*self._watchers, watcher]

        def end() -> None:
            self._watchers = [each for each in self._watchers if each is not watcher]

        return end

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the lock, and tell the watchers afterwards what has changed."""
        try:
            with self._lock:
                yield
        finally:
            with self._telling:  # one after another, so that they come in order
                with self._lock:
                    changes, self._changes = self._changes, []
                for observation in changes:
                    for watcher in self._watchers:
                        watcher(observation)

    def _later(self, instance: Instance, delay: float, action: Callable[[], None]) -> None:
        """Do it after ``delay`` seconds, if the instance is still alive then."""

        def act() -> None:
            with self._changing():
                if instance.alive:
                    action()

        self.clock.call_at(self.clock.now() + delay, act)

    def _run(self, instance: Instance, script: Script) -> None:
        course = instance.course
        instance.observed = Observed.RUNNING
        instance.since = self.clock.now()
        instance.log += script.log
        self._changes.append(instance.observation())
        for when, text in course.outputs:
            self._print(instance, when, text)
        if course.ends_after < inf:
            self._end_after(instance, course.ends_after, Observed.EXITED, course.exit_code)
        if script.exit_after is not None:
            self._end_after(instance, script.exit_after, Observed.EXITED, script.exit_code)
        if script.lose_after is not None:
            self._end_after(instance, script.lose_after, Observed.LOST)

    def _print(self, instance: Instance, delay: float, text: bytes) -> None:
        if delay > 0:
            self._later(instance, delay, lambda: instance.log.extend(text))
        else:
            instance.log += text

    def _end_after(
        self, instance: Instance, delay: float, observed: Observed, code: int | None = None
    ) -> None:
        self._later(instance, delay, lambda: self._end(instance, observed, code))

    def _kill(self, instance: Instance, grace: float, reason: str | None) -> None:
        detail = f"It did not end within {grace:g} s and was killed."
        self._end(instance, Observed.EXITED, -SIGKILL, reason or detail)

    def _end(
        self,
        instance: Instance,
        observed: Observed,
        code: int | None = None,
        detail: str | None = None,
    ) -> None:
        if instance.alive:
            instance.observed, instance.exit_code, instance.detail = observed, code, detail
            self._changes.append(instance.observation())
