"""What may go wrong, as exceptions.

::

    ZoeError
    ├── NoSettings            nobody said where Zoe is, or no token was found
    ├── NoConnection          nothing answers there, or what answers is not Zoe
    └── RequestRefused        Zoe answered with a problem, in ``problem``
        ├── InvalidRequest    400, 411, 413, 415, 416, 422: ``problem.field`` says what is wrong
        ├── NoAccess          401, 403: the token is not valid, or lacks a scope
        ├── NotFound          404
        ├── Conflict          409
        └── Unavailable       429, 503: try again after ``retry_after`` seconds
"""

from __future__ import annotations

import httpx
from pydantic import ValidationError

from zoe_core.protocol.rest import ProblemDocument


class ZoeError(Exception):
    """Base class of all errors of this package."""


class NoSettings(ZoeError):
    """It is not known where Zoe is, or there is no token for it."""


class NoConnection(ZoeError):
    """Nothing answers, or what answers is not Zoe."""


class RequestRefused(ZoeError):
    """Zoe refused the request; ``problem`` says why."""

    def __init__(self, problem: ProblemDocument, retry_after: float | None = None) -> None:
        more = "".join(f"\n- {each.field}: {each.message}" for each in problem.problems[1:])
        super().__init__(f"{problem.title}: {problem.detail}{more}")
        self.problem = problem
        self.retry_after = retry_after


class InvalidRequest(RequestRefused):
    """Something in the request is not right."""


class NoAccess(RequestRefused):
    """The token is not valid, or does not allow this."""


class NotFound(RequestRefused):
    """There is no such thing, or it belongs to somebody else."""


class Conflict(RequestRefused):
    """It cannot be done in the present state."""


class Unavailable(RequestRefused):
    """A part of Zoe is away or busy; the same request may succeed later."""


_KINDS: dict[int, type[RequestRefused]] = {
    401: NoAccess,
    403: NoAccess,
    404: NotFound,
    409: Conflict,
    429: Unavailable,
    503: Unavailable,
}


def error_of(response: httpx.Response) -> ZoeError:
    """The exception for an answer that is an error; its body must have been read."""
    status = response.status_code
    try:
        problem = ProblemDocument.model_validate_json(response.content)
    except ValidationError:
        return NoConnection(
            f"{response.url} answered {status}, and not as Zoe does: is the address right?"
        )
    kind = _KINDS.get(status, InvalidRequest if status < 500 else RequestRefused)
    after = response.headers.get("Retry-After", "")
    return kind(problem, float(after) if after.isdigit() else None)
