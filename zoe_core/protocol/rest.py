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
from zoe_core.zapp import Changes, InstanceSize, RuntimeLimit

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
    """The newest attempt of one instance. ``exit_code`` is negative when a signal ended it.

    ``monitor``: its end is the end of the execution.
    """

    name: str
    service: str
    status: InstanceStatus
    node: str
    attempt: int
    essential: bool
    monitor: bool = False
    exit_code: int | None = None
    detail: str | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    resources: Resources


class Endpoint(Answer):
    """A port of a running instance that its owner may open.

    ``url`` is a path on the portal, or a whole address where each execution has a host of its own.
    """

    name: str
    url: str
    instance: str
    port: int


class Result(Answer):
    """A file that an execution leaves in its user's workspace: ``path`` begins at the top of that.

    ``url`` is a path on the Hub; it opens the file in the JupyterLab of whoever follows it.
    """

    name: str
    path: str
    url: str


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
    ``results`` are named once it has started; each is there as soon as the job has written it.
    ``resources`` are sizes that were chosen, by the name of the service. ``runtime_limit`` is what
    counts, in seconds from the start: the ZApp's, what it was changed to, or the quota's, which is
    ``longest_runtime``; both null without a limit. ``ends_at`` is when it will be ended, and
    ``ends_because`` of what; null while nothing will end it.
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
    results: tuple[Result, ...] = ()
    waiting: Waiting | None = None
    predicted: FirstPrediction | None = None
    resources: dict[str, InstanceSize] = Field(default_factory=dict)
    priority: Literal["low", "normal", "high"] = "normal"
    runtime_limit: int | None = None
    longest_runtime: int | None = None
    ends_at: Moment | None = None
    ends_because: Literal["runtime_limit", "idle"] | None = None


class ExecutionList(Answer):
    """One page, newest first; ``next`` is the cursor of the page that follows, or null."""

    items: tuple[Execution, ...]
    next: str | None = None


class ExecutionRequest(Request):
    """A launch: of a ZApp of the gallery by its slug, or of a description of one's own."""

    name: str | None = Field(default=None, max_length=MAX_EXECUTION_NAME)
    zapp: str | None = Field(default=None, max_length=MAX_SLUG)
    description: dict[str, Any] | None = None
    parameters: Parameters = Field(
        default_factory=dict,
        description="Values by the alias or name of a parameter of the ZApp; of a ZApp that runs a "
        "notebook also by the name of a variable of that.",
    )
    resources: Annotated[dict[str, InstanceSize], Field(max_length=100)] = Field(
        default_factory=dict,
        description="What each instance of a service is to have, by the service's name. It needs "
        "the scope custom:zoe:resources.",
    )
    runtime_limit: RuntimeLimit | None = Field(
        default=None,
        description="It is ended after this many seconds from its start, instead of what the ZApp "
        "says; within the quota.",
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> ExecutionRequest:
        if (self.zapp is None) == (self.description is None):
            raise ValueError(
                "must have either zapp, the slug of a ZApp of the gallery, or description, "
                "a ZApp of your own"
            )
        return self


class ExecutionChange(Changes):
    """What is to be other than it is: the priority and the runtime limit until the end, memory and
    cores until the start.
    """

    @model_validator(mode="after")
    def _something(self) -> ExecutionChange:
        if not self:
            raise ValueError("must have at least one of priority, runtime_limit and resources")
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
    """A parameter of a ZApp of the gallery; ``alias`` is what may be typed instead of ``name``.

    ``type`` is ``string``, ``int``, ``float``, ``bool`` or ``object``. One of the type ``object``
    takes a notebook's variables, as text: lines ``month = 5`` or a JSON object. A ZApp that has one
    takes any other name as one more variable. ``file``, such as ``.py``: the value may be the path
    of a file of the workspace whose name ends so; the first of these is the program that is run.
    """

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
    file: str | None = None


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


class Discovery(Answer):
    """Where the running instances of a service are reached, for scripts inside instances."""

    execution_id: int
    service: str
    dns_names: tuple[str, ...]
