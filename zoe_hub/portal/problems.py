"""From whatever went wrong to one problem document (RFC 9457), without internals."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from http import HTTPStatus
from uuid import uuid4

from tornado.web import HTTPError

from zoe_core.protocol.rest import FieldProblem, ProblemDocument
from zoe_hub.link import MasterAway
from zoe_hub.refusal import Refused
from zoe_store.database import DatabaseAway, DatabaseBusy, DatabaseFull

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER = 5
"""Seconds after which a caller may try again when a part of Zoe is away."""

_ROOM_AFTER = 30
"""The same when somebody has to make room on a disk."""

log = logging.getLogger(__name__)


class HubAway(Exception):
    """JupyterHub's own API does not answer, or answers with a fault of its own."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A problem to send; ``retry_after`` is in seconds."""

    document: ProblemDocument
    retry_after: int | None = None


def explain_failure(error: BaseException | None, status: int, where: str) -> Failure:
    """Say what ``error`` means to the caller; what nobody foresaw is logged with an incident id.

    ``where`` is the method and path, for the log.
    """
    if isinstance(error, Refused):
        return Failure(_of_refusal(error))
    if isinstance(error, DatabaseAway):
        return _of_database(error, where)
    if isinstance(error, MasterAway):
        log.warning("%s: %s", where, error)
        return _away(f"Not now: {error}. What was launched is kept and goes on.")
    if isinstance(error, HubAway):
        return _of_hub(error, where)
    if isinstance(error, HTTPError) and error.status_code < 500:
        return Failure(_of_status(error.status_code, error.log_message))
    if error is None and status < 500:
        return Failure(_of_status(status, None))
    if error is None:  # so Tornado says that the request was cancelled: this process ends
        return _away("The portal is being restarted. What was stored is safe.")
    return Failure(_of_incident(error, where))


def _of_database(error: DatabaseAway, where: str) -> Failure:
    """Nobody can say here whether a write that broke off was stored: so nothing is said of it."""
    if isinstance(error, DatabaseFull):
        log.error("%s: THE DISK OF THE DATABASE IS FULL, make room: %s", where, error)
        return _away(
            "The database's disk is full: nothing can be stored until the administrator makes "
            "room. What was stored before is safe, and what runs goes on.",
            _ROOM_AFTER,
        )
    log.warning("%s: the database is away: %s", where, error)
    if isinstance(error, DatabaseBusy):
        return _away("The database has too much to do. What was stored is safe.")
    return _away("The database does not answer. What was stored is safe.")


def _of_hub(error: HubAway, where: str) -> Failure:
    """It may have been asked for a server, and may have heard it."""
    log.warning("%s: JupyterHub does not answer: %s", where, error)
    return _away(
        "JupyterHub does not answer. What was stored is safe, and a server that was being "
        "launched may still start."
    )


def _of_refusal(refused: Refused) -> ProblemDocument:
    return ProblemDocument(
        title=refused.title,
        status=refused.status,
        detail=refused.detail,
        field=refused.field,
        problems=tuple(
            FieldProblem(field=each.field, message=each.message) for each in refused.problems
        ),
    )


def _away(detail: str, retry_after: int = RETRY_AFTER) -> Failure:
    document = ProblemDocument(title="A part of Zoe is away", status=503, detail=detail)
    return Failure(document, retry_after)


_DETAILS = {
    404: "There is nothing at this address.",
    405: "This address does not know that method.",
}


def _of_status(status: int, message: str | None) -> ProblemDocument:
    title = HTTPStatus(status).phrase
    detail = message or _DETAILS.get(status, f"{title}.")
    return ProblemDocument(title=title, status=status, detail=detail)


def _of_incident(error: BaseException | None, where: str) -> ProblemDocument:
    incident = uuid4().hex[:12]
    log.error("%s: incident %s", where, incident, exc_info=error)
    return ProblemDocument(
        title="Zoe made a mistake",
        status=500,
        detail=f"This is not your fault. Tell the administrator: incident {incident}.",
        incident=incident,
    )
