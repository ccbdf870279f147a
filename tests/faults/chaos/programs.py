"""The kinds of executions that a world gets, and how each may end."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.faults.chaos.ground import Ground
from tests.support.builders import service, worker

ROOM = {"memory": 0.25, "cores": 0.5}
"""What an instance reserves, in GB and cores."""

FINISHED = ("terminated", r"main-0 has finished\.")
FAILED = ("error", r"main-0 has failed.* exit code 3; .*")
LIMITED = ("terminated", r"Its runtime limit of 1 s has passed\.")
ENDED = ("terminated", r"admin ended it\.")

Document = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """`make` writes the description, `outcome` is the final status and a pattern of the reason.

    `ended_after` is the range of seconds after which its owner ends it, or None. `attempts` is how
    often an essential instance may begin.
    """

    make: Callable[[Ground], Document]
    outcome: tuple[str, str]
    ended_after: tuple[float, float] | None = None
    attempts: int = 1


def zapp(*services: Document, **fields: Any) -> Document:
    """The description of an application of these services."""
    return {"name": "chaos", "version": 4, "services": list(services), **fields}


def _short(ground: Ground) -> Document:
    return zapp(service(command=ground.program(0.3), **ROOM))


def _gang(ground: Ground) -> Document:
    return zapp(
        service(command=ground.program(0.8), **ROOM),
        worker(command=ground.program(0.2), essential=2, **ROOM),
    )


def _elastic(ground: Ground) -> Document:
    return zapp(
        service(command=ground.program(1.5), **ROOM),
        worker(name="fickle", command=ground.program(60), essential=0, elastic=3, **ROOM),
    )


def _failing(ground: Ground) -> Document:
    return zapp(service(command=ground.program(0.2, code=3), **ROOM))


def _restarted(ground: Ground) -> Document:
    restart = {"policy": "on-failure", "count": 2}
    return zapp(service(command=ground.program(0.1, code=3), restart=restart, **ROOM))


def _limited(ground: Ground) -> Document:
    return zapp(service(command=ground.program(60), **ROOM), runtime_limit=1)


def _endless(ground: Ground) -> Document:
    return zapp(service(command=ground.program(600), **ROOM))


KINDS: Mapping[str, Kind] = {
    "short": Kind(_short, FINISHED),
    "gang": Kind(_gang, FINISHED),
    "elastic": Kind(_elastic, FINISHED),
    "failing": Kind(_failing, FAILED),
    "restarted": Kind(_restarted, FAILED, attempts=3),
    "limited": Kind(_limited, LIMITED),
    "endless": Kind(_endless, ENDED, ended_after=(0.0, 3.0)),
}
_WEIGHTS = {
    "short": 4,
    "gang": 3,
    "elastic": 3,
    "failing": 1,
    "restarted": 1,
    "limited": 1,
    "endless": 3,
}


def draw(chance: random.Random, count: int) -> list[str]:
    """Kinds for so many executions: one of each as far as they go, the rest by weight."""
    kinds = list(KINDS)[:count]
    kinds += chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=count - len(kinds))
    chance.shuffle(kinds)
    return kinds
