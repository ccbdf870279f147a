"""Requests as the hub stores them."""

from datetime import datetime
from typing import Any

from tests.support.builders import START, service, zapp
from zoe_core.zapp import ZApp, zapp_document
from zoe_store.database import Database
from zoe_store.submissions import NewExecution, Submitted, submit_all


def request(description: ZApp | None = None, **fields: Any) -> NewExecution:
    """A request of alice; fields of ``NewExecution`` may be given."""
    defaults = {
        "user": "alice",
        "name": "test",
        "zapp": None,
        "description": zapp_document(description or zapp(service())),
        "parameters": {},
    }
    return NewExecution(**(defaults | fields))


def store(database: Database, new: NewExecution, now: datetime) -> Submitted:
    """Store one request; raises what it is refused for."""
    (answer,) = submit_all(database, [new], now)
    if isinstance(answer, Exception):
        raise answer
    return answer


def submit(database: Database, description: ZApp | None = None, **fields: Any) -> int:
    """Store such a request; returns the execution's id."""
    record, _ = store(database, request(description, **fields), START)
    return record.id
