"""The outcome of a decision: what starts where, and a compact verdict on all that does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from zoe_core.amount import Amount
from zoe_core.cluster import InstanceId, InstanceView

_NOTHING = Amount()


class Blocker(StrEnum):
    """Why a request does not start in this plan."""

    NO_ROOM = "no_room"
    NO_NODE = "no_node"
    TOO_LARGE = "too_large"
    BEHIND = "behind"
    ON_HOLD = "on_hold"
    LEAVING = "leaving"
    MAKING_ROOM = "making_room"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why one request waits, kept small: sentences are made from it only when somebody asks.

    ``position`` counts from 1. ``instance`` names the first instance that found no place.

    If no node has room for it alone, ``needs`` is its reservation, and ``free`` the most that one
    node has, on ``node``. If only the gang as a whole is too large, ``gang`` is the number of its
    instances, ``needs`` what they reserve together, and ``free`` what all nodes together have.

    With ``RESTART`` all this is said of an instance of another execution, ``of``, which runs: it
    failed, and is started again before anything new starts.
    """

    blocker: Blocker
    position: int = 0
    instance: str = ""
    image: str = ""
    needs: Amount = _NOTHING
    free: Amount = _NOTHING
    node: str = ""
    gang: int = 0
    of: int = 0


@dataclass(frozen=True, slots=True)
class Gang:
    """All essential instances of an execution, each with the node it goes to."""

    execution_id: int
    instances: tuple[InstanceView, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start: whole gangs, and instances of executions that already have theirs.

    ``restarted`` are successors of essential instances that failed, ``grown`` are elastic ones.
    ``taken`` lists elastic instances to take back, so that the head of the queue finds room.
    ``waiting`` lists those that do not start, in the order of the queue; ``verdicts`` says why.
    After ``review_at`` the passing of time alone may give another plan.
    """

    gangs: tuple[Gang, ...] = ()
    restarted: tuple[InstanceView, ...] = ()
    grown: tuple[InstanceView, ...] = ()
    taken: tuple[InstanceId, ...] = ()
    waiting: tuple[int, ...] = ()
    verdicts: Mapping[int, Verdict] = field(default_factory=dict)
    review_at: datetime | None = None
