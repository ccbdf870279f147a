"""The messages between hub and master: typed, versioned, and without sockets."""

from zoe_core.protocol.envelope import PROTOCOL_VERSION, Envelope, MalformedEnvelope, WrongVersion
from zoe_core.protocol.messages import (
    MAX_LOG_CHUNK,
    OWN_ADDRESS,
    Explain,
    Failure,
    LogChunk,
    NewestEvent,
    Ping,
    Pong,
    Queue,
    QueueEntry,
    QueueReply,
    ReadLog,
    Request,
    Wake,
    parse_request,
)

__all__ = [
    "MAX_LOG_CHUNK",
    "OWN_ADDRESS",
    "PROTOCOL_VERSION",
    "Envelope",
    "Explain",
    "Failure",
    "LogChunk",
    "MalformedEnvelope",
    "NewestEvent",
    "Ping",
    "Pong",
    "Queue",
    "QueueEntry",
    "QueueReply",
    "ReadLog",
    "Request",
    "Wake",
    "WrongVersion",
    "parse_request",
]
