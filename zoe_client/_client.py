"""The client of Zoe's REST interface."""

from __future__ import annotations

import codecs
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import uuid4

import httpx
from pydantic import BaseModel, ValidationError

from zoe_client._errors import NoConnection, Unavailable, error_of
from zoe_client._settings import find_settings
from zoe_core.protocol.rest import (
    Execution,
    ExecutionList,
    Info,
    ZAppDetail,
    ZAppList,
    ZAppSummary,
)

A = TypeVar("A", bound=BaseModel)

_TIMEOUT = httpx.Timeout(30.0)
_FOLLOW = httpx.Timeout(30.0, read=None)  # a log that is followed may be silent for long
_TRY_AGAIN = 1.0  # seconds


class Client:
    """A connection to Zoe. Inside a notebook of the Hub it needs no arguments.

    ``url`` is where the portal's pages begin (``https://hub.example.org/services/zoe/``);
    ``token`` is a token of JupyterHub. All methods raise ZoeError; see the exceptions of the
    package. ``transport`` replaces the network, as httpx does it.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        settings = find_settings(url, token, os.environ)
        self.url = settings.url
        self._http = httpx.Client(
            base_url=f"{settings.url}api/v1",
            headers={"Authorization": f"token {settings.token}"},
            timeout=_TIMEOUT,
            transport=transport,
        )

    def info(self) -> Info:
        """What answers, whether its scheduler is there, and who you are."""
        return self._get("/info", Info)

    def zapps(self) -> tuple[ZAppSummary, ...]:
        """The gallery, as far as you may launch it."""
        return self._get("/zapps", ZAppList).items

    def zapp(self, slug: str) -> ZAppDetail:
        """One ZApp with its README and its parameters."""
        return self._get(f"/zapps/{slug}", ZAppDetail)

    def launch(
        self,
        slug: str,
        name: str | None = None,
        *,
        idempotency_key: str | None = None,
        **parameters: str | int | float | bool,
    ) -> Execution:
        """Launch a ZApp of the gallery with these parameters, by alias or name.

        It is launched once, also when the request has to be repeated; give ``idempotency_key`` to
        be able to repeat it from another process.
        """
        body: dict[str, Any] = {"zapp": slug, "parameters": parameters}
        if name is not None:
            body["name"] = name
        headers = {"Idempotency-Key": idempotency_key or uuid4().hex}
        try:
            response = self._send("POST", "/executions", json=body, headers=headers)
        except NoConnection:
            response = self._send("POST", "/executions", json=body, headers=headers)
        return _read(response, Execution)

    def executions(
        self,
        *,
        status: Sequence[str] = (),
        name: str | None = None,
        user: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Execution]:
        """Executions that match all that is given, newest first; pages are fetched as needed."""
        query: dict[str, Any] = {
            "status": list(status),
            "name": name,
            "user": user,
            "since": since.astimezone().isoformat() if since else None,
            "until": until.astimezone().isoformat() if until else None,
        }
        query = {key: value for key, value in query.items() if value}
        while True:
            page = self._get("/executions", ExecutionList, query)
            yield from page.items
            if page.next is None:
                return
            query["cursor"] = page.next

    def get(self, execution_id: int) -> Execution:
        """One execution with its instances, endpoints, and why it waits."""
        return self._get(f"/executions/{execution_id}", Execution)

    def stop(self, execution_id: int) -> Execution:
        """Ask for the end of an execution; returns at once."""
        return _read(self._send("DELETE", f"/executions/{execution_id}"), Execution)

    def logs(self, execution_id: int, instance: str, *, follow: bool = False) -> Iterator[str]:
        """The log of an instance, piece by piece; ``follow`` goes on until the instance ends.

        A connection that breaks while it is followed is made again, without losing or doubling
        text.
        """
        path = f"/executions/{execution_id}/instances/{instance}/logs"
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        offset, begun = 0, False
        while True:
            try:
                for data in self._stream(path, {"follow": follow, "offset": offset}):
                    begun = True
                    offset += len(data)
                    yield decoder.decode(data)
            except (NoConnection, Unavailable):
                if not (follow and begun):
                    raise
                time.sleep(_TRY_AGAIN)
                continue
            yield decoder.decode(b"", final=True)
            return

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _get(self, path: str, model: type[A], query: Mapping[str, Any] | None = None) -> A:
        return _read(self._send("GET", path, params=query), model)

    def _send(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **kwargs)
        except httpx.TransportError as error:
            raise self._no_connection(error) from error
        if response.is_success:
            return response
        raise error_of(response)

    def _stream(self, path: str, query: Mapping[str, Any]) -> Iterator[bytes]:
        try:
            with self._http.stream("GET", path, params=query, timeout=_FOLLOW) as response:
                if not response.is_success:
                    response.read()
                    raise error_of(response)
                yield b""  # it has begun, though the log may be silent yet
                yield from response.iter_bytes()
        except httpx.TransportError as error:
            raise self._no_connection(error) from error

    def _no_connection(self, error: Exception) -> NoConnection:
        return NoConnection(f"Zoe does not answer at {self.url}: {error}")


def _read(response: httpx.Response, model: type[A]) -> A:
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        raise NoConnection(f"{response.url} does not answer as Zoe does: {error}") from error
