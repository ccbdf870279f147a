"""How notebooks show what the client returns: HTML and text for every document.

Documents know nothing of it. Inside IPython, importing ``zoe_client`` calls :func:`register`, which
tells IPython's formatters; without IPython nothing of this is loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zoe_client._async_execution import AsyncExecution
from zoe_client._execution import Execution
from zoe_client.display._blocks import to_html, to_text
from zoe_client.display.documents import blocks_of, can_list
from zoe_core.protocol import rest

__all__ = ["html_of", "register", "text_of"]

_KINDS = (rest.Answer, Execution, AsyncExecution)
_LISTS = (tuple, list)


def html_of(document: object) -> str:
    """What a notebook shows of a document, or of a list of them. Raises TypeError."""
    return to_html(blocks_of(document))


def text_of(document: object) -> str:
    """The same as text. Raises TypeError."""
    return to_text(blocks_of(document))


def register(shell: Any) -> None:
    """Make an IPython ``shell`` show documents, executions, and lists of them."""
    formatters = shell.display_formatter.formatters
    html, text = formatters["text/html"], formatters["text/plain"]
    for kind in _KINDS:
        html.for_type(kind, html_of)
        text.for_type(kind, _pretty)
    for sequence in _LISTS:
        html.for_type(sequence, _if_ours(html.for_type(sequence)))


def _pretty(document: object, printer: Any, cycle: bool) -> None:
    """As IPython's pretty printer wants it; inside of other values it must stay on one line."""
    printer.text(repr(document) if printer.stack[1:] else text_of(document))


def _if_ours(before: Callable[[object], Any] | None) -> Callable[[Any], Any]:
    """Show a list when all in it are ours; else as ``before``, which may be nothing."""

    def show(documents: Any) -> Any:
        if can_list(documents):
            return html_of(documents)
        return before(documents) if before else None

    return show
