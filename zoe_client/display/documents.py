"""What is shown of each kind of document that the client returns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import singledispatch
from typing import cast

from pydantic import BaseModel

from zoe_client._async_execution import AsyncExecution
from zoe_client._execution import Execution
from zoe_client.display._blocks import Block, Cell, Facts, Note, Table, Title
from zoe_client.display._words import moment
from zoe_client.display.executions import (
    events_table,
    execution_blocks,
    executions_table,
    use_table,
)
from zoe_client.display.gallery import gallery_blocks, validation_blocks, zapp_blocks
from zoe_client.display.platform import (
    cluster_blocks,
    estimates_table,
    info_blocks,
    queue_blocks,
)
from zoe_core.protocol import rest, rest_platform
from zoe_core.protocol.rest_use import ExecutionUse

_AnyExecution = Execution | AsyncExecution | rest.Execution

MOST_ROWS = 100
"""Rows of a list that are shown."""


@singledispatch
def blocks_of(document: object) -> list[Block]:
    """What to show of a document, of an execution of the client, or of a list of them.

    Raises TypeError for anything else.
    """
    raise TypeError(f"Zoe does not know how to show {type(document).__name__}")


@blocks_of.register
def _(document: rest.Answer) -> list[Block]:
    return [Title(_words(type(document).__name__)), *_fields(document)]


@blocks_of.register
def _(document: rest.Execution) -> list[Block]:
    return execution_blocks(document)


@blocks_of.register(Execution)
@blocks_of.register(AsyncExecution)
def _(execution: Execution | AsyncExecution) -> list[Block]:
    return execution_blocks(execution.document, execution.url)


@blocks_of.register
def _(document: ExecutionUse) -> list[Block]:
    return [use_table(document) if document.items else Note("Nothing of it is measured now.")]


@blocks_of.register
def _(document: rest.Event) -> list[Block]:
    return [events_table([document])]


@blocks_of.register
def _(document: rest_platform.Queue) -> list[Block]:
    return queue_blocks(document)


@blocks_of.register
def _(document: rest_platform.Cluster) -> list[Block]:
    return cluster_blocks(document)


@blocks_of.register
def _(document: rest_platform.Info) -> list[Block]:
    return info_blocks(document)


@blocks_of.register
def _(document: rest.ZAppSummary) -> list[Block]:
    return gallery_blocks([document])


@blocks_of.register
def _(document: rest.ZAppDetail) -> list[Block]:
    return zapp_blocks(document)


@blocks_of.register
def _(document: rest.Validation) -> list[Block]:
    return validation_blocks(document)


@blocks_of.register
def _(document: rest.Estimate) -> list[Block]:
    return [estimates_table([document])]


@blocks_of.register(tuple)
@blocks_of.register(list)
def _(documents: Sequence[object]) -> list[Block]:
    shown = documents[:MOST_ROWS]
    more = len(documents) - len(shown)
    blocks = _list_of(shown)
    return [*blocks, Note(f"And {more} more.")] if more else blocks


def _list_of(documents: Sequence[object]) -> list[Block]:
    if _all(documents, rest.ZAppSummary):
        return gallery_blocks(cast(Sequence[rest.ZAppSummary], documents))
    if _all(documents, rest.Estimate):
        return [estimates_table(cast(Sequence[rest.Estimate], documents))]
    if _all(documents, rest.Event):
        return [events_table(cast(Sequence[rest.Event], documents))]
    if isinstance(documents[0], _AnyExecution):
        return [_executions(cast(Sequence[_AnyExecution], documents))]
    return [_table(cast(Sequence[rest.Answer], documents))]


def _executions(executions: Sequence[_AnyExecution]) -> Table:
    found = [each if isinstance(each, rest.Execution) else each.document for each in executions]
    first = executions[0]
    return executions_table(found, "" if isinstance(first, rest.Execution) else first.url)


def can_list(documents: Sequence[object]) -> bool:
    """Say whether all of them are ours, so that they can be shown as a table."""
    if not documents:
        return False
    one = type(documents[0])
    ours = issubclass(one, rest.Answer | Execution | AsyncExecution)
    return ours and _all(documents, one)


def _all(documents: Sequence[object], *kinds: type) -> bool:
    return all(isinstance(each, kinds) for each in documents)


def _fields(document: rest.Answer) -> list[Block]:
    """Single values first, then a table for each list of documents."""
    simple: list[tuple[str, Cell]] = []
    tables: list[Block] = []
    for name in type(document).model_fields:
        value = getattr(document, name)
        if isinstance(value, tuple) and can_list(value):
            tables.append(_table(cast(Sequence[rest.Answer], value)))
        elif value not in (None, (), {}):
            simple.append((_words(name), _cell(value)))
    return [Facts(tuple(simple)), *tables] if simple else tables


def _table(documents: Sequence[rest.Answer]) -> Table:
    names = list(type(documents[0]).model_fields)
    rows = tuple(tuple(_cell(getattr(each, name)) for name in names) for each in documents)
    return Table(tuple(_words(name) for name in names), rows)


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, BaseModel):
        pairs = value.model_dump(exclude_none=True).items()
        return ", ".join(f"{_words(name).lower()}: {_cell(each)}" for name, each in pairs)
    if isinstance(value, tuple | list):
        return ", ".join(_cell(each) for each in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else str(value)


def _words(name: str) -> str:
    """``started_at`` and ``ZAppDetail`` as people write them."""
    spaced = "".join(f" {each}" if each.isupper() else each for each in name)
    words = (spaced if name != name.lower() else name.replace("_", " ")).split()
    return " ".join(words).capitalize()
