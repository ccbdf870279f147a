"""The documents of the REST interface, shared by the portal, which writes them, and the client.

Memory is in bytes, cores are numbers such as ``0.5``, moments are ISO 8601 in UTC. Requests refuse
fields that they do not know; whoever reads answers must ignore them, so that answers may grow.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from zoe_core.amount import Amount
from zoe_core.cluster import ExecutionStatus
from zoe_core.names import MAX_EXECUTION_NAME, MAX_SLUG

API_VERSION = "1"
MAX_PAGE = 200
MAX_BODY = 1_000_000
"""The largest body of a request, in bytes."""
MAX_ALTERNATIVES = 7
"""Other sets of parameters that one estimate may be asked for."""


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_in_utc)]
Parameters = dict[str, str | int | float | bool | None]


def endpoint_path(prefix: str, execution_id: int, instance: str, port: int) -> str:
    """The path under which the portal opens a port; ``prefix`` is the portal's own."""
    return f"{prefix}executions/{execution_id}/endpoints/{instance}/{port}/"


class Answer(BaseModel):
    """What the portal writes: frozen, and open to fields of later versions when it is read."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Request(BaseModel):
    """What a caller writes: a field that nobody knows is an error, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldProblem(Answer):
    """One thing that is wrong; ``field`` is a path such as ``parameters.workers``, or empty."""

    field: str
    message: str


class ProblemDocument(Answer):
    """Every error, as ``application/problem+json`` (RFC 9457).

    ``detail`` is for people. ``field`` names what is wrong in the request; ``problems`` lists all
    that was found when there is more than one thing to say. ``incident`` is what the administrator
    looks for in the log.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    field: str | None = None
    problems: tuple[FieldProblem, ...] = ()
    incident: str | None = None


class Resources(Answer):
    """Memory in bytes, cores, GPUs in whole devices."""

    memory: int
    cores: float
    gpus: int = 0

    @classmethod
    def of(cls, amount: Amount) -> Resources:
        """The document of an amount."""
        return cls(memory=amount.memory, cores=amount.cores, gpus=amount.gpus)


InstanceStatus = Literal[
    "planned", "starting", "running", "stopping", "exited", "lost", "cancelled"
]


class Instance(Answer):
    """The newest attempt of one instance. ``exit_code`` is negative when a signal ended it."""

    name: str
    service: str
    status: InstanceStatus
    node: str
    attempt: int
    essential: bool
    exit_code: int | None = None
    detail: str | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    resources: Resources


class Endpoint(Answer):
    """A port of a running instance that its owner may open; ``url`` is a path on the portal."""

    name: str
    url: str
    instance: str
    port: int


class ExpectedStart(Answer):
    """When something will probably start, as the scheduler sees it now.

    ``mid_s`` is the best guess, in seconds from the moment of the answer; probably it is no earlier
    than ``low_s`` and no later than ``high_s``. All are null with ``unknown``, and ``high_s`` is
    also null when nobody can tell how late it may become. ``text`` is a sentence for people.
    """

    status: Literal["now", "later", "unknown"]
    low_s: float | None = None
    mid_s: float | None = None
    high_s: float | None = None
    text: str


class Waiting(Answer):
    """Why an execution does not run yet, and for how long, as far as one can tell.

    Of one that runs: why an essential instance that failed does not start again.
    ``position`` counts from 1 and is null when nobody knows it now; ``ahead`` has the ids before
    it. ``expected`` is null when nobody can say anything about its start now.
    """

    position: int | None = None
    reasons: tuple[str, ...] = ()
    ahead: tuple[int, ...] = ()
    expected: ExpectedStart | None = None


class FirstPrediction(Answer):
    """When it was first foreseen to start, and when that was (``at``); high null: who knows."""

    at: Moment
    low: Moment
    mid: Moment
    high: Moment | None


class Execution(Answer):
    """One execution. ``zapp`` is null for a description of the user's own.

    ``server_name`` is the name of the JupyterHub server that it is, or null. ``url`` is its page.
    """

    id: int
    name: str
    zapp: str | None
    user: str
    status: ExecutionStatus
    reason: str | None = None
    submitted_at: Moment
    started_at: Moment | None = None
    ended_at: Moment | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    server_name: str | None = None
    url: str
    instances: tuple[Instance, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    waiting: Waiting | None = None
    predicted: FirstPrediction | None = None


class ExecutionList(Answer):
    """One page, newest first; ``next`` is the cursor of the page that follows, or null."""

    items: tuple[Execution, ...]
    next: str | None = None


class ExecutionRequest(Request):
    """A launch: of a ZApp of the gallery by its slug, or of a description of one's own."""

    name: str | None = Field(default=None, max_length=MAX_EXECUTION_NAME)
    zapp: str | None = Field(default=None, max_length=MAX_SLUG)
    description: dict[str, Any] | None = None
    parameters: Parameters = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_of_two(self) -> ExecutionRequest:
        if (self.zapp is None) == (self.description is None):
            raise ValueError(
                "must have either zapp, the slug of a ZApp of the gallery, or description, "
                "a ZApp of your own"
            )
        return self


