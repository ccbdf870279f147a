"""What the hub asks of the master, the answers, and what the master publishes.

A message's kind is its class name. Every request is a read or a hint (``Wake``: the record is in
the database), so one that is lost, late or doubled changes nothing, and whoever doubts asks again.
``ReadLog`` has a socket of its own, so that readers of logs take nothing from the other requests.
"""

from __future__ import annotations

from typing import Any, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from zoe_core.amount import Amount
from zoe_core.explanation import Explanation
from zoe_core.protocol.envelope import Envelope, MalformedEnvelope

OWN_ADDRESS = "{dns_name#self}"
"""Stands in launch secrets for the address of the instance, which only the master knows."""

MAX_LOG_CHUNK = 64 * 1024
"""Bytes of log in one answer, at most. Who asks has room for them: a request is the credit."""

BEAT_EVERY = 1.0
"""Seconds between two beats of the master, when it has nothing else to say."""

AWAY_AFTER = 5.0
"""Seconds without a sign of life after which the master is taken to be away, on the wire and in the
database alike: a few beats, so that a machine that is busy for a moment alarms nobody."""

ESTIMATE_WITHIN = 10.0
"""Seconds within which ``Estimate`` is answered, at least with a ``Failure``."""

EXAMINE_WITHIN = 15.0
"""Seconds within which ``Examine`` is answered: engines that are busy take their time."""

MAX_CANDIDATES = 8
"""Alternatives in one ``Estimate``, at most."""


class Message(BaseModel):
    """Base of all messages: immutable, and closed, so that a misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def envelope(self, message_id: str, blob: bytes = b"") -> Envelope:
        """Wrap it for the wire."""
        return Envelope(message_id, type(self).__name__, self.model_dump_json().encode(), blob)


class Wake(Message):
    """Look into the database: something was submitted or wished for. Answered by ``Pong``."""


class Ping(Message):
    """Are you there? Answered by ``Pong``."""


class Pong(Message):
    """The acting master's epoch."""

    epoch: int


class Queue(Message):
    """The requests that wait, in the order of the decision. Answered by ``QueueReply``.

    Reasons are told of the first hundred; ``Explain`` tells those of the others.
    """


class Explain(Message):
    """Why do these executions wait? Answered by ``QueueReply`` with those that do."""

    execution_ids: tuple[int, ...]


class ExpectedStart(Message):
    """When it will probably start, and the range: the latest that was foreseen.

    ``high`` None: nobody can tell how late it may become.
    """

    low: AwareDatetime
    mid: AwareDatetime
    high: AwareDatetime | None


class QueueEntry(Message):
    """One waiting request and why it waits; ``expected`` None: nobody can tell when it starts."""

    execution_id: int
    user: str
    name: str
    explanation: Explanation
    expected: ExpectedStart | None = None


class PredictionError(Message):
    """How good the first predictions were of the last ``count`` executions that started.

    ``median`` is in seconds, of the distance either way; ``within`` is the share, from 0 to 1, that
    started in the range they were told.
    """

    count: int
    median: float
    within: float


class QueueReply(Message):
    """Answer to ``Queue`` and ``Explain``; no ``error``: nothing that was predicted has started."""

    entries: tuple[QueueEntry, ...]
    error: PredictionError | None = None


class Estimate(Message):
    """When would these ZApps start, each by itself, if this user submitted it now?

    ``descriptions`` have their parameters applied. Answered by ``EstimateReply`` within
    ``ESTIMATE_WITHIN``, or by ``Failure`` when the scheduler is too busy.
    """

    user: str
    groups: tuple[str, ...] = ()
    descriptions: tuple[dict[str, Any], ...] = Field(min_length=1, max_length=MAX_CANDIDATES)


class Estimated(Message):
    """Seconds from now to the start, with a range; None: nobody can tell. In words: ``sentence``.

    ``high`` alone may be None: nobody can tell how late it may become.
    """

    low: float | None
    mid: float | None
    high: float | None
    sentence: str


class EstimateReply(Message):
    """One estimate for each of the descriptions, in their order."""

    estimates: tuple[Estimated, ...]


class Examine(Message):
    """What is there on the nodes that an administrator should know of? Answered by ``Examined``."""


