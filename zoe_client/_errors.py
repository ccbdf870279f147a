"""What may go wrong, as exceptions.

::

    ZoeError
    ├── NoSettings            nobody said where Zoe is, or no token was found
    ├── NoConnection          nothing answers there, or what answers is not Zoe
    ├── TimedOut              what was waited for did not happen in time
    ├── ExecutionFailed       the execution whose result was asked for went wrong
    └── RequestRefused        Zoe answered with a problem, in ``problem``
        ├── InvalidRequest    400, 411, 413, 415, 416, 422: ``problem.field`` says what is wrong
        ├── NoAccess          401, 403: the token is not valid, or lacks a scope
        ├── NotFound          404
        ├── Conflict          409
        ├── Changed           412: it is not as ``if_match`` has it; read it again
        └── Unavailable       429, 503: try again after ``retry_after`` seconds
"""

from __future__ import annotations

import httpx
from pydantic import ValidationError

from zoe_core.protocol.rest import Execution, ProblemDocument

_GATEWAY = frozenset({502, 503, 504})


class ZoeError(Exception):
    """Base class of all errors of this package."""


class NoSettings(ZoeError):
    """It is not known where Zoe is, or there is no token for it."""


class NoConnection(ZoeError):
    """Nothing answers, or what answers is not Zoe.

    ``passing``: it may be another way soon, or after ``retry_after`` seconds.
    """

    def __init__(
        self, message: str, *, passing: bool = True, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.passing = passing
        self.retry_after = retry_after


class TimedOut(ZoeError, TimeoutError):
    """What was waited for did not happen in time."""


class ExecutionFailed(ZoeError):
    """It ended in an error; ``execution`` is its document, ``log`` how its main log ends."""

    def __init__(self, execution: Execution, log: str) -> None:
        reason = execution.reason or "It ended in an error."
        super().__init__(f"Execution {execution.id} ({execution.name}) failed: {reason}\n{log}")
        self.execution = execution
        self.log = log


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


class Changed(RequestRefused):
    """It is not any more as it was read: somebody has changed or removed it."""


class Unavailable(RequestRefused):
    """A part of Zoe is away or busy; the same request may succeed later."""


_KINDS: dict[int, type[RequestRefused]] = {
    401: NoAccess,
    403: NoAccess,
    404: NotFound,
    409: Conflict,
    412: Changed,
    429: Unavailable,
    503: Unavailable,
}


def error_of(response: httpx.Response) -> ZoeError:
    """The exception for an answer that is an error; its body must have been read."""
    status = response.status_code
    told = response.headers.get("Retry-After", "")
    after = float(told) if told.isdigit() else None
    try:
        problem = ProblemDocument.model_validate_json(response.content)
    except ValidationError:
        if status in _GATEWAY:
            said = f"{status} {response.reason_phrase}"
            return NoConnection(f"Zoe does not answer at {response.url}: {said}", retry_after=after)
        return NoConnection(
            f"{response.url} answered {status}, and not as Zoe does: is the address right?",
            passing=False,
        )
    kind = _KINDS.get(status, InvalidRequest if status < 500 else RequestRefused)
    return kind(problem, after)
