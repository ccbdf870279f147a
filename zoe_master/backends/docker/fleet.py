"""All engines of a back-end: asks them at once, as one may take its time to answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from zoe_master.backends.base import BackendError, Retry
from zoe_master.backends.docker.engine import Engine, Log

_S = TypeVar("_S")
_T = TypeVar("_T")


class Fleet:
    """The engines, and threads to speak to them."""

    def __init__(self, engines: Sequence[Engine], log: Log) -> None:
        self._engines, self._log = engines, log
        # As many as ask at once without waiting for each other.
        self._pool = ThreadPoolExecutor(2 * len(engines) + 8, "zoe-docker")

    def each(self, ask: Callable[[Engine], _T]) -> list[_T]:
        """The answer of each engine, in their order. Raises what ``ask`` raises."""
        return list(self._pool.map(ask, self._engines))

    def found(self, ask: Callable[[Engine], Iterable[_T]]) -> list[_T]:
        """What there is on all engines; nothing is known of one that does not answer."""

        def one(engine: Engine) -> Iterable[_T]:
            try:
                return ask(engine)
            except BackendError as error:
                self._log.debug("Nobody knows what is on %s: %s", engine.name, error)
                return ()

        return [each for found in self.each(one) for each in found]

    def answers(
        self, ask: Callable[[Engine], _T], engines: Sequence[Engine] | None = None
    ) -> list[tuple[Engine, _T]]:
        """Those of the engines, or of some, that are not away. Raises BackendError."""

        def one(engine: Engine) -> list[tuple[Engine, _T]]:
            try:
                return [(engine, ask(engine))]
            except Retry:
                if engine.away_for:
                    return []
                raise

        asked = self._engines if engines is None else engines
        return [answer for each in self.at_once(one, asked) for answer in each]

    def at_once(self, act: Callable[[_S], _T], things: Sequence[_S]) -> list[_T]:
        """Act on all of them. Raises what ``act`` raises."""
        return list(self._pool.map(act, things) if len(things) > 1 else map(act, things))

    def close(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
