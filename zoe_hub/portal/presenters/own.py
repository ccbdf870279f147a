"""Own descriptions: from the text in the form to JSON, what is wrong with it, and an example."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoe_core.cluster import Node
from zoe_core.documents import JsonProblemError, Problem, read_json, show
from zoe_core.protocol.rest import MAX_BODY

PREFIX = "description."


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that is wrong; ``field`` is a path in the description, empty for all of it."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Read:
    """A description as JSON has it, None when the text is none, and ``problem`` says why."""

    document: dict[str, Any] | None
    problem: str = ""


def read_description(text: str) -> Read:
    """Read what was pasted."""
    if not text.strip():
        return Read(None, "Paste a description, or begin with the example.")
    if len(text.encode()) > MAX_BODY:
        return Read(None, f"It is longer than {MAX_BODY} bytes.")
    try:
        document = read_json(text.encode())
    except JsonProblemError as error:
        return Read(None, f"It {error}.")
    if not isinstance(document, dict):
        return Read(None, f"It is {show(document)}: a description is an object, {{…}}.")
    return Read(document)


def told(problems: Iterable[Problem]) -> list[Told]:
    """The problems at their fields' paths, as seen from the description itself."""
    return [
        Told(each.field.removeprefix(PREFIX) if each.field != "description" else "", each.message)
        for each in problems
    ]


def written(document: Mapping[str, Any]) -> str:
    """A description as a person edits it."""
    return json.dumps(document, indent=2, ensure_ascii=False)


def example(nodes: Sequence[Node]) -> dict[str, Any]:
    """A small description that can be launched here, as far as the nodes say what they offer."""
    images = sorted({image for node in nodes for image in node.images or ()})
    return {
        "name": "my-first-zapp",
        "version": 4,
        "description": "Counts to ten.",
        "will_end": True,
        "services": [
            {
                "name": "counter",
                "image": images[0] if images else "python:3.12-slim",
                "monitor": True,
                "total_count": 1,
                "essential_count": 1,
                "command": "sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do echo $i; sleep 1; done'",
                "environment": [["GREETING", "hello {user_name}"]],
                "resources": {"memory": {"min": 128 * 2**20}, "cores": {"min": 0.1}},
            }
        ],
    }
