"""What schemathesis checks besides its own: nobody is shown what belongs to somebody else.

It is loaded by ``schemathesis run`` (``SCHEMATHESIS_HOOKS``), a process of its own.
"""

import os
from typing import Any

import schemathesis

FOREIGN = tuple(filter(None, os.environ["FOREIGN"].split(",")))
"""Texts that stand only in what the caller may not see."""

EXECUTIONS = 6
"""As many as there are at the beginning, with the ids from 1 on."""


@schemathesis.check
def shows_nothing_foreign(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """No answer has such a text, unless the request had it."""
    sent = f"{case.path_parameters} {case.query} {case.headers} {case.body}"
    found = [each for each in FOREIGN if each in response.text and each not in sent]
    assert not found, f"the answer has {found}"


@schemathesis.hook
def map_path_parameters(
    context: schemathesis.HookContext, path_parameters: dict[str, Any] | None
) -> dict[str, Any] | None:
    """Most ids are those of executions that exist, whoever has them."""
    given = path_parameters or {}
    number = given.get("execution_id")
    if isinstance(number, int) and number % 5:
        return {**given, "execution_id": 1 + number % EXECUTIONS}
    return path_parameters


@schemathesis.hook
def map_query(
    context: schemathesis.HookContext, query: dict[str, Any] | None
) -> dict[str, Any] | None:
    """Many who ask for what a user has ask for what everybody has."""
    given = query or {}
    user = given.get("user")
    return {**given, "user": "*"} if isinstance(user, str) and len(user) % 2 else query


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    """Most launches are of a ZApp that exists."""
    if isinstance(body, dict) and isinstance(body.get("zapp"), str) and len(body["zapp"]) % 3:
        body = {name: value for name, value in body.items() if name != "description"}
        return {**body, "zapp": "small", "parameters": {}, "resources": {}}
    return body
