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
    QUOTA = "quota"
    WOULD_DELAY = "would_delay"
    NOT_TRIED = "not_tried"
    ON_HOLD = "on_hold"
    LEAVING = "leaving"
    MAKING_ROOM = "making_room"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Outlook:
    """When what heads the queue is expected to find room.

    ``at`` is None when nobody can tell. ``last`` is the execution that has to end last before it,
    None when it is only elastic instances that have to be taken back. ``by_limit``: it ends by then
    at the latest, by its runtime limit; otherwise that is an estimate.
    """

    at: datetime | None = None
    last: int | None = None
    by_limit: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why one request waits, in numbers: sentences are made from it only when somebody asks.

    ``position`` counts from 1, and is 0 for what runs. ``instance`` names what found no place, and
    ``count`` is how many such instances the gang has.

    If no node has room for one, ``needs`` is its reservation, and ``free`` what the node has that
    comes nearest, ``node``. If only the gang as a whole is too large, ``gang`` is the number of its
    instances, ``needs`` what they reserve together, and ``free`` what all nodes together have. If
    that would be enough, but no node has the rest in one piece, ``placed`` says for how many of the
    ``count`` there is room, and ``needs`` is the reservation of one.

    With ``QUOTA``, ``limit`` names what is limited, ``allowed`` is the limit and ``held`` what the
    user has of it; ``asked`` is what this one would add.

    ``of`` is the execution that heads the queue and must not be delayed, and ``overtaken`` how
    often it has been overtaken if that is the reason. With ``RESTART`` it runs: one of its
    instances failed, and is started again first; all numbers are of that one.
    """

    blocker: Blocker
    position: int = 0
    instance: str = ""
    image: str = ""
    labels: tuple[str, ...] = ()
    count: int = 1
    needs: Amount = _NOTHING
    free: Amount = _NOTHING
    node: str = ""
    gang: int = 0
    placed: int | None = None
    limit: str = ""
    held: int = 0
    asked: int = 0
    allowed: int = 0
    of: int = 0
    overtaken: int = 0
    outlook: Outlook | None = None


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
    ``overtaken`` has, for an execution that others started before and may have delayed, how often
    that has happened by now. ``waiting`` lists those that do not start, in the order of the
    decision; ``verdicts`` says why. ``lacking`` says it of executions that run, but have lost an
    essential instance that is to start again and has no place yet. After ``review_at`` the passing
    of time alone may give another plan.
    """

    gangs: tuple[Gang, ...] = ()
    restarted: tuple[InstanceView, ...] = ()
    grown: tuple[InstanceView, ...] = ()
    taken: tuple[InstanceId, ...] = ()
    overtaken: Mapping[int, int] = field(default_factory=dict)
    waiting: tuple[int, ...] = ()
    verdicts: Mapping[int, Verdict] = field(default_factory=dict)
    lacking: Mapping[int, Verdict] = field(default_factory=dict)
    review_at: datetime | None = None
