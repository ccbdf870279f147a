"""The base of all widgets: kept up to date in the background, while somebody sees it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Future
from copy import copy
from functools import partial
from threading import RLock
from typing import Any, TypeVar

import anyio
from ipywidgets import HTML, Button, HBox, VBox, Widget

from zoe_client._async_client import AsyncClient
from zoe_client._connection import may_pass
from zoe_client._default import default_client
from zoe_client._errors import NoConnection, Unavailable, ZoeError
from zoe_client.display._blocks import Block, Note, to_html, to_text
from zoe_client.display._style import STYLE
from zoe_client.display._words import LOST, Badge
from zoe_client.widgets._background import call_there, spawn
from zoe_client.widgets._still import Still
from zoe_client.widgets._style import WIDGET_STYLE

log = logging.getLogger(__name__)

PAUSE = 0.2
"""Seconds between two updates at least: no more than five a second, however much happens."""

LATE = 2.0
"""Seconds without an answer, after which the widget says that Zoe is lost."""

AWAY = (NoConnection, Unavailable)

Action = Callable[[], Awaitable[None] | None]
"""What is done on the client's thread, by a function or a coroutine function."""

T = TypeVar("T")


class Live(VBox):
    """A box whose content follows Zoe.

    What is shown is asked for on the client's own thread, so that the kernel stays free and a cell
    that runs stops nothing. That thread alone changes what is shown: clicks, which come on the
    kernel's, are handed over (``in_background``). While no front-end shows it any more, nothing is
    asked. Subclasses have ``follow``, which runs until there is no more to say, ``paint``, and
    ``blocks``, what is shown, for notebooks without a kernel.
    """

    _closing = True  # until it is made: a widget that could not be made is closed too

    def __init__(self, client: AsyncClient | None, parts: Iterable[Widget]) -> None:
        self._given = client or default_client().asynchronous
        self._client = self.telling("")
        self._still = Still()
        self._lock = RLock()
        self._running: Future[None] | None = None
        self._others: set[Future[Any]] = set()
        self._closing = False
        self._troubles: set[str] = set()
        self._met = False
        self._failure: Exception | None = None
        self._problem = HTML()
        self._again = Button(description="Try again", icon="refresh", layout={"display": "none"})
        self._again.on_click(lambda _: self._start())
        super().__init__(
            [
                HTML(f"<style>{STYLE}{WIDGET_STYLE}</style>"),
                *parts,
                HBox([self._problem, self._again]),
            ],
            _view_count=0,  # so that front-ends tell how often they show it
        )
        self.add_class("zoe-widget").add_class(self._still.live_class)
        self.observe(self._seen, "_view_count")

    # --- for subclasses ---

    async def follow(self) -> None:
        """Keep it up to date; called again after a pause."""
        raise NotImplementedError

    def paint(self) -> None:
        """Show what is known now."""
        raise NotImplementedError

    def blocks(self) -> Sequence[Block]:
        """What is shown now."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Show what is known now, unless it is closed."""
        if not self._closing:
            self.paint()

    def in_background(self, do: Action) -> Future[None] | None:
        """Do something besides; it is cancelled when the widget closes, and not begun after."""
        with self._lock:
            if self._closing:
                return None
            future = spawn(self._reported(do))
            self._others.add(future)
        future.add_done_callback(self._others.discard)
        return future

    def telling(self, what: str) -> AsyncClient:
        """The client, but that the widget is told when ``what`` it follows has lost Zoe."""
        client = copy(self._given)  # connections are shared
        client.on_trouble = partial(self._heard, what)
        return client

    async def patiently(self, ask: Callable[[], Awaitable[T]], what: str = "") -> T:
        """What ``ask`` returns, as soon as Zoe is there; the widget says meanwhile that it is lost.

        Raises ZoeError for all that waiting does not help against.
        """
        loop = asyncio.get_running_loop()
        late = loop.call_later(LATE, self._heard, what, "Zoe does not answer.")
        try:
            while True:
                try:
                    answer = await ask()
                except AWAY as error:
                    if not (self._met or may_pass(error)):
                        raise
                    self._heard(what, str(error))
                    await anyio.sleep(LATE)
                else:
                    self._met = True
                    return answer
        finally:
            late.cancel()
            self._heard(what, None)

    def keep_still(self) -> None:
        """Have saved notebooks show what is shown now."""
        self._still.update(*self._state())

    @property
    def badges(self) -> tuple[Badge, ...]:
        """Whether what is shown may be old."""
        return (LOST,) if self._troubles else ()

    # --- its life ---

    def _start(self) -> Future[None] | None:
        """Follow, unless it does; the future ends with it. None when it is closed."""
        with self._lock:
            if self._closing:
                return None
            if self._running is None or self._running.done():
                self._running = spawn(self._begin())
            return self._running

    async def _begin(self) -> None:
        self._failure = None
        for each in tuple(self._troubles):  # of what was followed before a pause
            self._heard(each, None)
        self._say("")
        await self._reported(self.follow, following=True)

    def _pause(self) -> None:
        with self._lock:
            if self._running is not None:
                self._running.cancel()
                self._running = None

    def close(self) -> None:
        """Stop following, and take the widget and all of its parts from the page."""
        if self._closing:
            return
        self._closing = True
        self._pause()
        call_there(self._end)

    def _end(self) -> None:
        with self._lock:
            others = tuple(self._others)
        for future in others:
            future.cancel()
        if self.comm is not None:
            self.keep_still()
            close_parts(self)
        super().close()

    def _seen(self, change: dict[str, Any]) -> None:
        if change["new"] and not change["old"]:
            self._start()
        elif change["old"] and not change["new"]:
            self._pause()

    async def _reported(self, do: Action, *, following: bool = False) -> None:
        """Do it; what goes wrong stands in the widget until something goes well."""
        try:
            done = do()
            if done is not None:
                await done
        except Exception as error:
            cause = _first(error)
            if following:
                self._failure = cause
            if not isinstance(cause, ZoeError):
                log.exception("A widget of Zoe failed")
                self._say("Something went wrong in this widget; the log has more.")
            else:
                self._say(str(cause))
        else:
            if self._failure is None:
                self._say("")

    def _say(self, problem: str) -> None:
        """Show what went wrong, or nothing; when following did, offer to begin anew."""
        self._problem.value = to_html([Note(problem, "wrong")], style=False) if problem else ""
        self._again.layout.display = "none" if self._failure is None else None

    def _heard(self, what: str, trouble: str | None) -> None:
        before = bool(self._troubles)
        (self._troubles.add if trouble else self._troubles.discard)(what)
        if bool(self._troubles) != before:
            self._given.on_trouble(trouble)
            self.refresh()

    # --- how it is displayed ---

    def _ipython_display_(self, **_: Any) -> None:
        view = {} if self._closing else super()._repr_mimebundle_() or {}
        self._still.show(*self._state(), view)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        html, text = self._state()
        view = {} if self._closing else super()._repr_mimebundle_(**kwargs) or {}
        return {**view, "text/html": html, "text/plain": text}

    def _state(self) -> tuple[str, str]:
        """What is shown, as HTML and as text."""
        blocks = call_there(self.blocks)
        return to_html(blocks), to_text(blocks)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def _first(error: Exception) -> Exception:
    """What went wrong in a group of tasks: the first of it."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def close_parts(box: Any) -> None:
    """Close all that is in a box, so that neither kernel nor front-end keeps it."""
    for child in getattr(box, "children", ()):
        if not isinstance(child, Live):  # which closes its own
            close_parts(child)
        child.close()
    for name in ("layout", "style"):
        part = getattr(box, name, None)
        if isinstance(part, Widget):
            part.close()
