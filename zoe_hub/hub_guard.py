"""What JupyterHub does while its own database is away: it says so, and goes on afterwards.

By itself it takes everybody for a stranger then: scripts get 403, browsers the login page, and the
portal believes it. And a transaction that broke off in the middle stays broken in the session that
all its handlers share. So each request first makes sure that the session can be used. Nor does it
end when it is told to while its database is away: the clean-up fails, and it goes on. And a service
that ends meanwhile would never be started again: it tries that only once.

And while it is busy: it interrupts a server that still spawns when somebody stops it, and gives
that a second. When many do, a second is too short: the answer is 500, and nothing ends the
execution. When two stop the same one, the second of them would get 500 too.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.services.service import Service
from sqlalchemy import text
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
    PendingRollbackError,
    SQLAlchemyError,
)
from sqlalchemy.orm import Session
from tornado.web import HTTPError

_SLOW = 1.0  # seconds; an answer or an error that takes longer holds all of the Hub up
_LEAVE_ALONE = 5.0  # seconds without another try after a slow failure
_TRY_AGAIN = 1.0  # seconds between two tries of somebody who waits
_AT_THE_END = 10  # tries of the Hub that ends
_RETRY_AFTER = "5"  # seconds
_INTERRUPTED = 60.0  # seconds for a spawn that was interrupted to end
_GUARD = "zoe_guard"  # in `Session.info`


class HubDatabaseAway(HTTPError):
    """503, with the headers that let scripts and browsers come back by themselves."""

    def __init__(self) -> None:
        super().__init__(503, "The database of JupyterHub does not answer. What runs goes on.")
        self.headers = {"Retry-After": _RETRY_AFTER, "Refresh": _RETRY_AFTER}


class SessionGuard:
    """Knows whether the Hub's session can be used; asked on the Hub's event loop, which waits."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._not_before = 0.0  # by time.monotonic()

    @classmethod
    def of(cls, session: Session) -> SessionGuard:
        """The one guard of this session."""
        guard: SessionGuard = session.info.setdefault(_GUARD, cls(session))
        return guard

    def make_ready(self) -> bool:
        """Whether the database answers, after rolling back what is broken in the session."""
        if time.monotonic() < self._not_before:
            return False
        return self._answers() or self._answers()

    async def until_ready(self) -> None:
        """Return when the database answers; to be awaited before the session is used again.

        For what has waited for long: no request may have made the session ready meanwhile.
        """
        while not self.make_ready():  # noqa: ASYNC110 -- nothing tells when it is back
            await asyncio.sleep(_TRY_AGAIN)

    def _answers(self) -> bool:
        started = time.monotonic()
        if started < self._not_before:
            return False
        try:
            self._session.execute(text("SELECT 1"))
        except SQLAlchemyError:
            self._session.rollback()
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
    _guard_handlers()
    _guard_stops()
    _guard_services()
    _guard_end(hub)


def _guard_end(hub: Any) -> None:
    stock_cleanup = hub.cleanup

    async def cleanup() -> None:
        for _ in range(_AT_THE_END):
            if SessionGuard.of(hub.db).make_ready():
                break
            await asyncio.sleep(_TRY_AGAIN)
        try:
            await stock_cleanup()
        except SQLAlchemyError as error:
            # What it started ends with its process: see zoe_store.processes.
            hub.log.error("The Hub ends without its database: %s", error)

    hub.cleanup = cleanup


def _guard_services() -> None:
    stock_start = Service.start

    async def start(self: Any) -> None:
        while True:
            await SessionGuard.of(self.db).until_ready()
            try:
                await stock_start(self)
                return
            except SQLAlchemyError as error:
                self.log.warning("Starting service %r again: %s", self.name, error)
            await asyncio.sleep(_TRY_AGAIN)

    Service.start = start


def _guard_handlers() -> None:
    stock_prepare, stock_send_error = BaseHandler.prepare, BaseHandler.send_error
    stock_get_user = BaseHandler.get_current_user

    async def prepare(self: Any) -> None:
        self.zoe_user_unknown = False
        if not SessionGuard.of(self.db).make_ready():
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
        if status_code == 500 and _is_away(error):
            self.db.rollback()  # by itself JupyterHub would have done so
            away = HubDatabaseAway()
            status_code, kwargs["exc_info"] = 503, (HubDatabaseAway, away, error.__traceback__)
        stock_send_error(self, status_code, **kwargs)

    BaseHandler.prepare = prepare
    BaseHandler.get_current_user = get_current_user
    BaseHandler.send_error = send_error


def _guard_stops() -> None:
    stock_stop = BaseHandler.stop_single_user

    async def stop_single_user(self: Any, user: Any, server_name: str = "") -> Any:
        if server_name in user.spawners:
            spawner = user.spawners[server_name]
            spawning = spawner._spawn_future
            if isinstance(spawning, asyncio.Task) and spawning.cancelling():
                await asyncio.wait({spawning}, timeout=_INTERRUPTED)
            if spawner.pending == "stop" and getattr(spawner, "_stop_future", None) is not None:
                return spawner._stop_future  # somebody else waited too, and was first
        return await stock_stop(self, user, server_name)

    BaseHandler.stop_single_user = stop_single_user


def _is_away(error: Any) -> bool:
    """Whether it is no mistake of ours; Postgres has many names for why it ends a connection."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(error, (InterfaceError, OperationalError, PendingRollbackError))
