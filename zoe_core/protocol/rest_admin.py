"""The documents of the REST interface that only administrators exchange with the portal.

Units and rules are those of :mod:`zoe_core.protocol.rest`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from zoe_core import cluster
from zoe_core.amount import MILLICORES_PER_CORE, Amount, describe_memory
from zoe_core.documents import show
from zoe_core.protocol.rest import Answer, Moment, Request

QuotaKind = Literal["user", "group", "default"]

MOST = 2**31 - 1
"""The largest count that is stored, of executions, thousandths of a core, devices and seconds."""
MOST_BYTES = 2**63 - 1

_EXAMPLE = 8 * 2**30


def _bytes(value: object) -> object:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise ValueError(
            f"is {show(value)}: must be a number of bytes, such as {_EXAMPLE} for "
            f"{describe_memory(_EXAMPLE)}, or null for no limit"
        )
    return value


Count = Annotated[int, Field(strict=True, ge=0, le=MOST)]
Bytes = Annotated[int, Field(ge=0, le=MOST_BYTES), BeforeValidator(_bytes)]
Cores = Annotated[float, Field(strict=True, ge=0, le=MOST / MILLICORES_PER_CORE)]
Seconds = Annotated[int, Field(strict=True, ge=1, le=MOST)]


class QuotaLimits(Request):
    """What one user may hold at a time; null, or left out: no limit.

    ``executions`` counts those that start or run, ``memory`` is in bytes. ``runtime_limit`` is in
    seconds, for each execution, from its start. ``weight`` is her share where shares are given:
    twice the weight, twice the share.
    """

    executions: Count | None = None
    memory: Bytes | None = None
    cores: Cores | None = None
    gpus: Count | None = None
    runtime_limit: Seconds | None = None
    weight: float = Field(default=1.0, strict=True, gt=0, le=1_000_000)

    def quota(self) -> cluster.Quota:
        """The same as the scheduler counts it."""
        cores = None if self.cores is None else Amount.of(0, self.cores).millicores
        return cluster.Quota(
            executions=self.executions,
            memory=self.memory,
            millicores=cores,
            gpus=self.gpus,
            runtime_limit=self.runtime_limit,
            weight=self.weight,
        )


class Quota(Answer):
    """The quota of a user, of each member of a group, or of everybody who has none (``default``).

    A user's limits are the most generous of her own and her groups', one by one; only who has
    neither has the default.
    """

    kind: QuotaKind
    name: str
    executions: int | None
    memory: int | None
    cores: float | None
    gpus: int | None
    runtime_limit: int | None
    weight: float

    @classmethod
    def of(cls, kind: QuotaKind, name: str, quota: cluster.Quota) -> Quota:
        """The document of a quota."""
        cores = None if quota.millicores is None else Amount(0, quota.millicores).cores
        return cls(
            kind=kind,
            name=name,
            executions=quota.executions,
            memory=quota.memory,
            cores=cores,
            gpus=quota.gpus,
            runtime_limit=quota.runtime_limit,
            weight=quota.weight,
        )


class Quotas(Answer):
    """All quotas: the default first, then those of groups and of users, by name."""

    items: tuple[Quota, ...]
    next: str | None = None


class NodeChange(Request):
    """What an administrator wishes of a node. ``draining``: let nothing new start there."""

    draining: bool = Field(strict=True)


class Stranger(Answer):
    """An instance of this deployment that nothing explains; ``why`` is a sentence."""

    execution_id: int
    instance: str
    attempt: int
    node: str
    observed: str
    why: str
    first_seen_at: Moment


class Strangers(Answer):
    """What the scheduler found on the back-end and leaves alone, because nothing explains it."""

    items: tuple[Stranger, ...]
    next: str | None = None
