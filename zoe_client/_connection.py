"""Requests to Zoe's REST interface: sent again when that helps, answers read as documents."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import count
from math import isfinite
from typing import Any, TypeVar

import anyio
import httpx
from pydantic import BaseModel, ValidationError

from zoe_client._errors import InvalidRequest, NoConnection, NotFound, Unavailable, error_of
from zoe_client._settings import Settings
from zoe_core.protocol.rest import FieldProblem, ProblemDocument

A = TypeVar("A", bound=BaseModel)

TIMEOUT = 30.0
"""Seconds that Zoe may take to answer."""

PAUSES = (0.2, 0.6, 1.2, 2.5, 5.0, 5.0, 5.0, 5.0, 5.0)
"""Seconds before a request is sent again that could not be answered just now; longer ones when the
answer asks for it.
"""

PATIENCE = 30.0
"""Seconds for which it is sent again: a portal that is restarted is back by then."""

DOUBT = 4.0
"""The same where nothing has ever answered: the address may be wrong."""


class Unreadable(NoConnection):
    """A document came that is not as this client knows it: it may be of another version."""


class Connection:
    """To one Zoe, with one token. ``transport`` replaces the network, as httpx does it."""

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport | None) -> None:
        self.url = settings.url
        self._settings, self._transport = settings, transport
        self._answered = False
        self._client: httpx.AsyncClient | None = None
        self._process = os.getpid()

    @property
    def _http(self) -> httpx.AsyncClient:
        """Of this process: after a fork the connections from before are the parent's."""
        if self._client is None or self._process != os.getpid():
            self._process = os.getpid()
            self._client = httpx.AsyncClient(
                base_url=f"{self.url}api/v1",
                headers={"Authorization": f"token {self._settings.token}"},
                timeout=TIMEOUT,
                transport=self._transport,
            )
        return self._client

    @property
    def patience(self) -> float:
        """Seconds for which what has failed is worth another try."""
        return PATIENCE if self._answered else DOUBT

    async def get(self, path: str, model: type[A], query: Mapping[str, Any] | None = None) -> A:
        """Ask for a document."""
        return read(await self.send("GET", path, params=query), model)

    async def send(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        """Send a request until it is answered, a few times: it must do no harm to repeat it.

        Raises ZoeError.
        """
        began = anyio.current_time()
        for tried in count():
            try:
                return await self._send(method, path, **kwargs)
            except (NoConnection, Unavailable) as error:
                await self._wait(error, tried, began)
        raise AssertionError("it counts for ever")

    async def remove(
        self,
        path: str,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Have something removed; what is no more there when asked again was removed at first.

        Raises ZoeError.
        """
        began = anyio.current_time()
        try:
            await self._send("DELETE", path, params=query, headers=headers)
        except (NoConnection, Unavailable) as error:
            await self._wait(error, 0, began)
            with suppress(NotFound):
                await self.send("DELETE", path, params=query, headers=headers)

    @asynccontextmanager
    async def stream(
        self,
        path: str,
        query: Mapping[str, Any],
        silence: float,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """An answer that is read while it grows; ``silence``: seconds that it may say nothing.

        Raises ZoeError, also from within the block when the connection breaks.
        """
        timeout = httpx.Timeout(TIMEOUT, read=silence)
        try:
            async with self._http.stream(
                "GET", path, params=query, headers=headers, timeout=timeout
            ) as response:
                self._answered = True
                if not response.is_success:
                    await response.aread()
                    raise error_of(response)
                yield response
        except httpx.TransportError as error:
            raise self._no_connection(error) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _wait(self, error: NoConnection | Unavailable, tried: int, began: float) -> None:
        """Wait until another try is due; raises ``error`` when there is none."""
        left = began + self.patience - anyio.current_time()
        # One more in any case: the answer that was waited for so long may have been lost.
        if not may_pass(error) or tried == len(PAUSES) or (tried and left <= 0):
            raise error
        pause = PAUSES[tried]
        await anyio.sleep(min(max(pause, error.retry_after or 0.0), max(pause, left)))

    async def _send(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        check_numbers(kwargs.get("json"))
        try:
            response = await self._http.request(method, path, **kwargs)
        except httpx.TransportError as error:
            raise self._no_connection(error) from error
        self._answered = True
        if response.is_success:
            return response
        raise error_of(response)

    def _no_connection(self, error: Exception) -> NoConnection:
        why = str(error) or type(error).__name__
        return NoConnection(f"Zoe does not answer at {self.url}: {why}")


def read(response: httpx.Response, model: type[A]) -> A:
    """The document of an answer. Raises NoConnection for what Zoe would not say."""
    return read_document(response.content, model, response.url)


def read_document(content: str | bytes, model: type[A], url: httpx.URL | str) -> A:
    """A document from there, in an answer or in a stream. Raises NoConnection as ``read``."""
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise Unreadable(f"{url} does not answer as Zoe does: {error}", passing=False) from error


def may_pass(error: NoConnection | Unavailable) -> bool:
    """Whether the same request may be answered soon."""
    return isinstance(error, Unavailable) or error.passing


def check_numbers(document: Any) -> None:
    """Raise InvalidRequest for a number that JSON does not have: NaN and the infinite ones."""
    for field, value in _no_numbers(document, ""):
        message = f"is {value}: must be a finite number"
        raise InvalidRequest(
            ProblemDocument(
                title="The request is not right",
                status=httpx.codes.UNPROCESSABLE_ENTITY,
                detail=f"{field}: {message}",
                field=field,
                problems=(FieldProblem(field=field, message=message),),
            )
        )


def _no_numbers(value: Any, field: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, float) and not isfinite(value):
        yield field, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _no_numbers(each, f"{field}.{key}" if field else str(key))
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from _no_numbers(each, f"{field}[{index}]")
