"""Asking the Hub again about whoever keeps something open: a stream, a log, a websocket.

A single request is checked when it comes. What stays open is checked again and again, so that a
token that was revoked, a logout, or a role that was taken away ends it within ten seconds.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from hashlib import sha256
from typing import Any

from jupyterhub.services.auth import HubAuth
from tornado.web import HTTPError

from zoe_hub.portal.auth import PortalHandler, Visitor

EVERY = 8.0
"""Seconds between two questions about one visitor, at most: the answer is to count within ten."""

FIRST = 5.0
"""Seconds until the first of them, at most: an old answer may have let the visitor in."""

TOGETHER = 1.0
"""Seconds for which an answer also counts for what else the same visitor has open."""

Model = dict[str, Any] | None
Login = tuple[str, str]
"""A token, and the id of the browser's session that it belongs to, which may be empty."""

Ask = Callable[[Login], Awaitable[Model]]


def asking_anew(hub_auth: HubAuth) -> Ask:
    """Ask the Hub, whatever it said before.

    Its answer counts for single requests too: who has a stream open costs the Hub nothing more.
    """

    async def ask(login: Login) -> Model:
        token, session_id = login
        model: Model = await hub_auth.user_for_token(
            token, use_cache=False, session_id=session_id, sync=False
        )
        # The key is the one that ``user_for_token`` itself looks for.
        digest = sha256(token.encode("utf8", "replace")).hexdigest()
        hub_auth.cache[f"token:{session_id}:{digest}"] = model
        return model

    return ask


class Reviews:
    """The questions of one portal; those about one login at about the same time are one."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._asked: dict[Login, tuple[float, asyncio.Future[Model]]] = {}

    async def model(self, login: Login) -> Model:
        """The Hub's model of whose login it is, now; None when it is nobody's any more."""
        now = time.monotonic()
        self._asked = {key: each for key, each in self._asked.items() if now - each[0] < TOGETHER}
        if login not in self._asked:
            self._asked[login] = (now, asyncio.ensure_future(self._ask(login)))
        return await asyncio.shield(self._asked[login][1])


async def until_revoked(handler: PortalHandler, reviews: Reviews) -> None:
    """Return once the visitor of ``handler`` may not go on with it.

    While the Hub does not answer nobody can know: then it goes on.
    """
    token = handler.hub_token()
    assert token is not None  # or she had not been let in
    login = (token, handler.hub_auth.get_session_id(handler))
    for pause in pauses():
        await asyncio.sleep(pause)
        try:
            model = await reviews.model(login)
        except (HTTPError, OSError):
            continue
        if model is None or not handler.may_go_on(Visitor.from_model(model)):
            return


def pauses() -> Iterator[float]:
    """Seconds before each question, spread: after a restart all who look come back at once."""
    yield FIRST * random.uniform(0, 1)
    yield EVERY * random.uniform(0, 1)
    while True:
        yield EVERY * random.uniform(0.9, 1)
