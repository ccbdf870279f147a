"""The documents of REST that tell of the platform as a whole: what answers, its nodes, its queue.

Units and rules are those of :mod:`zoe_core.protocol.rest`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from zoe_core.protocol.rest import API_VERSION, Answer, ExpectedStart, Moment, Resources


class Scheduler(Answer):
    """Whether somebody schedules now, and when the scheduler was last seen."""

    status: Literal["running", "away"]
    seen_at: Moment | None = None


class Caller(Answer):
    """Who is asking, and what Zoe allows her (the scopes that begin with ``custom:zoe:``)."""

    name: str
    groups: tuple[str, ...]
    scopes: tuple[str, ...]


class Info(Answer):
    """What answers here."""

    name: Literal["zoe"] = "zoe"
    version: str
    api_version: str = API_VERSION
    deployment: str
    backend: str | None
    scheduler: Scheduler
    caller: Caller


class NodeUse(Answer):
    """What the instances on a node use, as it was last measured: bytes of memory, and cores."""

    memory: int
    cores: float


class Node(Answer):
    """A node as it was last seen; ``reserved`` is what live instances hold of its ``capacity``.

    ``used`` is what they really use, to one MiB and a hundredth of a core, without GPUs; it may be
    more than is reserved. It is null while it is not known: the scheduler is away, the node is
    offline, or nothing on it was measured yet.
    ``draining``: nothing new is started there. ``pressured``: it runs short of memory, so that no
    elastic instance is started there. ``devices`` are the ids of its GPUs. ``missing_images`` are
    those that cannot be started there, each with what is missing, in words.
    """

    name: str
    online: bool
    draining: bool
    pressured: bool = False
    labels: tuple[str, ...]
    devices: tuple[str, ...] = ()
    capacity: Resources
    reserved: Resources
    used: NodeUse | None = None
    missing_images: dict[str, str] = Field(default_factory=dict)


class Cluster(Answer):
    """The last known nodes."""

    items: tuple[Node, ...]
    next: str | None = None
    scheduler: Scheduler


class QueueEntry(Answer):
    """A waiting execution; the rest is told to those who may see the execution."""

    execution_id: int
    position: int | None
    expected: ExpectedStart | None = None
    reasons: tuple[str, ...] = ()
    user: str | None = None
    name: str | None = None
    priority: Literal["low", "normal", "high"] | None = None


class PredictionError(Answer):
    """How good the first predictions were of the last ``count`` executions that started.

    Half of them started within ``median_s`` seconds of the moment that was predicted, before or
    after it; ``within`` is the share, from 0 to 1, that started in the range that was told.
    """

    count: int
    median_s: float
    within: float


class Queue(Answer):
    """What waits, in the order in which it is decided on; the first hundred with their reasons.

    While the scheduler is away nobody knows that order: positions are null, the oldest is first.
    ``predictions`` says how good those of the past were; null: there are none yet, or it is away.
    """

    items: tuple[QueueEntry, ...]
    next: str | None = None
    scheduler: Scheduler
    predictions: PredictionError | None = None
