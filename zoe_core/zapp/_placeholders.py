"""The placeholders of commands, environment variables and URL templates: ``{user_name}``.

Only the known ones are replaced, once; what replaces them is never looked at again. All other
braces are left alone, so JSON, ``${X}`` and f-strings pass through. A text that must not be
expanded is escaped: ``{user_name}`` becomes ``{brace}user_name}``, and ``{brace}`` stands for one
``{``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from zoe_core.zapp._model import Service, ZApp

BRACE = "brace"
PLAIN = ("user_name", "execution_id", "execution_name", "deployment_name")
IN_URLS = ("ip_port", "proxy_path")
IN_RESULTS = ("execution_id", "execution_name")
ALL_SHOWN = ", ".join(
    [
        *(f"{{{name}}}" for name in PLAIN),
        "{dns_name#self}",
        "{dns_name#<service><n>}",
        "{memory#<service>}",
    ]
)

_KNOWN = re.compile(r"(?<!\$)\{(" + "|".join([*PLAIN, BRACE]) + r"|(?:dns_name|memory)#[^{}]*)\}")
_IN_URL = re.compile(r"(?<!\$)\{(" + "|".join(IN_URLS) + r")\}")
_WORD = re.compile(r"(?<!\$)\{([a-z]+(?:_[a-z]+)*)\}")
_INDEX = re.compile(r"0|[1-9][0-9]{0,3}")


def substitute(text: str, value_of: Callable[[str], str]) -> str:
    """Replace each known placeholder by what ``value_of`` says for its name, in one pass."""
    return _KNOWN.sub(lambda found: "{" if found[1] == BRACE else value_of(found[1]), text)


def substitute_url(template: str, values: dict[str, str]) -> str:
    """Replace the placeholders of a URL template, in one pass."""
    return _IN_URL.sub(lambda found: values[found[1]], template)


def escape(text: str) -> str:
    """Return the text that :func:`substitute` turns back into ``text``, whatever it contains."""
    return _KNOWN.sub(lambda found: f"{{{BRACE}}}{found[1]}}}", text)


def references(text: str, kind: str) -> Iterator[str]:
    """Yield what stands after ``#`` in each such placeholder: ``dns_name`` or ``memory``."""
    for name in _KNOWN.findall(text):
        found, mark, reference = name.partition("#")
        if mark and found == kind:
            yield reference


def known_words(text: str) -> Iterator[str]:
    """Yield the names of the placeholders in a text, and what stands for one brace."""
    yield from _KNOWN.findall(text)


def unknown_words(text: str, known: tuple[str, ...] = (*PLAIN, BRACE)) -> Iterator[str]:
    """Yield the names in braces that look like placeholders and are none, ``{username}``."""
    for word in _WORD.findall(text):
        if word not in known:
            yield word


def find_instance(zapp: ZApp, reference: str) -> tuple[Service, int] | None:
    """Find the instance that ``spark-worker0`` names, or None.

    Where names end in digits the longest service name wins: ``node12`` is instance 2 of ``node1``
    rather than instance 12 of ``node``.
    """
    named = {service.name: service for service in zapp.services}
    for digits in range(1, 5):
        service, index = named.get(reference[:-digits]), reference[-digits:]
        if service and _INDEX.fullmatch(index) and int(index) < service.total_count:
            return service, int(index)
    return None
