"""The event log of each execution has no gap and no illegal move."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from sqlalchemy import Row

from tests.faults.chaos.evidence import Evidence
from zoe_core.cluster import FINAL, ExecutionStatus
from zoe_core.cluster.execution import TRANSITIONS


def check_history(evidence: Evidence) -> Iterator[str]:
    """Of every execution, from `submitted` to the final status that its row has."""
    for row in evidence.executions:
        told = evidence.events[row.id]
        moves = [each.data for each in told if each.kind == "status"]
        for finding in (*_of_ends(row.status, told), *_of_moves(moves)):
            yield f"execution {row.id}: {finding}"


def _of_ends(status: str, told: list[Row[Any]]) -> Iterator[str]:
    kinds = [each.kind for each in told]
    if kinds[:1] != ["submitted"] or kinds.count("submitted") > 1:
        yield "its log does not begin with its one submission"
    if status not in FINAL:
        yield f"it is still {status}"
    elif not told:
        yield "it has no log"
    elif kinds[-1] != "status":
        yield f"its log goes on after its end with {told[-1].kind} {told[-1].data}"
    elif told[-1].data["to"] != status:
        yield f"it is {status}, and its log ends with {told[-1].data}"


def _of_moves(moves: list[dict[str, Any]]) -> Iterator[str]:
    for before, after in pairwise([{"to": "submitted"}, *moves]):
        if after["from"] != before["to"]:
            yield f"its log jumps from {before['to']} to {after['from']}"
    for move in moves:
        if ExecutionStatus(move["to"]) not in TRANSITIONS[ExecutionStatus(move["from"])]:
            yield f"it went from {move['from']} to {move['to']}"
