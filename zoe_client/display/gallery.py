"""The gallery: cards, and one ZApp with what may be set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from zoe_client.display._blocks import Block, Card, Cards, Note, Table, Title
from zoe_client.display._links import page
from zoe_core.protocol import rest


def card(zapp: rest.ZAppSummary, logo: str = "") -> Card:
    """The card of a ZApp; ``logo`` is a ``data:`` address."""
    missing = "" if zapp.available else f"Not ready here: {'; '.join(zapp.missing)}"
    return Card(zapp.name, zapp.category, zapp.description, missing, logo)


def gallery_blocks(
    zapps: Iterable[rest.ZAppSummary], logos: Mapping[str, str] | None = None
) -> list[Block]:
    """All cards."""
    cards = tuple(card(each, (logos or {}).get(each.slug, "")) for each in zapps)
    return [Cards(cards)] if cards else [Note("The gallery has nothing for you.")]


def zapp_blocks(zapp: rest.ZAppDetail, base: str = "") -> list[Block]:
    """A ZApp with its parameters; its README is on its page."""
    heading = Title(zapp.name, quiet=f"{zapp.category}, {zapp.slug}", url=page(zapp.url, base))
    blocks: list[Block] = [heading, Note(zapp.description)]
    if not zapp.available:
        blocks.append(Note(f"Not ready here: {'; '.join(zapp.missing)}", "warning"))
    if zapp.parameters:
        rows = tuple(
            (
                each.alias or each.name,
                "" if each.default is None else str(each.default),
                " ".join(filter(None, (each.description, range_of(each)))),
            )
            for each in zapp.parameters
        )
        blocks.append(Table(("Parameter", "Default", "What it is"), rows))
    return blocks


def range_of(parameter: rest.Parameter) -> str:
    """The values that it may have, in words; empty when there is no limit."""
    least, most = parameter.min, parameter.max
    if least is not None and most is not None:
        return f"{least} to {most}."
    if least is not None:
        return f"{least} or more."
    return "" if most is None else f"At most {most}."


def validation_blocks(validation: rest.Validation) -> list[Block]:
    """What is wrong with a description."""
    found = [("must be changed", each) for each in validation.problems]
    found += [("is only odd", each) for each in validation.warnings]
    verdict = "It could be launched." if validation.valid else "It cannot be launched."
    note = Note(verdict, "" if validation.valid else "wrong")
    if not found:
        return [note]
    rows = tuple((each.field or "-", each.message, kind) for kind, each in found)
    return [note, Table(("Field", "What is wrong", ""), rows)]
