"""``zoe gallery`` and ``zoe validate``: what may be launched, and whether an own ZApp could be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from zoe_client.cli._completion import complete_zapp
from zoe_client.cli._descriptions import read_description
from zoe_client.cli._output import Cell, Column, Output
from zoe_client.cli._run import FAILED, OK, connected, json_option
from zoe_client.cli._words import number
from zoe_core.amount import describe_memory

if TYPE_CHECKING:
    from zoe_core.protocol.rest import Parameter, Validation, ZAppDetail


@click.command(short_help="what may be launched")
@click.argument("zapp", required=False, shell_complete=complete_zapp)
@json_option
def gallery(zapp: str | None, as_json: bool) -> None:
    """Show what may be launched, or all of one ZAPP: its parameters and what it is for."""
    output = Output(as_json=as_json)
    with connected() as zoe:
        found = zoe.zapps() if zapp is None else zoe.zapp(zapp)
    if as_json:
        output.document(found)
    elif isinstance(found, tuple):
        output.table(
            [Column("zapp"), Column("name"), Column("category"), Column("description", wide=True)],
            [
                (
                    Cell(each.slug, "bold"),
                    each.name,
                    each.category,
                    each.description
                    if each.available
                    else Cell(f"not available: {' '.join(each.missing)}", "red"),
                )
                for each in found
            ],
        )
    else:
        _show_one(output, found)


@click.command(short_help="check the description of a ZApp")
@click.argument("file")
@json_option
def validate(file: str, as_json: bool) -> int:
    """Check the description of a ZApp in FILE (JSON), or from standard input for -.

    Exit code 0: it is valid, there may be warnings. 1: it is not. 2: the file cannot be read.
    """
    output = Output(as_json=as_json)
    description = read_description(file)
    with connected() as zoe:
        found = zoe.validate(description)
    if as_json:
        output.document(found)
    else:
        _show_validation(output, found)
    return OK if found.valid else FAILED


def _show_validation(output: Output, found: Validation) -> None:
    for each in found.problems:
        output.line(f"problem  {each.field}: {each.message}", "red")
    for each in found.warnings:
        output.line(f"warning  {each.field}: {each.message}", "yellow")
    output.line("It is valid." if found.valid else "It is not valid.")


def _show_one(output: Output, zapp: ZAppDetail) -> None:
    output.facts(
        {
            "ZApp": f"{zapp.slug} ({zapp.name})",
            "Category": zapp.category,
            "Description": zapp.description or "-",
            "Available": "yes" if zapp.available else f"no: {' '.join(zapp.missing)}",
        }
    )
    if zapp.parameters:
        output.line("")
        columns = [Column(name) for name in ("parameter", "type", "default", "range")]
        output.table(
            [*columns, Column("description", wide=True)], map(_parameter_row, zapp.parameters)
        )
    if services := zapp.zapp.get("services", ()):
        output.line("")
        columns = [Column("service"), Column("memory", right=True), Column("cores", right=True)]
        output.table(columns, map(_service_row, services))
    if zapp.readme and output.terminal:
        from rich.markdown import Markdown

        output.line("")
        output.draw(Markdown(_without_controls(zapp.readme), hyperlinks=False))


def _parameter_row(each: Parameter) -> tuple[Cell, str, str, str, str]:
    bounds = (
        "-" if each.min is None and each.max is None else f"{_told(each.min)}..{_told(each.max)}"
    )
    name = Cell(each.alias or each.name, "bold")
    return name, each.type, _told(each.default), bounds, each.description or each.label


def _service_row(each: Mapping[str, Any]) -> tuple[Cell, str, str]:
    """What is reserved for each of its instances; `--memory` and `--cores` change it.

    Not how many there are: parameters may say that.
    """
    resources = each.get("resources") or {}  # what is as usual is not said
    memory, cores = ((resources.get(what) or {}).get("min") for what in ("memory", "cores"))
    return (
        Cell(each["name"], "bold"),
        "-" if memory is None else describe_memory(memory),
        "-" if cores is None else number(cores),
    )


def _told(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _without_controls(text: str) -> str:
    return "".join(each if each.isprintable() or each in "\n\t" else "?" for each in text)
