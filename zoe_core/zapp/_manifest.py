"""The manifest of a gallery folder, version 1: which ZApps it offers and what may be set.

Format: the original Zoe's ``manifest.json``; ``slug``, ``results``, ``alias`` and the kind
``notebook`` are ours and optional.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from zoe_core.documents import JsonProblemError, Problem, Steps, path, read_json, show
from zoe_core.names import check_slug, make_slug
from zoe_core.zapp import _fields as fields
from zoe_core.zapp._explain import MAX_PROBLEMS, explain
from zoe_core.zapp._fields import FILE_NAME, as_whole, text, whole, wrong
from zoe_core.zapp._model import MAX_RESULTS, Result
from zoe_core.zapp._parameter import Parameter, check_parameter
from zoe_core.zapp._problems import ManifestError
from zoe_core.zapp._results import check_templates

MANIFEST_VERSION = 1
EVERYBODY = "all"


def _check_slug(value: object) -> str:
    if not isinstance(value, str):
        raise wrong(value, "must be text in quotes")
    try:
        return check_slug(value)
    except ValueError as error:
        raise fields.stated(str(error)) from None


def _groups(value: object) -> object:
    return (value,) if isinstance(value, str) else value


_File = Annotated[
    str,
    BeforeValidator(
        text(128, least=1, pattern=FILE_NAME, expected="the name of a file in the same folder")
    ),
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ManifestEntry(_Part):
    """One ZApp of the gallery.

    ``description`` is the file with its description, ``readable_descr`` the Markdown file,
    ``disabled_for`` and ``enabled_for`` are names of groups; ``all`` means everybody. ``results``
    are files that it leaves in the workspace; their paths may hold values of its parameters.
    """

    category: fields.Label
    name: fields.ZAppName
    description: _File
    readable_descr: _File
    slug: Annotated[str, BeforeValidator(_check_slug)]
    logo: _File = "logo.png"
    parameters: tuple[Parameter, ...] = ()
    results: Annotated[tuple[Result, ...], Field(max_length=MAX_RESULTS)] = ()
    disabled_for: Annotated[tuple[fields.Label, ...], BeforeValidator(_groups)] = ()
    enabled_for: Annotated[tuple[fields.Label, ...], BeforeValidator(_groups)] = (EVERYBODY,)

    @model_validator(mode="before")
    @classmethod
    def _make_slug(cls, document: object) -> object:
        if not isinstance(document, dict) or "slug" in document:
            return document
        return {**document, "slug": make_slug(str(document.get("name", "")))}

    def visible_to(self, groups: Collection[str]) -> bool:
        """Say whether a member of ``groups`` sees it; being disabled wins, as in the original."""
        if any(group in self.disabled_for for group in groups):
            return False
        return EVERYBODY in self.enabled_for or any(group in self.enabled_for for group in groups)


class Manifest(_Part):
    """What one gallery folder offers, and what in its file was ignored."""

    version: Annotated[int, BeforeValidator(whole(MANIFEST_VERSION, MANIFEST_VERSION))]
    zapps: tuple[ManifestEntry, ...]
    warnings: Annotated[tuple[Problem, ...], Field(exclude=True)] = ()


def parse_manifest_json(document: str | bytes) -> Manifest:
    """Read a manifest from JSON text, or from its UTF-8 bytes; raises :class:`ManifestError`."""
    try:
        read = read_json(document)
    except JsonProblemError as error:
        raise ManifestError([error.problem]) from None
    return parse_manifest(read)


def parse_manifest(document: object) -> Manifest:
    """Check a manifest that was read from JSON.

    Unknown fields become ``warnings``. Raises :class:`ManifestError` with every problem found.
    """
    if not isinstance(document, dict):
        raise ManifestError([Problem("", f"is {show(document)}: must be an object, {{…}}")])
    if as_whole(document.get("version")) != MANIFEST_VERSION:
        given = show(document["version"]) if "version" in document else "missing"
        raise ManifestError([Problem("version", f"is {given}: must be {MANIFEST_VERSION}")])
    warnings = tuple(_find_unknown(document))[:MAX_PROBLEMS]
    try:
        manifest = Manifest.model_validate({**document, "warnings": warnings})
    except ValidationError as error:
        raise ManifestError(explain(error, _unknown)) from None
    if problems := list(_find_problems(manifest)):
        raise ManifestError(problems[:MAX_PROBLEMS])
    return manifest


def _unknown(steps: Steps) -> str:
    return f"is not a field of a manifest: {show(steps[-1])}"


def _find_unknown(document: dict[object, object]) -> Iterator[Problem]:
    yield from _unknown_in(document, {"version", "zapps"}, ())
    for number, entry in enumerate(_list_of(document.get("zapps"))):
        yield from _unknown_in(entry, set(ManifestEntry.model_fields), ("zapps", number))
        parameters = entry.get("parameters") if isinstance(entry, dict) else ()
        for place, parameter in enumerate(_list_of(parameters)):
            at = ("zapps", number, "parameters", place)
            yield from _unknown_in(parameter, set(Parameter.model_fields), at)


def _list_of(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _unknown_in(part: object, known: set[str], at: Steps) -> Iterator[Problem]:
    for name in part if isinstance(part, dict) else ():
        if name not in known:
            yield Problem(path(*at, str(name)), "is ignored: a manifest has no such field")


def _find_problems(manifest: Manifest) -> Iterator[Problem]:
    slugs: set[str] = set()
    for number, entry in enumerate(manifest.zapps):
        at = ("zapps", number)
        if entry.slug in slugs:
            yield Problem(
                path(*at, "slug"), f"is {show(entry.slug)}: another ZApp here has it, choose one"
            )
        slugs.add(entry.slug)
        yield from _parameter_problems(entry, at)
        keys = [parameter.key for parameter in entry.parameters]
        yield from check_templates(entry.results, keys, (*at, "results"))


def _parameter_problems(entry: ManifestEntry, at: Steps) -> Iterator[Problem]:
    keys: set[str] = set()
    holder: str | None = None
    for place, parameter in enumerate(entry.parameters):
        here = (*at, "parameters", place)
        if parameter.key in keys:
            field = "alias" if parameter.alias else "name"
            yield Problem(
                path(*here, field),
                f"is {show(parameter.key)}: another parameter has it, give this one an alias",
            )
        keys.add(parameter.key)
        if parameter.holds_variables and holder is not None:
            yield Problem(path(*here, "type"), f"is 'object': one is enough, {show(holder)} is it")
        holder = parameter.key if parameter.holds_variables else holder
        yield from check_parameter(parameter, here)
