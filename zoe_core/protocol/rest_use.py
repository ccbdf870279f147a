"""The documents of REST about what instances really use, as it is measured.

Units and rules are those of :mod:`zoe_core.protocol.rest`.
"""

from __future__ import annotations

from pydantic import Field

from zoe_core.protocol.rest import Answer, Moment, Request, Resources


class UseSample(Answer):
    """Up to ``at``: the most ``memory`` in bytes and the mean ``cores`` since the sample before.

    The first sample's are those since the start.
    """

    at: Moment
    memory: int
    cores: float


class InstanceUse(Answer):
    """The newest attempt of an instance: what it has reserved and what it has used, oldest first.

    There are at most 240 samples for its whole life: when it lives longer they are farther apart.
    ``memory_limit`` is in bytes, null where nothing limits it.
    """

    instance: str
    attempt: int
    reserved: Resources
    memory_limit: int | None = None
    samples: tuple[UseSample, ...] = ()


class ExecutionUse(Answer):
    """What the instances of an execution have used; nothing is kept of one that has ended.

    Of more than a hundred instances each is told with fewer samples, and of more than a thousand
    the first by name alone. A new scheduler begins to measure anew.
    """

    items: tuple[InstanceUse, ...]
    next: str | None = None


class InstanceUseNow(Answer):
    """What one instance uses: bytes of memory, and the mean cores since it was last measured."""

    instance: str
    attempt: int
    memory: int
    cores: float


class UseNow(Answer):
    """``event: use`` of an execution's stream: those that run, as they were measured last."""

    at: Moment
    items: tuple[InstanceUseNow, ...]


class FollowQuery(Request):
    """What a stream tells beside the events."""

    use: bool = Field(
        default=False,
        description="Also send `event: use` every few seconds while instances run.",
    )
