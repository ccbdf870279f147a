"""``zoe-admin users``: what each user holds now, of what her quota allows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import click

from zoe_client.cli._output import Column, Content, Output
from zoe_client.cli._run import connected, json_option
from zoe_client.cli._words import ago, duration, exact, number
from zoe_client.cli.admin.asking import NAME
from zoe_core.amount import describe_memory

if TYPE_CHECKING:
    from zoe_core.protocol.rest_admin import UserUse

N = TypeVar("N", int, float)

_COLUMNS = (
    Column("user"),
    Column("groups", cut=True),
    Column("up", right=True),
    Column("waiting", right=True),
    Column("memory", right=True),
    Column("cores", right=True),
    Column("gpus", right=True),
    Column("runtime", right=True),
    Column("last launch"),
)


@click.command(short_help="what users hold, of their quotas")
@json_option
def users(as_json: bool) -> None:
    """Show what each user holds now, and the quota that counts for her.

    \b
        zoe-admin users
        zoe-admin users --json | jq -r '.[] | select(.waiting > 0) | .name'

    `up` counts the executions that start or run; `runtime` is how long each of hers may run. The
    quota that counts is that of `zoe-admin quota` for her, her groups and everybody together; where
    only an amount is shown there is no limit. Groups are those of her last launch. Whoever never
    launched anything and has no quota is not here.
    """
    output = Output(as_json=as_json)
    with connected(NAME) as zoe:
        found = zoe.users()
    if as_json:
        output.document(found)
    elif found or not output.terminal:
        output.table(_COLUMNS, [_row(each, output.terminal) for each in found])
    else:
        output.line("Nobody has launched anything, or has a quota.", "dim")


def _row(each: UserUse, terminal: bool) -> tuple[Content, ...]:
    held, quota, last = each.held, each.quota, each.last_submitted_at
    return (
        each.name,
        ", ".join(each.groups) or "-",
        _of(each.up, quota.executions, str),
        str(each.waiting),
        _of(held.memory, quota.memory, describe_memory),
        _of(held.cores, quota.cores, number),
        _of(held.gpus, quota.gpus, str),
        duration(quota.runtime_limit),
        ago(last, datetime.now(UTC)) if terminal else exact(last),
    )


def _of(held: N, limit: N | None, words: Callable[[N], str]) -> str:
    return words(held) if limit is None else f"{words(held)} of {words(limit)}"
