"""What to run: the notebook, its parameters, and where the executed copy goes."""

from __future__ import annotations

import json
import posixpath
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

EXAMPLE = "zoe-example.ipynb"
"""Asking for this notebook puts it into a workspace that does not have it."""

RUNS = "runs"


class JobError(Exception):
    """What was asked for cannot be run."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run: ``source`` is read, ``result`` is written, both in the workspace.

    Both are named as the notebook was given, also when a symbolic link leads elsewhere: so the
    manifest's ``results`` names the copy, and so Jupyter names a notebook that it opens.
    """

    source: Path
    result: Path
    parameters: dict[str, Any]


def prepare(notebook: str, parameters: str, workspace: Path, execution: str) -> Job:
    """Check everything that can be checked before a kernel starts. Raises JobError."""
    values = read_parameters(parameters)
    source = find_notebook(notebook, workspace)
    check_format(source, notebook)
    runs = source.parent / RUNS
    try:
        runs.mkdir(exist_ok=True)
    except OSError as error:
        raise JobError(f"{runs} cannot be made: {error.strerror}.") from None
    return Job(source, runs / f"{source.stem}-{execution}.ipynb", values)


def find_notebook(name: str, workspace: Path) -> Path:
    """Return the notebook's path within the workspace, as it was given. Raises JobError."""
    root = workspace.resolve()
    given = root / posixpath.normpath(name)
    place = given.resolve()
    if not (given.is_relative_to(root) and place.is_relative_to(root)):
        raise JobError(f"The notebook {name!r} is outside of your workspace.")
    if place.suffix != ".ipynb":
        raise JobError(f"The notebook {name!r} must be a file that ends in .ipynb.")
    if name == EXAMPLE and not place.exists():
        shutil.copyfile(Path(__file__).with_name("example.ipynb"), place)
    if not place.is_file():
        raise JobError(
            f"There is no notebook {name!r} in your workspace. Give its path from the top of the "
            f"workspace, such as reports/monthly.ipynb."
        )
    return given


def read_parameters(text: str) -> dict[str, Any]:
    """Return the notebook's parameters from a JSON object. Raises JobError."""
    try:
        values = json.loads(text or "{}")
    except json.JSONDecodeError as error:
        raise JobError(
            f'The parameters are no JSON: {error}. Write them as {{"year": 2026}}.'
        ) from None
    if not isinstance(values, dict):
        raise JobError('The parameters must be a JSON object, such as {"year": 2026}.')
    if wrong := [name for name in values if not name.isidentifier()]:
        raise JobError(f"The parameter {wrong[0]!r} is no name of a variable.")
    return values


def check_format(place: Path, name: str) -> None:
    """Check that nbformat takes the file for a valid notebook. Raises JobError."""
    try:
        nbformat.validate(nbformat.read(place, as_version=nbformat.NO_CONVERT))
    except OSError as error:
        raise JobError(f"The notebook {name!r} cannot be read: {error.strerror}.") from None
    except nbformat.ValidationError as error:
        # Its own text shows the whole cell; the first line says what is wrong.
        raise JobError(f"{name!r} is no valid notebook: {str(error).splitlines()[0]}") from None
    except (UnicodeDecodeError, nbformat.reader.NotJSONError):
        raise JobError(f"{name!r} is no notebook: it is not JSON.") from None
    except (AttributeError, KeyError, TypeError):
        raise JobError(f"{name!r} is no notebook: its JSON holds something else.") from None