class EstimateRequest(ExecutionRequest):
    """A launch as it might be: ``name`` is not looked at, and nothing is stored.

    Each of ``alternatives`` is another set of ``parameters`` for the same ZApp of the gallery.
    """

    alternatives: tuple[Parameters, ...] = Field(default=(), max_length=MAX_ALTERNATIVES)

    @model_validator(mode="after")
    def _alternatives_have_parameters(self) -> EstimateRequest:
        if self.description is not None and self.alternatives:
            raise ValueError(
                "may have alternatives only together with zapp: a description has no parameters"
            )
        return self


class Estimate(ExpectedStart):
    """When it would start with these parameters, if it were launched now."""

    parameters: dict[str, Any] = Field(default_factory=dict)


class Estimates(Answer):
    """The request as it is first, then its alternatives, in the order in which they were given."""

    items: tuple[Estimate, ...]
    next: str | None = None


class Event(Answer):
    """Something that happened to an execution; ``id`` grows over the whole deployment."""

    id: int
    execution_id: int
    at: Moment
    kind: str
    data: dict[str, Any]


class Place(Answer):
    """A place in a stream of events, to resume after."""

    event_id: int


class Parameter(Answer):
    """A parameter of a ZApp of the gallery; ``alias`` is what may be typed instead of ``name``."""

    name: str
    alias: str | None = None
    label: str
    description: str = ""
    kind: str
    type: str
    default: str | int | float | bool | None = None
    min: int | float | None = None
    max: int | float | None = None
    step: int | float | None = None


class ZAppSummary(Answer):
    """A card of the gallery. ``missing`` says what must be installed before it can be launched."""

    slug: str
    name: str
    category: str
    description: str = ""
    url: str
    available: bool = True
    missing: tuple[str, ...] = ()


class ZAppDetail(ZAppSummary):
    """A card with all that is needed to launch it; ``readme`` is Markdown."""

    readme: str = ""
    parameters: tuple[Parameter, ...] = ()
    zapp: dict[str, Any] = Field(default_factory=dict)


class ZAppList(Answer):
    """The gallery, as far as the caller may launch it."""

    items: tuple[ZAppSummary, ...]
    next: str | None = None


class ValidationRequest(Request):
    """A description that its author wants to have checked."""

    description: dict[str, Any]


class Validation(Answer):
    """What is wrong with a description, and what is only odd (fields that version 3 ignores)."""

    valid: bool
    problems: tuple[FieldProblem, ...] = ()
    warnings: tuple[FieldProblem, ...] = ()


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


class Node(Answer):
    """A node as it was last seen; ``reserved`` is what live instances hold of its ``capacity``.

    ``draining``: nothing new is started there. ``pressured``: it runs short of memory, so that no
    elastic instance is started there. ``devices`` are the ids of its GPUs.
    """

    name: str
    online: bool
    draining: bool
    pressured: bool = False
    labels: tuple[str, ...]
    devices: tuple[str, ...] = ()
    capacity: Resources
    reserved: Resources


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


class Discovery(Answer):
    """Where the running instances of a service are reached, for scripts inside instances."""

    execution_id: int
    service: str
    dns_names: tuple[str, ...]
