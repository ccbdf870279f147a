"""How a visitor gets from the portal to the host of an execution: tickets and visits.

A browser sends the portal's cookie to the portal alone. So whoever comes to an execution's host is
sent to the portal, which knows her, and back with a ticket; the host changes that for a cookie of
its own. A ticket is good for half a minute, once, for one execution, and for the browser that was
sent: it names the (hashed) value of a cookie that this browser got before.

What tickets and cookies stand for stays in the memory of this process: they are random numbers, and
lead to the token about which the Hub is asked. After a restart everybody is handed over again.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from zoe_hub.refusal import Refused

TICKET_LIFE = 30.0
"""Seconds from the portal to the host of the execution."""

VISIT_LIFE = 24 * 3600.0
"""Seconds after which a visitor is handed over again."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """``path`` is where on the host she wanted to go; ``browser`` is what `browser_mark` said."""

    token: str
    execution_id: int
    browser: str
    path: str
    ends: float


@dataclass(frozen=True, slots=True)
class Visit:
    """The Hub's token of somebody who is on the host of an execution."""

    token: str
    execution_id: int
    ends: float


class Handovers:
    """The tickets and visits of one portal; ``clock`` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tickets: dict[str, Ticket] = {}
        self._visits: dict[str, Visit] = {}

    def ticket(self, token: str, execution_id: int, browser: str, path: str) -> str:
        """A new ticket for whoever has ``token``."""
        now = self._clock()
        self._tickets = {key: each for key, each in self._tickets.items() if each.ends > now}
        key = secrets.token_urlsafe(32)
        self._tickets[key] = Ticket(token, execution_id, browser, path, now + TICKET_LIFE)
        return key

    def redeem(self, key: str, execution_id: int, secret: str) -> tuple[str, str]:
        """The key of the visit that a ticket stands for, and where it goes.

        ``secret`` is the cookie of the browser that was sent. Raises Refused (403).
        """
        found = self._tickets.pop(key, None)
        if (
            found is None
            or found.ends <= self._clock()
            or found.execution_id != execution_id
            or not secrets.compare_digest(found.browser, browser_mark(secret))
        ):
            raise Refused(
                403,
                "This way in is closed",
                "It was good once, for a moment, and for one browser. Open the page from the "
                "portal again.",
            )
        return self._visit(found), found.path

    def token_of(self, key: str, execution_id: int) -> str | None:
        """The token of a visitor of this execution; None when it is nobody's visit."""
        found = self._visits.get(key)
        if found is None or found.ends <= self._clock() or found.execution_id != execution_id:
            return None
        return found.token

    def _visit(self, ticket: Ticket) -> str:
        """A visit: the same one as before, when she was here with the same login."""
        now = self._clock()
        self._visits = {key: each for key, each in self._visits.items() if each.ends > now}
        visit = Visit(ticket.token, ticket.execution_id, now + VISIT_LIFE)
        for key, each in self._visits.items():
            if (each.token, each.execution_id) == (visit.token, visit.execution_id):
                self._visits[key] = visit
                return key
        key = secrets.token_urlsafe(32)
        self._visits[key] = visit
        return key


def browser_mark(secret: str) -> str:
    """What the portal is told of a browser's cookie: enough to know it again."""
    return hashlib.sha256(secret.encode()).hexdigest()
