"""A request that cannot be granted, with everything the person who made it needs to know."""

from __future__ import annotations

from collections.abc import Iterable

from zoe_core.zapp import Problem

UNPROCESSABLE = 422

LISTED = 50
"""Problems that are told at once, at most: nobody reads more."""


class Refused(Exception):
    """Say no: ``status`` is the HTTP status, ``detail`` and ``problems`` are shown to people.

    ``field`` names what is wrong in the request, ``parameters.workers``.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        *,
        field: str | None = None,
        problems: Iterable[Problem] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.field = field
        self.problems = tuple(problems)

    @property
    def told(self) -> tuple[Problem, ...]:
        """All that is wrong: the problems, or the one thing that the refusal itself says."""
        return self.problems or (Problem(self.field or "", self.detail),)

    @classmethod
    def because(
        cls, title: str, problems: Iterable[Problem], *, status: int = UNPROCESSABLE
    ) -> Refused:
        """Refuse for what was found in a document: the first problem leads, ``LISTED`` are told."""
        found = tuple(problems)
        first = found[0]
        more = f" ({len(found) - 1} more below)" if len(found) > 1 else ""
        told = found[:LISTED]
        return cls(status, title, f"{first}{more}", field=first.field or None, problems=told)
