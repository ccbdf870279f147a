"""Finds the program to run: a built-in example, or a file of the workspace."""

from __future__ import annotations

from pathlib import Path

EXAMPLES = ("pi", "ring")


class ProgramError(Exception):
    """The program that was asked for cannot be run."""


def find_program(name: str, workspace: Path) -> Path:
    """Return the file of an example or of the workspace. Raises ProgramError."""
    if name in EXAMPLES:
        return Path(__file__).parent / "examples" / f"{name}.py"
    root = workspace.resolve()
    place = (root / name).resolve()
    known = f"Give a .py file of your workspace, or one of the examples: {', '.join(EXAMPLES)}."
    if not place.is_relative_to(root):
        raise ProgramError(f"The program {name!r} is outside of your workspace. {known}")
    if place.suffix != ".py":
        raise ProgramError(f"The program {name!r} is not a Python file. {known}")
    if not place.is_file():
        raise ProgramError(f"There is no program {name!r} in your workspace. {known}")
    return place
