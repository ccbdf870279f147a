"""The errors of this package::

ZAppError      an application description, or the values of its parameters
ManifestError  a gallery folder's manifest
"""

from __future__ import annotations

from collections.abc import Iterable

from zoe_core.documents import Problem


class _DocumentError(ValueError):
    """Holds every problem that was found, the first one first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


class ZAppError(_DocumentError):
    """The description of an application, or a value for one of its parameters, is not valid."""


class ManifestError(_DocumentError):
    """The manifest of a gallery folder is not valid."""
