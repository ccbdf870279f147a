"""What a fake instance does for a command.

Understood are ``echo WORD…``, ``sleep SECONDS`` (or ``infinity``), ``exit CODE``, ``true``,
``false``, ``trap '' TERM PWR`` (do not end by these signals), and ``sh -c`` with several of them,
separated by ``;``. Any other command, and none at all, runs until it is stopped, as a server would.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from math import inf
from signal import Signals


@dataclass(slots=True)
class Course:
    """The life of an instance that nobody disturbs; times are seconds since its start.

    ``outputs`` are what it prints and when; it ends ``ends_after`` with ``exit_code``, or by any
    signal that is not ``ignored``.
    """

    outputs: list[tuple[float, bytes]] = field(default_factory=list)
    ends_after: float = 0.0
    exit_code: int = 0
    ignored: set[Signals] = field(default_factory=set)


def course_of(command: tuple[str, ...] | None) -> Course:
    """Read a command that was split into words."""
    course = Course()
    for words in _simple_commands(command):
        if not _follow(course, words):
            break
    return course


def _simple_commands(command: tuple[str, ...] | None) -> list[list[str]]:
    if not command:
        return [["serve"]]
    if len(command) == 3 and command[:2] == ("sh", "-c"):
        return [words for part in command[2].split(";") if (words := shlex.split(part))]
    return [list(command)]


def _follow(course: Course, words: list[str]) -> bool:
    """Add one command to the course; False when nothing can come after it."""
    match words:
        case ["echo", *rest]:
            course.outputs.append((course.ends_after, f"{' '.join(rest)}\n".encode()))
        case ["sleep", seconds]:
            course.ends_after += float(seconds)
        case ["trap", "", *names]:
            course.ignored |= {Signals[f"SIG{name}"] for name in names}
        case ["true" | "false" as word]:
            course.exit_code = int(word == "false")
            return True
        case ["exit", code]:
            course.exit_code = int(code)
            return False
        case _:
            course.ends_after = inf
    course.exit_code = 0
    return course.ends_after < inf
