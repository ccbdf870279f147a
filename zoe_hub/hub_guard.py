"""What JupyterHub does while its own database is away: it says so, and goes on afterwards.

By itself it takes everybody for a stranger then: scripts get 403, browsers the login page, and the
portal believes it. And a transaction that broke off in the middle stays broken in the session that
all its handlers share. So each request first makes sure that the session can be used. Nor does it
end when it is told to while its database is away: the clean-up fails, and it goes on. And a service
that ends meanwhile would never be started again: it tries that only once.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.services.service import Service
from sqlalchemy import text
from sqlalchemy.exc import InterfaceError, OperationalError, PendingRollbackError, SQLAlchemyError
from sqlalchemy.orm import Session
from tornado.web import HTTPError

_SLOW = 1.0  # seconds; an answer or an error that takes longer holds all of the Hub up
_LEAVE_ALONE = 5.0  # seconds without another try after a slow failure
_AT_THE_END = 10  # seconds that the end of the Hub waits for the database
_RETRY_AFTER = "5"  # seconds
_AWAY = (InterfaceError, OperationalError, PendingRollbackError)


class HubDatabaseAway(HTTPError):
    """503, with the headers that let scripts and browsers come back by themselves."""

    def __init__(self) -> None:
        super().__init__(503, "The database of JupyterHub does not answer. What runs goes on.")
        self.headers = {"Retry-After": _RETRY_AFTER, "Refresh": _RETRY_AFTER}


class SessionGuard:
    """Knows whether the Hub's session can be used; asked on the Hub's event loop, which waits."""

    def __init__(self) -> None:
        self._not_before = 0.0  # by time.monotonic()

    def make_ready(self, session: Session) -> bool:
        """Whether the database answers, after rolling back what is broken in the session."""
        if time.monotonic() < self._not_before:
            return False
        return self._answers(session) or self._answers(session)

    def _answers(self, session: Session) -> bool:
        started = time.monotonic()
        if started < self._not_before:
            return False
        try:
            session.execute(text("SELECT 1"))
        except SQLAlchemyError:
            session.rollback()
            now = time.monotonic()
            if now - started > _SLOW:
                self._not_before = now + _LEAVE_ALONE
            return False
        return True


def guard_hub(hub: Any) -> None:
    """Let handlers answer 503 while the database of `hub` is away, and let `hub` end all the same.

    Its services start when the database is there. JupyterHub has no setting for any of this: it
    replaces methods of its handlers, its services and of `hub`.
    """
    guard = SessionGuard()
    _guard_handlers(guard)
    _guard_services(guard)
    _guard_end(guard, hub)


def _guard_end(guard: SessionGuard, hub: Any) -> None:
    stock_cleanup = hub.cleanup

    async def cleanup() -> None:
        for _ in range(_AT_THE_END):
            if guard.make_ready(hub.db):
                break
            await asyncio.sleep(1)
        try:
            await stock_cleanup()
        except SQLAlchemyError as error:
            # What it started ends with its process: see zoe_store.processes.
            hub.log.error("The Hub ends without its database: %s", error)

    hub.cleanup = cleanup


def _guard_services(guard: SessionGuard) -> None:
    stock_start = Service.start

    async def start(self: Any) -> None:
        while True:
            if guard.make_ready(self.db):
                try:
                    await stock_start(self)
                    return
                except SQLAlchemyError as error:
                    self.log.warning("Starting service %r again: %s", self.name, error)
            await asyncio.sleep(1)

    Service.start = start


def _guard_handlers(guard: SessionGuard) -> None:
    stock_prepare, stock_send_error = BaseHandler.prepare, BaseHandler.send_error
    stock_get_user = BaseHandler.get_current_user

    async def prepare(self: Any) -> None:
        self.zoe_user_unknown = False
        if not guard.make_ready(self.db):
            raise HubDatabaseAway
        try:
            await stock_prepare(self)
        finally:
            if self.zoe_user_unknown:
                raise HubDatabaseAway

    async def get_current_user(self: Any) -> Any:
        try:
            return await stock_get_user(self)
        except SQLAlchemyError:  # the stock `prepare` would go on with a stranger
            self.zoe_user_unknown = True
            raise

    def send_error(self: Any, status_code: int = 500, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        away = status_code == 500 and isinstance(error, _AWAY)
        stock_send_error(self, 503 if away else status_code, **kwargs)

    BaseHandler.prepare = prepare
    BaseHandler.get_current_user = get_current_user
    BaseHandler.send_error = send_error
