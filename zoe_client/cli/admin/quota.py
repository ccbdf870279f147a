"""``zoe-admin quota``: what each user may hold at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from math import nan
from typing import TYPE_CHECKING, Any

import click

import zoe_client
from zoe_client.cli._output import Column, Content, Output
from zoe_client.cli._run import connected, json_option
from zoe_client.cli._words import duration, number, read_duration, read_size
from zoe_client.cli.admin.asking import NAME, BadOption
from zoe_core.amount import describe_memory
from zoe_core.names import shorten

if TYPE_CHECKING:
    from zoe_client import Client
    from zoe_core.protocol.rest_admin import Quota, QuotaKind

DEFAULT = "default"
UNLIMITED = "unlimited"
NOTHING = "none"
"""What is typed for "this quota says nothing about it"."""

_TRIES = 5
"""How often a quota is read and set, when somebody else sets it in between."""
_TOO_MUCH = 10**38
"""Numbers with more digits are none to REST; of others it says how much each limit may be."""
_KIND = click.Choice(["user", "group", DEFAULT])
_COLUMNS = (
    Column("of"),
    Column("name"),
    Column("executions", right=True),
    Column("memory", right=True),
    Column("cores", right=True),
    Column("gpus", right=True),
    Column("runtime", right=True),
    Column("weight", right=True),
    Column("set by"),
)


class _Limit(click.ParamType):
    """An amount, ``unlimited``, or ``none``."""

    name = "limit"

    def __init__(self, read: Callable[[str], Any], such_as: str) -> None:
        self._read, self._such_as = read, such_as

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """What REST takes; ``none`` stays what it is."""
        if value in (UNLIMITED, NOTHING):
            return value
        try:
            found = self._read(value)
        except (ValueError, OverflowError):
            found = nan
        if not abs(found) < _TOO_MUCH:  # nor is nan
            self.fail(
                f"is {shorten(value)!r}: must be such as {self._such_as}, or '{UNLIMITED}', or "
                f"'{NOTHING}' to say nothing about it",
                param,
                ctx,
            )
        return found


def _seconds(text: str) -> int:
    return round(read_duration(text))


@click.group(short_help="what users may hold at a time")
def quota() -> None:
    """See and set what each user may hold at a time.

    A user's limits are the most generous of her own and her groups', one by one; of what these do
    not say the default counts; what that does not say is not limited.
    """


@quota.command("ls", short_help="list the quotas")
@json_option
def ls(as_json: bool) -> None:
    """List the default quota, those of groups and those of users."""
    output = Output(as_json=as_json)
    with connected(NAME) as zoe:
        found = zoe.quotas()
    if as_json:
        output.document(found)
    elif found or not output.terminal:
        output.table(_COLUMNS, map(_row, found))
    else:
        output.line("There are none: nobody is limited.", "dim")


@quota.command("set", short_help="set limits")
@click.argument("kind", type=_KIND)
@click.argument("name", required=False)
@click.option("--executions", type=_Limit(int, "3"), help="That start or run at a time.")
@click.option("--memory", type=_Limit(read_size, "8GB"), help="Of all of them together.")
@click.option("--cores", type=_Limit(float, "4"), help="Of all of them together.")
@click.option("--gpus", type=_Limit(int, "1"), help="Of all of them together.")
@click.option("--runtime-limit", type=_Limit(_seconds, "2h"), help="Of each, from its start.")
@click.option("--weight", type=_Limit(float, "2"), help="Twice the weight, twice the share.")
@json_option
def set_(kind: QuotaKind, name: str | None, as_json: bool, **limits: Any) -> None:
    """Set limits for a user, for each member of a group, or for everybody.

    \b
        zoe-admin quota set user alice --memory 8GB --cores 4 --executions 3
        zoe-admin quota set group students --runtime-limit 2h
        zoe-admin quota set default --gpus 0
        zoe-admin quota set user bob --memory unlimited --cores none

    What is not named stays as it was. With `unlimited` there is no limit, whatever other quotas
    say; with `none` this quota says nothing about it. It counts at once.
    """
    whose = _named(kind, name)
    given = {key: value for key, value in limits.items() if value is not None}
    if not given:
        raise click.UsageError("give one limit at least, such as --memory 8GB")
    output = Output(as_json=as_json)
    with connected(NAME) as zoe:
        found = _change(zoe, kind, whose, given)
    if as_json:
        output.document(found)
    else:
        output.table(_COLUMNS, [_row(found)])


@quota.command("rm", short_help="remove a quota")
@click.argument("kind", type=_KIND)
@click.argument("name", required=False)
@json_option
def rm(kind: QuotaKind, name: str | None, as_json: bool) -> None:
    """Remove the quota of a user, of a group, or the default one."""
    output = Output(as_json=as_json)
    whose = _named(kind, name)
    with connected(NAME) as zoe:
        zoe.remove_quota(kind, whose)
    if as_json:
        output.json({"kind": kind, "name": whose, "removed": True})
    else:
        output.line(f"The quota of {_words(kind, whose)} is removed.")


def _named(kind: str, name: str | None) -> str:
    if kind == DEFAULT:
        if name not in (None, DEFAULT):
            raise BadOption(f"NAME: is {name!r}: there is only one default quota: give no name")
        return DEFAULT
    if not name:
        raise BadOption(f"NAME: is missing: say which {kind}")
    return name


def _change(zoe: Client, kind: QuotaKind, name: str, given: Mapping[str, Any]) -> Quota:
    """Set these limits, and keep the others, also those that somebody else sets meanwhile."""
    for _ in range(_TRIES - 1):
        with suppress(zoe_client.Changed):
            return _change_once(zoe, kind, name, given)
    return _change_once(zoe, kind, name, given)


def _change_once(zoe: Client, kind: QuotaKind, name: str, given: Mapping[str, Any]) -> Quota:
    """The same, once. Raises Changed when somebody else has set the quota meanwhile."""
    from zoe_core.protocol.rest_admin import QuotaLimits

    try:
        found, tag = zoe.quota(kind, name)
    except zoe_client.NotFound:
        return zoe.set_quota(kind, name, _said(given), if_none_match="*")
    before = found.model_dump(include=set(QuotaLimits.model_fields))
    return zoe.set_quota(kind, name, _said({**before, **given}), tag)


def _said(limits: Mapping[str, Any]) -> dict[str, Any]:
    """Without those that a quota is to say nothing of."""
    return {key: value for key, value in limits.items() if value not in (None, NOTHING)}


def _words(kind: str, name: str) -> str:
    return "everybody" if kind == DEFAULT else f"{kind} {name}"


def _row(found: Quota) -> tuple[Content, ...]:
    return (
        "everybody" if found.kind == DEFAULT else found.kind,
        "-" if found.kind == DEFAULT else found.name,
        _shown(found.executions, str),
        _shown(found.memory, lambda each: describe_memory(int(each))),
        _shown(found.cores, number),
        _shown(found.gpus, str),
        _shown(found.runtime_limit, duration),
        _shown(found.weight, number),
        found.changed_by,
    )


def _shown(limit: float | str | None, words: Callable[[float], str]) -> str:
    if limit is None or isinstance(limit, str):
        return limit or "-"
    return words(limit)
