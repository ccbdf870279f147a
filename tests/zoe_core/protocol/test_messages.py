"""The messages, there and back."""

import pytest
from pydantic import ValidationError

from tests.support.builders import START, after
from zoe_core.amount import Amount
from zoe_core.explanation import Explanation
from zoe_core.protocol import (
    MAX_CANDIDATES,
    MAX_LOG_CHUNK,
    Beat,
    Envelope,
    Estimate,
    Estimated,
    EstimateReply,
    Examine,
    Examined,
    ExpectedStart,
    Explain,
    Failure,
    Figures,
    FiguresReply,
    InstanceUse,
    LogChunk,
    MalformedEnvelope,
    NodesUse,
    NodesUseReply,
    NodeUse,
    Oddity,
    Ping,
    Pong,
    PredictionError,
    Queue,
    QueueEntry,
    QueueReply,
    ReadLog,
    Use,
    UseReply,
    Wake,
    parse_request,
)
from zoe_core.protocol.messages import Message

LOG = ReadLog(execution_id=42, service="spark-worker", index=1, attempt=2, offset=0)
ESTIMATE = Estimate(user="alice", groups=("lab",), descriptions=({"name": "pi", "version": 4},))
REQUESTS: list[Message] = [
    Wake(),
    Ping(),
    Queue(),
    Explain(execution_ids=(42,)),
    ESTIMATE,
    Examine(),
    Use(execution_id=42, newest=True),
    NodesUse(),
    Figures(),
    LOG,
]
ENTRY = QueueEntry(
    execution_id=42,
    user="alice",
    name="Πι",
    explanation=Explanation(position=2, ahead=(41,), reasons=("It waits for its turn.",)),
    expected=ExpectedStart(low=START, mid=after(60), high=None),
)
ANSWERS: list[Message] = [
    Pong(epoch=3),
    QueueReply(entries=()),
    QueueReply(entries=(ENTRY,), error=PredictionError(count=3, median=12.5, within=0.8)),
    EstimateReply(
        estimates=(
            Estimated(low=0, mid=0, high=None, sentence="It starts at once."),
            Estimated(low=None, mid=None, high=None, sentence="Nobody can tell."),
        )
    ),
    Examined(oddities=(), nodes=1),
    Examined(
        oddities=(
            Oddity(what="a network", node=None, why="Nobody knows it.", serious=False),
            Oddity(
                what="a container",
                node="big",
                why="Nobody knows it.",
                serious=True,
                since=START,
                remedy="docker rm it",
                instance=(42, "spark-worker-1", 2),
            ),
        ),
        nodes=2,
    ),
    UseReply(
        items=(
            InstanceUse(
                instance="spark-worker-1",
                attempt=2,
                reserved=Amount(2**30, 1500, 1),
                memory_limit=2**31,
                at=(1793610000.25, 1793610005.0),
                memory=(2**29, 2**30),
                cores=(0.0, 1.25),
            ),
            InstanceUse(instance="main-0", attempt=1, at=(), memory=(), cores=()),
        )
    ),
    NodesUseReply(items=(NodeUse(node="big", memory=2**34, cores=1.25),)),
    FiguresReply(),
    LogChunk(offset=0, size=10, finished=False),
    Failure(reason="Nobody knows."),
    Beat(epoch=3, newest_event=7),
]


def kind_of(message: Message) -> str:
    return type(message).__name__


@pytest.mark.parametrize("message", [*REQUESTS, *ANSWERS], ids=kind_of)
def test_every_message_makes_the_round_trip(message: Message) -> None:
    read = Envelope.parse(message.envelope("7", b"blob").frames())
    assert (read.id, read.kind, read.blob) == ("7", kind_of(message), b"blob")
    assert type(message).model_validate_json(read.body) == message


@pytest.mark.parametrize("message", REQUESTS, ids=kind_of)
def test_requests_are_read(message: Message) -> None:
    assert parse_request(message.envelope("7")) == message


def test_every_message_is_tried_here() -> None:
    assert set(Message.__subclasses__()) == {
        *map(type, [*REQUESTS, *ANSWERS]),
        *(
            QueueEntry,
            ExpectedStart,
            PredictionError,
            Estimated,
            Oddity,
            InstanceUse,
            NodeUse,
        ),  # parts of those
    }


@pytest.mark.parametrize("answer", ANSWERS, ids=kind_of)
def test_answers_are_no_requests(answer: Message) -> None:
    with pytest.raises(MalformedEnvelope, match=f"unknown request '{kind_of(answer)}'"):
        parse_request(answer.envelope("7"))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"execution_id": "x"}'])
def test_a_malformed_body_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedEnvelope, match="malformed Explain"):
        parse_request(Envelope("7", "Explain", body))


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(MalformedEnvelope, match="malformed Ping: 1 error"):
        parse_request(Envelope("7", "Ping", b'{"loud": true}'))


@pytest.mark.parametrize("count", [0, MAX_CANDIDATES + 1])
def test_the_bounds_of_an_estimate(count: int) -> None:
    with pytest.raises(ValidationError, match="descriptions"):
        Estimate(user="alice", descriptions=({},) * count)


@pytest.mark.parametrize(
    "wrong",
    [
        {"index": -1},
        {"attempt": 0},
        {"offset": -1},
        {"limit": 0},
        {"limit": MAX_LOG_CHUNK + 1},
        {"wait": -1},
        {"wait": 31},
        {"service": ""},
        {"service": "../../etc/passwd"},
        {"service": "worker\n"},
        {"service": "Worker"},
    ],
    ids=str,
)
def test_the_bounds_of_a_log_request(wrong: dict) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        ReadLog(**(LOG.model_dump() | wrong))
