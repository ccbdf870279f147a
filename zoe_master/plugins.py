"""What a site may replace by its own: back-ends, policies and placements, by entry points."""

from __future__ import annotations

from importlib.metadata import entry_points


class SetupError(Exception):
    """The master cannot start; the message says what to change."""


def load(group: str, name: str, setting: str) -> type:
    """The class that the entry point ``name`` of ``group`` names, as ``setting`` says.

    Raises SetupError.
    """
    found = {each.name: each for each in entry_points(group=group)}
    if name not in found:
        known = ", ".join(sorted(found))
        raise SetupError(f"{setting} is {name!r}: known are {known}")
    try:
        return found[name].load()
    except ImportError as error:
        raise SetupError(f"{setting} is {name!r}, which cannot be loaded: {error}") from error
