"""One declaration for each operation: what checks a request is what the documentation is made of.

``@operation(...)`` names the pydantic models of path, query, headers and body. Before the method
runs they parse the request and the scopes are checked; :mod:`zoe_hub.portal.openapi` reads the same
declaration. Neither can say something that the other does not do.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from tornado.web import RequestHandler

from zoe_hub.portal.auth import ApiHandler, Scope
from zoe_hub.portal.requests import read_body, read_headers, read_path, read_query

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True)
class Operation:
    """What one method of one address takes, gives, and needs.

    ``answers`` maps each status of success to what it means. ``response`` is the model of the
    answer, None where the answer is no JSON. ``errors`` are the statuses beyond those that any may
    give. One of ``scopes`` is needed.
    """

    id: str
    summary: str
    tag: str
    answers: Mapping[int, str]
    response: type[BaseModel] | None = None
    media: str = JSON
    path: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    headers: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    scopes: tuple[Scope, ...] = ()
    errors: tuple[int, ...] = ()
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    description: str = ""

    def read(self, handler: ApiHandler) -> dict[str, BaseModel]:
        """Parse the request into the arguments of the method; raises Refused."""
        arguments: dict[str, BaseModel] = {}
        if self.path is not None:
            arguments["path"] = read_path(self.path, handler)
        if self.query is not None:
            arguments["query"] = read_query(self.query, handler)
        if self.headers is not None:
            arguments["headers"] = read_headers(self.headers, handler)
        if self.body is not None:
            arguments["body"] = read_body(self.body, handler)
        return arguments


def operation(
    operation_id: str, summary: str, *, answers: Mapping[int, str] | None = None, **declared: Any
) -> Callable[[Callable[..., Awaitable[Any]]], Callable[..., Awaitable[None]]]:
    """Declare a method of a handler as an operation; ``declared`` are fields of Operation.

    The method gets ``path``, ``query``, ``headers`` and ``body`` by name, those that are declared.
    It returns the model of the answer, or None when it has written the answer itself.
    """

    def decorate(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[None]]:
        declaration = Operation(
            operation_id,
            summary,
            answers=answers or {200: "Done."},
            description=inspect.cleandoc(method.__doc__ or ""),
            **declared,
        )

        @functools.wraps(method)
        async def run(handler: ApiHandler, *_: str, **__: str) -> None:
            if declaration.scopes:
                handler.visitor.require(*declaration.scopes)
            answer = await method(handler, **declaration.read(handler))
            if answer is not None:
                handler.set_header("Content-Type", declaration.media)
                handler.finish(answer.model_dump_json())

        run.operation = declaration  # type: ignore[attr-defined]
        return run

    return decorate


def operations_of(handler: type[RequestHandler]) -> dict[str, Operation]:
    """The operations of a handler by the name of their method, ``get``."""
    found = {}
    for method in ("get", "post", "put", "patch", "delete"):
        declared = getattr(getattr(handler, method), "operation", None)
        if declared is not None:
            found[method] = declared
    return found
