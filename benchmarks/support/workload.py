"""Nodes, and requests of random shapes for them: up to twenty instances, each of other sizes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import count
from random import Random
from typing import Any

from zoe_core.amount import Amount
from zoe_core.cluster import ExecutionStatus, ExecutionView, Node
from zoe_core.zapp import ZApp, parse_zapp

GB = 2**30
CAPACITY = Amount.of(128 * GB, 32)
GPUS = 4
IMAGES = ("jupyter", "spark", "mpi", "tensorflow")
USERS = 50
GROUPS = 8
MOST_INSTANCES = 20
MEMORY = (1, 2, 3, 4, 6, 8, 12, 16)
"""GB of one instance."""
CORES = (0.5, 1, 1.5, 2, 3, 4)


def nodes(number: int) -> list[Node]:
    """Equal nodes; every twentieth has GPUs, every fourth a label, each some of the images."""
    return [_node(f"node-{row:05d}", row) for row in range(number)]


def _node(name: str, row: int) -> Node:
    gpus = 0 if row % 20 else GPUS
    return Node(
        name,
        Amount(CAPACITY.memory, CAPACITY.millicores, gpus),
        labels=frozenset() if row % 4 else frozenset({"ssd"}),
        devices=tuple(f"gpu-{number}" for number in range(gpus)),
        local_images=frozenset(IMAGES[: row % len(IMAGES)]),
    )


class Requests:
    """Requests without an end; equal seeds give equal ones."""

    def __init__(self, seed: int = 0) -> None:
        self._random = Random(seed)
        self._ids = count(1)

    def rigid(self, now: datetime) -> Iterator[ExecutionView]:
        """All their instances are essential."""
        while True:
            yield self._request(now, rigid=True)

    def mixed(self, now: datetime) -> Iterator[ExecutionView]:
        """Half of them have elastic instances."""
        while True:
            yield self._request(now, rigid=self._random.random() < 0.5)

    def _request(self, now: datetime, *, rigid: bool) -> ExecutionView:
        user = self._random.randrange(USERS)
        known = self._random.random() < 0.7
        return ExecutionView(
            id=next(self._ids),
            user=f"user-{user}",
            name="benchmark",
            zapp=self._zapp(rigid=rigid),
            status=ExecutionStatus.SUBMITTED,
            submitted_at=now,
            groups=(f"group-{user % GROUPS}",),
            expected_seconds=self._random.uniform(600, 36000) if known else None,
        )

    def _zapp(self, *, rigid: bool) -> ZApp:
        workers = self._random.randrange(MOST_INSTANCES)
        essential = workers if rigid else self._random.randint(0, workers)
        image = self._random.choice(IMAGES)
        services = [self._service("main", image, 1, 1)]
        if workers:
            services.append(self._service("worker", image, workers, essential))
        limited = {"runtime_limit": 86400} if self._random.random() < 0.5 else {}
        document = {"name": "benchmark", "version": 4, "services": services, **limited}
        return parse_zapp(document).zapp

    def _service(self, name: str, image: str, total: int, essential: int) -> dict[str, Any]:
        worker = name == "worker"
        special = self._random.random() if worker else 1.0
        return {
            "name": name,
            "image": image,
            "monitor": not worker,
            "total_count": total,
            "essential_count": essential,
            "labels": ["ssd"] if special < 0.05 else [],
            "resources": {
                "memory": {"min": self._random.choice(MEMORY) * GB},
                "cores": {"min": self._random.choice(CORES)},
                "gpus": 1 if special > 0.97 and worker else 0,
            },
        }