class Oddity(Message):
    """Something that an administrator should know of, on ``node``, or everywhere (None).

    ``what`` names it, ``why`` says why it is told, and ``remedy`` what to type, if there is
    anything to be done. ``serious``: all is well only without it. ``instance`` is its identity if
    it is one: execution, name and attempt.
    """

    what: str
    node: str | None
    why: str
    serious: bool
    since: AwareDatetime | None = None
    remedy: str | None = None
    instance: tuple[int, str, int] | None = None


class Examined(Message):
    """Answer to ``Examine``; ``nodes`` is how many of them answered."""

    oddities: tuple[Oddity, ...]
    nodes: int


class Use(Message):
    """What do the instances of an execution use? Answered by ``UseReply``.

    For a while after it they are measured more often. ``newest``: only the newest measurement of
    those that run, without what they have reserved.
    """

    execution_id: int = Field(ge=1)
    newest: bool = False


class InstanceUse(Message):
    """What one attempt has used: samples as columns of equal lengths, the oldest first.

    ``at`` is in seconds since 1970. ``memory``: the most in bytes, and ``cores``: the mean, since
    the sample before. ``memory_limit`` is in bytes, None where nothing limits it.
    """

    instance: str
    attempt: int
    reserved: Amount | None = None
    memory_limit: int | None = None
    at: tuple[float, ...]
    memory: tuple[int, ...]
    cores: tuple[float, ...]


class UseReply(Message):
    """Answer to ``Use``, by service and index; nothing of an execution that has ended."""

    items: tuple[InstanceUse, ...]


class NodesUse(Message):
    """What do the instances on each node use? Answered by ``NodesUseReply``."""


class NodeUse(Message):
    """What the instances on a node were last seen to use: memory in bytes, and cores."""

    node: str
    memory: int
    cores: float


class NodesUseReply(Message):
    """Answer to ``NodesUse``: the nodes that are online, without those of which it is not known."""

    items: tuple[NodeUse, ...]


class Figures(Message):
    """What has the scheduler counted? Answered by ``FiguresReply``."""


class FiguresReply(Message):
    """Answer to ``Figures``: the blob is the text format of Prometheus, in UTF-8."""


class ReadLog(Message):
    """Bytes of an instance's log. Answered by ``LogChunk``, the bytes in the blob.

    When there are none past ``offset`` the answer may take up to ``wait`` seconds, so that whoever
    follows a log gets new lines at once without asking all the time. ``service`` is its DNS label:
    it becomes part of a path.
    """

    execution_id: int
    service: str = Field(pattern=r"^[a-z0-9-]+$")
    index: int = Field(ge=0)
    attempt: int = Field(ge=1)
    offset: int = Field(ge=0)
    limit: int = Field(default=MAX_LOG_CHUNK, ge=1, le=MAX_LOG_CHUNK)
    wait: float = Field(default=0, ge=0, le=30)


class LogChunk(Message):
    """``offset`` of the blob's first byte, ``size`` of the log so far, both in bytes.

    ``finished``: the instance has ended and there is nothing after this chunk.
    """

    offset: int
    size: int
    finished: bool


class Beat(Message):
    """Published every second and at each new event: the master of this epoch is there.

    Events up to ``newest_event`` are in the database; 0 when it has not written any yet.
    """

    epoch: int
    newest_event: int


class Failure(Message):
    """The request could not be answered; ``reason`` is for people."""

    reason: str


Request = Wake | Ping | Queue | Explain | Estimate | Examine | Use | NodesUse | Figures | ReadLog
_REQUESTS: dict[str, type[Request]] = {each.__name__: each for each in get_args(Request)}


def parse_request(envelope: Envelope) -> Request:
    """Read a request; raises MalformedEnvelope when its kind or body is not known."""
    kind = _REQUESTS.get(envelope.kind)
    if kind is None:
        raise MalformedEnvelope(f"unknown request {envelope.kind!r}")
    try:
        return kind.model_validate_json(envelope.body)
    except ValidationError as error:
        raise MalformedEnvelope(
            f"malformed {envelope.kind}: {error.error_count()} errors"
        ) from error
