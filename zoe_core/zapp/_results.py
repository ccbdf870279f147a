"""What an execution leaves in the workspace: where that is, from its parameters and its number.

A manifest says it with parameters, ``{notebook dir}/runs/{notebook stem}-{execution_id}.ipynb``.
Once they are known, the description has it with what is known only later, ``{execution_id}``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from zoe_core.documents import Problem, Steps, path, show
from zoe_core.zapp import _placeholders as placeholders
from zoe_core.zapp._model import Result, ZApp
from zoe_core.zapp._problems import ZAppError

_PART = re.compile(r"\{([A-Za-z][A-Za-z0-9_-]*)(?: (dir|stem))?\}")


def render_results(
    results: Sequence[Result], execution_id: int, execution_name: str
) -> tuple[Result, ...]:
    """Return them with paths as they are in the workspace."""
    values = {"execution_id": str(execution_id), "execution_name": execution_name}
    return tuple(
        result.model_copy(
            update={"path": placeholders.substitute(result.path, lambda name: values[name])}
        )
        for result in results
    )


def fill_in(zapp: ZApp, results: Sequence[Result], values: Mapping[str, str]) -> ZApp:
    """Add the results of a manifest to a description; ``values`` are the parameters', by key.

    A result that names a parameter without a value is left out. Raises :class:`ZAppError` for a
    value that leads out of the workspace.
    """
    filled = []
    for result in results:
        used = set(_parameters_of(result))
        if used <= set(values):
            filled.append(_filled(result, {key: values[key] for key in sorted(used)}))
    return zapp.model_copy(update={"results": (*zapp.results, *filled)})


def leads_out(place: str) -> bool:
    """Whether a path is none below the top of the workspace."""
    normal = posixpath.normpath(place)
    return normal.startswith(("/", "..")) or normal == "."


def find_result_problems(zapp: ZApp) -> Iterator[Problem]:
    """Yield what is wrong with the results of a description."""
    allowed = (*placeholders.IN_RESULTS, placeholders.BRACE)
    for number, result in enumerate(zapp.results):
        at = path("results", number, "path")
        if leads_out(result.path):
            yield Problem(
                at, f"is {show(result.path)}: must be a path within the workspace, from its top"
            )
        for word in placeholders.known_words(result.path):
            if word not in allowed:
                known = " and ".join(f"{{{each}}}" for each in placeholders.IN_RESULTS)
                yield Problem(at, f"contains {{{word}}}: the placeholders of a result are {known}")


def check_templates(results: Sequence[Result], keys: Sequence[str], at: Steps) -> Iterator[Problem]:
    """Yield what is wrong with the results of a manifest; ``keys`` are those of its parameters."""
    for number, result in enumerate(results):
        for name in _parameters_of(result):
            if name not in keys:
                known = ", ".join(f"{{{each}}}" for each in (*placeholders.IN_RESULTS, *keys))
                yield Problem(
                    path(*at, number, "path"),
                    f"contains {{{name}}}: the placeholders are {known}, and for the directory and "
                    "the name of a file such as {notebook dir} and {notebook stem}",
                )


def _parameters_of(result: Result) -> Iterator[str]:
    for found in _PART.finditer(result.path):
        if found[1] not in placeholders.IN_RESULTS:
            yield found[1]


def _filled(result: Result, values: Mapping[str, str]) -> Result:
    for key, value in values.items():
        if leads_out(value):
            message = f"is {show(value)}: must be a path within the workspace, from its top"
            raise ZAppError([Problem(path("parameters", key), message)])

    def value_of(found: re.Match[str]) -> str:
        if found[1] in placeholders.IN_RESULTS:
            return found[0]
        directory, name = posixpath.split(posixpath.normpath(values[found[1]]))
        whole = posixpath.join(directory, name)
        part = {"dir": directory or ".", "stem": posixpath.splitext(name)[0], None: whole}[found[2]]
        return placeholders.escape(part)

    return result.model_copy(update={"path": posixpath.normpath(_PART.sub(value_of, result.path))})
