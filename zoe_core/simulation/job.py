"""A job of a simulated workload: what it asks for, what it has to do, and what is known of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from zoe_core.amount import Amount
from zoe_core.cluster import ExecutionStatus, ExecutionView, Node
from zoe_core.simulation.work import Work
from zoe_core.zapp import Service, ZApp

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""When simulated time begins. Any moment would do."""

_MOST = 1000
"""Instances that a service may have: see ``Service.total_count``."""


@dataclass(frozen=True, slots=True)
class Component:
    """Equal instances, each with one reservation."""

    amount: Amount
    essential: int
    elastic: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """One request of a workload.

    ``submitted`` is in seconds from the beginning. ``estimate`` is what the scheduler is told of
    the run time, in seconds, None for nothing; ``limit`` is its runtime limit in seconds.
    """

    id: int
    user: str
    submitted: float
    components: tuple[Component, ...]
    work: Work
    estimate: float | None = None
    limit: int | None = None
    group: str = ""

    @property
    def instances(self) -> int:
        """How many it may have, essential and elastic ones."""
        return sum(each.essential + each.elastic for each in self.components)

    @property
    def demand(self) -> Amount:
        """What all its instances reserve together."""
        amounts = (each.amount * (each.essential + each.elastic) for each in self.components)
        return sum(amounts, Amount())

    @property
    def run_time(self) -> float:
        """Seconds that it takes if it has all its instances from the start."""
        return self.work.amount / (self.instances if self.work.divisible else 1)

    def rigid(self) -> Job:
        """The same job with all its instances essential."""
        return replace(
            self,
            components=tuple(
                Component(each.amount, each.essential + each.elastic) for each in self.components
            ),
        )

    def execution(self) -> ExecutionView:
        """As it is submitted."""
        return ExecutionView(
            id=self.id,
            user=self.user,
            name=f"job {self.id}",
            zapp=_zapp(self.components, self.limit),
            status=ExecutionStatus.SUBMITTED,
            submitted_at=BEGINNING + timedelta(seconds=self.submitted),
            groups=(self.group,) if self.group else (),
            expected_seconds=self.estimate,
        )


def equal_nodes(count: int, capacity: Amount) -> list[Node]:
    """A cluster of ``count`` nodes; the order of their names is that of their numbers."""
    digits = len(str(count))
    return [Node(f"node-{number:0{digits}}", capacity) for number in range(1, count + 1)]


def at_load(jobs: Iterable[Job], factor: float) -> list[Job]:
    """The same jobs with all times between submissions divided by ``factor``."""
    return [replace(each, submitted=each.submitted / factor) for each in jobs]


@lru_cache(maxsize=4096)  # jobs of equal shape are the rule
def _zapp(components: tuple[Component, ...], limit: int | None) -> ZApp:
    services = [
        _service(f"part-{number}-{piece}", each.amount, essential, elastic)
        for number, each in enumerate(components)
        for piece, (essential, elastic) in enumerate(_pieces(each))
    ]
    return ZApp(name="job", version=4, services=tuple(services), runtime_limit=limit)


def _pieces(component: Component) -> Iterable[tuple[int, int]]:
    """Essential and elastic counts that a service may have, essential ones first."""
    essential, elastic = component.essential, component.elastic
    while essential or elastic:
        first = min(essential, _MOST)
        then = min(elastic, _MOST - first)
        yield first, then
        essential, elastic = essential - first, elastic - then


def _service(name: str, amount: Amount, essential: int, elastic: int) -> Service:
    return Service.model_validate(
        {
            "name": name,
            "image": "job",
            "monitor": bool(essential),
            "total_count": essential + elastic,
            "essential_count": essential,
            "resources": {
                "memory": {"min": amount.memory},
                "cores": {"min": max(amount.cores, 0.01)},
                "gpus": amount.gpus,
            },
            "shrink": {"grace": 0},
        }
    )
