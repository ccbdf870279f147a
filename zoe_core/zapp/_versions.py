"""The two versions of the format: 3, as the original Zoe wrote it, and 4.

A version 3 document is brought to the form of the model: what the original did not know is left out
with a warning, and its old list form of a volume becomes an object.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TypeGuard

from pydantic import BaseModel

from zoe_core.documents import Problem, Steps, path, show
from zoe_core.names import shorten
from zoe_core.zapp._fields import as_whole
from zoe_core.zapp._model import (
    CoreLimits,
    MemoryLimits,
    Port,
    Restart,
    Result,
    Service,
    ServiceResources,
    Shrink,
    Volume,
    ZApp,
)

Model = type[BaseModel]

_CHILDREN: dict[Model, dict[str, Model]] = {
    ZApp: {"services": Service, "results": Result},
    Service: {
        "ports": Port,
        "volumes": Volume,
        "resources": ServiceResources,
        "restart": Restart,
        "shrink": Shrink,
    },
    ServiceResources: {"memory": MemoryLimits, "cores": CoreLimits},
}


def check_version(document: dict[object, object]) -> Problem | None:
    """Say what is wrong with the version of a document, if anything."""
    if "version" not in document:
        return Problem("version", "is missing: must be 3 or 4")
    version = document["version"]
    if as_whole(version) in (3, 4):
        return None
    return Problem("version", f"is {show(version)}: must be 3 or 4")


def is_object(document: object) -> TypeGuard[dict[object, object]]:
    """Say whether a part of a document is an object."""
    return isinstance(document, dict)


def from_version_3(document: object) -> tuple[object, list[Problem]]:
    """Return the document as the model reads it, and a warning for each field left out."""
    warnings: list[Problem] = []
    return _reduce(document, ZApp, (), warnings), warnings


def find_model(steps: Steps) -> Model:
    """Return the model of the object at ``steps`` of a document."""
    model: Model = ZApp
    for step in steps:
        if isinstance(step, str):
            model = _CHILDREN.get(model, {}).get(step, model)
    return model


def unknown_field(name: str, model: Model) -> str:
    """Say that a field is unknown, and which one may have been meant."""
    known = list(model.model_fields)
    close = get_close_matches(shorten(name), known, n=1)
    hint = f'did you mean "{close[0]}"?' if close else f"the fields here are {', '.join(known)}"
    return f"is not a field of a version 4 description: {hint}"


def _reduce(document: object, model: Model, at: Steps, warnings: list[Problem]) -> object:
    """Leave out of one object what version 3 does not know, and out of the objects in it."""
    if not is_object(document):
        return document
    reduced: dict[object, object] = {}
    for name, value in document.items():
        steps = (*at, name if isinstance(name, str) else show(name))
        if _in_version_3(name, model):
            child = _CHILDREN.get(model, {}).get(str(name))
            reduced[name] = _reduce_child(value, child, steps, warnings) if child else value
        else:
            warnings.append(Problem(path(*steps), _why_ignored(name, model)))
    return reduced


def _reduce_child(value: object, model: Model, at: Steps, warnings: list[Problem]) -> object:
    """Do so in an object, or in each object of a list."""
    if not isinstance(value, list | tuple):
        return _reduce(value, model, at, warnings)
    if model is Volume:
        value = [_volume_from_list(item) for item in value]
    return [_reduce(item, model, (*at, number), warnings) for number, item in enumerate(value)]


def _volume_from_list(volume: object) -> object:
    """Understand ``["/host/path", "name", true]``, the form of the first version 3 documents."""
    if isinstance(volume, list | tuple) and len(volume) == 3:
        return dict(zip(("path", "name", "read_only"), volume, strict=True))
    return volume


def _in_version_3(name: object, model: Model) -> bool:
    field = model.model_fields.get(name) if isinstance(name, str) else None
    if field is None:
        return False
    extra = field.json_schema_extra
    return not (isinstance(extra, dict) and extra.get("since") == 4)


def _why_ignored(name: object, model: Model) -> str:
    if name in model.model_fields:
        return 'is ignored in a version 3 description: set "version" to 4 to use it'
    return f"is ignored: version 3 has no field {show(name)}"
