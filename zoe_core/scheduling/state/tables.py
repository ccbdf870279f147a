"""What the decision asks of all executions at once: the fields of its columns, and their rows."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, nan
from typing import Any

from zoe_core.amount import Amount
from zoe_core.cluster import InstanceView
from zoe_core.scheduling.nodes.room import Need
from zoe_core.scheduling.state.columns import Codes, Field
from zoe_core.scheduling.state.known import Known, Want, is_there, returnable
from zoe_core.scheduling.state.quota_use import weights_of

Row = tuple[Any, ...]

READY, ON_HOLD, LEAVING = range(3)
_PRIORITIES = {"low": 0, "normal": 1, "high": 2}

REQUEST: dict[str, Field] = {
    "owner": (int, 1),
    "submitted": (float, 1),  # Unix time
    "priority": (int, 1),  # larger is earlier
    "user": (int, 1),
    "account": (int, 1),
    "expected": (float, 1),  # seconds that it will probably run, nan: unknown
    "limit": (float, 1),  # its ZApp's runtime limit in seconds, nan: none
    "started": (float, 1),  # Unix time, nan: not yet
    "use": (int, 4),  # of the gang, as quotas count it
    "whole": (int, 3),  # the amount of all instances that it may have
    "working": (float, 3),  # the amount of its instances that run
    "worked": (float, 3),  # amounts times seconds of those that are gone, and less the amounts that
    # run times the Unix times when they started
    "size": (float, 1),
    "kind": (int, 1),  # of its largest need
    "need": (int, 3),  # the amount of its largest need
    "count": (int, 1),  # how many have it
    "shape": (int, 1),  # equal for equal demands
    "state": (int, 1),
}
"""An execution that waits or is up: one row each."""

HELD: dict[str, Field] = {
    "owner": (int, 1),
    "seq": (int, 1),  # its place in what its execution holds
    "node": (int, 1),  # code of its name
    "amount": (int, 3),
    "leaving": (bool, 1),
    "returnable": (bool, 1),
    "there": (bool, 1),  # seen by the back-end
    "until": (float, 1),  # not taken back before, Unix time
    "started": (float, 1),  # Unix time, inf: not yet
}
"""An instance that holds its reservation."""

WANT: dict[str, Field] = {
    "owner": (int, 1),
    "seq": (int, 1),  # its place in what its execution wants
    "user": (int, 1),
    "account": (int, 1),
    "kind": (int, 1),
    "use": (int, 4),
    "need": (int, 3),
    "lendable": (bool, 1),
}
"""Elastic instances of one service that an execution lacks."""

Kind = tuple[str, frozenset[str]]
"""What, room aside, says which nodes may start an instance: its image and labels."""


def request_row(known: Known, user: int, account: int, kinds: Codes[Kind]) -> Row:
    """The row of ``REQUEST`` for an execution."""
    view, zapp = known.view, known.view.zapp
    largest, count = max(known.demand, key=_size)
    kind, need = _asked(largest, kinds)
    return (
        view.id,
        view.submitted_at.timestamp(),
        _PRIORITIES[zapp.priority],
        user,
        account,
        nan if view.expected_seconds is None else view.expected_seconds,
        nan if zapp.runtime_limit is None else zapp.runtime_limit,
        nan if view.started_at is None else view.started_at.timestamp(),
        weights_of(known.total, 1),
        _row(known.whole),
        *_working(known),
        zapp.size,
        kind,
        need,
        count,
        hash(known.demand),
        _state(known),
    )


def held_rows(known: Known, nodes: Codes[str]) -> Iterator[Row]:
    """The rows of ``HELD`` of an execution."""
    services = {service.dns_label: service for service in known.view.zapp.services}
    for seq, each in enumerate(known.held):
        service = services[each.id.service]
        started = inf if each.started_at is None else each.started_at.timestamp()
        held_long_enough = each.started_at is None or not service.min_hold
        yield (
            known.view.id,
            seq,
            nodes.of(each.node),
            _row(each.reservation),
            each.leaving,
            known.up and returnable(service, each),
            is_there(each),
            -inf if held_long_enough else started + service.min_hold,
            started,
        )


def essential_row(instance: InstanceView, nodes: Codes[str]) -> Row:
    """The row of ``HELD`` of an essential instance that gets its place just now."""
    owner, amount = instance.id.execution_id, _row(instance.reservation)
    return owner, 0, nodes.of(instance.node), amount, False, False, False, -inf, inf


def want_row(owner: int, seq: int, want: Want, user: int, account: int, kinds: Codes[Kind]) -> Row:
    """The row of ``WANT`` for what an execution lacks of one service."""
    kind, need = _asked(want.need, kinds)
    use = weights_of(want.need.amount)
    return owner, seq, user, account, kind, use, need, want.lendable


def _working(known: Known) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Sums over its instances, of which follows what they have done at any later time.

    Those that are gone have done what they have done.
    """
    amounts, done = [0.0] * 3, [0.0] * 3
    for each in known.instances.values():
        if each.started_at is None:
            continue
        started = each.started_at.timestamp()
        for column, part in enumerate(_row(each.reservation)):
            if each.ended_at is None:
                amounts[column] += part
                done[column] -= part * started
            else:
                done[column] += part * (each.ended_at.timestamp() - started)
    return tuple(amounts), tuple(done)


def _state(known: Known) -> int:
    if known.view.on_hold:
        return ON_HOLD
    return LEAVING if known.waits and known.held else READY


def _size(asked: tuple[Need, int]) -> tuple[int, int, int]:
    return asked[0].size


def _asked(need: Need, kinds: Codes[Kind]) -> tuple[int, tuple[int, int, int]]:
    return kinds.of((need.image, need.labels)), _row(need.amount)


def _row(amount: Amount) -> tuple[int, int, int]:
    return amount.memory, amount.millicores, amount.gpus
