"""Requests as the hub stores them."""

from typing import Any

from tests.support.builders import START, service, zapp
from zoe_core.zapp import ZApp, zapp_document
from zoe_store import submissions
from zoe_store.database import Database
from zoe_store.submissions import NewExecution


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


def submit(database: Database, description: ZApp | None = None, **fields: Any) -> int:
    """Store such a request; returns the execution's id."""
    record, _ = submissions.submit(database, request(description, **fields), START)
    return record.id
