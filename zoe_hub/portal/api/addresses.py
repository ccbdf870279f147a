"""The variables of paths and the arguments of queries that several operations share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict, Field

from zoe_core.cluster import ExecutionStatus
from zoe_core.protocol.rest import MAX_PAGE, Request
from zoe_hub.portal.api.cursor import read_cursor

LARGEST_ID = 2**63 - 1
EVERYBODY = "*"

Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
InstanceName = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}$")]
IdempotencyKey = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,200}$")]


def _in_utc(moment: datetime) -> datetime:
    """Databases know fewer offsets than ISO 8601 has; raises ValueError beyond the years 1-9999."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"is {moment}: must be in the years 1 to 9999 in UTC") from None


When = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment that somebody asks about."""


class ExecutionPath(Request):
    """One execution."""

    execution_id: Id


class InstancePath(ExecutionPath):
    """One instance of an execution: ``spark-worker-0``."""

    instance: InstanceName


class ServicePath(ExecutionPath):
    """One service of an execution, by its name."""

    service: str = Field(max_length=60)


class ZAppPath(Request):
    """One ZApp of the gallery."""

    slug: str = Field(max_length=100)


class IdempotencyHeaders(Request):
    """What makes a request safe to repeat."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    idempotency_key: IdempotencyKey | None = Field(
        default=None,
        alias="Idempotency-Key",
        description="Chosen by the caller, unique for each of her requests. The same request with "
        "the same key is carried out once; another request with it is refused (422).",
    )


class LaunchForm(Request):
    """What keeps a launch form that is sent twice from launching twice."""

    key: IdempotencyKey | None = None


class ResumeHeaders(Request):
    """Where a stream of events goes on; browsers send this by themselves."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    last_event_id: int | None = Field(
        default=None,
        alias="Last-Event-ID",
        ge=0,
        le=LARGEST_ID,
        description="The id of the last event that was received: the stream goes on after it.",
    )


def _split(values: object) -> object:
    """``status=running,queued`` is as good as ``status=running&status=queued``."""
    if not isinstance(values, Iterable) or isinstance(values, str):
        return values
    return [part for value in values for part in str(value).split(",")]


def check_cursor(cursor: str | None) -> str | None:
    """Return it; raises ValueError when it is none of ours."""
    if cursor is not None:
        read_cursor(cursor)
    return cursor


class OwnerQuery(Request):
    """Whose."""

    user: str | None = Field(
        default=None,
        max_length=255,
        description="Whose executions; your own when it is left out. Others', and everybody's as "
        f"'{EVERYBODY}', need the scope custom:zoe:operate-others.",
    )


class ExecutionQuery(OwnerQuery):
    """Which executions; all conditions must hold."""

    status: Annotated[tuple[ExecutionStatus, ...], BeforeValidator(_split)] = Field(
        default=(), description="May be repeated, or hold several joined by commas."
    )
    name: str | None = Field(
        default=None, max_length=128, description="A part of the name, in whatever case."
    )
    since: When | None = Field(
        default=None, description="Submitted at this moment or later, 2026-01-31T00:00:00Z."
    )
    until: When | None = Field(default=None, description="Submitted before this moment.")
    limit: int = Field(default=50, ge=1, le=MAX_PAGE)
    cursor: Annotated[str | None, AfterValidator(check_cursor)] = Field(
        default=None, description="next of the page before."
    )


class LogQuery(Request):
    """Which part of a log. Only one of ``offset`` and ``tail`` may be given."""

    follow: bool = Field(default=False, description="Go on until the instance ends.")
    offset: int | None = Field(
        default=None, ge=0, le=LARGEST_ID, description="The byte to begin with."
    )
    tail: int | None = Field(
        default=None, ge=0, le=10_000, description="Begin with the last so many lines."
    )
