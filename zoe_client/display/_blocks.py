"""What is shown of a document: a few kinds of blocks, each of which is written as HTML and as text.

So whatever a notebook shows can also be read where there is no HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import singledispatch

from zoe_client.display._html import Html, join, markup, safe_address, tag
from zoe_client.display._style import STYLE
from zoe_client.display._words import Badge, log_text, plain

_BAR_CELLS = 10


@dataclass(frozen=True, slots=True)
class Link:
    """Text that leads to a page; ``url`` empty: nowhere."""

    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """How much of something is used; ``text`` says it in numbers."""

    used: float
    capacity: float
    text: str

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(1.0, max(0.0, self.used / self.capacity)) if self.capacity else 0.0


@dataclass(frozen=True, slots=True)
class Several:
    """Several cells in one."""

    cells: tuple[Cell, ...]


Cell = str | Badge | Link | Bar | Several


@dataclass(frozen=True, slots=True)
class Title:
    """What this is; ``badges`` are beside it, ``quiet`` is less important."""

    text: str
    badges: tuple[Badge, ...] = ()
    quiet: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence or a few."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with values, one a line."""

    rows: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of equal length; those in ``marked`` (by number) stand out."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    marked: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Log:
    """The end of a log."""

    text: str


@dataclass(frozen=True, slots=True)
class Card:
    """A ZApp of the gallery; ``logo`` is a ``data:`` address."""

    title: str
    category: str
    text: str
    missing: str = ""
    logo: str = ""


@dataclass(frozen=True, slots=True)
class Cards:
    """Some cards side by side."""

    cards: tuple[Card, ...]


Block = Title | Note | Facts | Table | Log | Cards


def to_html(blocks: Iterable[Block], *, style: bool = True) -> Html:
    """Write blocks as one element; ``style``: with the style sheet that it needs."""
    sheet = (Html(f"<style>{STYLE}</style>"),) if style else ()
    return tag("div", *sheet, *(_html(each) for each in blocks), class_="zoe")


def to_text(blocks: Iterable[Block]) -> str:
    """Write blocks as lines of text."""
    return "\n".join(filter(None, (_text(each) for each in blocks)))


@singledispatch
def _html(block: Block | Cell) -> Html:
    return tag("bdi", block)


@_html.register
def _(block: Badge) -> Html:
    return tag("span", block.text, class_=f"zoe-badge zoe-{block.tone}")


@_html.register
def _(block: Link) -> Html:
    url = safe_address(block.url)
    text = tag("bdi", block.text)
    return tag("a", text, href=url, target="_blank", rel="noopener") if url else text


@_html.register
def _(block: Bar) -> Html:
    full = "zoe-full" if block.share >= 0.9 else None
    fill = tag("span", style=f"width:{block.share:.1%}", class_=full)
    return join((tag("span", fill, class_="zoe-bar", aria_hidden="true"), block.text))


@_html.register
def _(block: Several) -> Html:
    return tag("span", *(_html(each) for each in block.cells), class_="zoe-several")


@_html.register
def _(block: Title) -> Html:
    quiet = (tag("span", block.quiet, class_="zoe-quiet"),) if block.quiet else ()
    badges = (_html(each) for each in block.badges)
    return tag("div", _html(Link(block.text, block.url)), *badges, *quiet, class_="zoe-title")


@_html.register
def _(block: Note) -> Html:
    lines = join(tag("div", line) for line in block.text.splitlines())
    return tag("div", lines, class_=f"zoe-note zoe-{block.tone}" if block.tone else "zoe-note")


@_html.register
def _(block: Facts) -> Html:
    rows = join(tag("tr", tag("td", name), tag("td", _html(value))) for name, value in block.rows)
    return tag("table", tag("tbody", rows), class_="zoe-facts") if block.rows else Html()


@_html.register
def _(block: Table) -> Html:
    head = tag("thead", tag("tr", *(tag("th", each, scope="col") for each in block.columns)))
    rows = (
        tag(
            "tr",
            *(tag("td", _html(cell)) for cell in row),
            class_="zoe-mine" if number in block.marked else None,
        )
        for number, row in enumerate(block.rows)
    )
    return tag("table", head, tag("tbody", *rows))


@_html.register
def _(block: Log) -> Html:
    return tag("pre", log_text(block.text), class_="zoe-log") if block.text else Html()


@_html.register
def _(block: Cards) -> Html:
    return tag("div", *(card_html(each) for each in block.cards), class_="zoe-cards")


def card_html(card: Card) -> Html:
    """A card by itself."""
    # An image that is loaded from a data address runs no scripts.
    logo = Html(f'<img alt="" src="{markup(card.logo)}">') if card.logo else Html()
    missing = tag("div", card.missing, class_="zoe-note zoe-warning") if card.missing else Html()
    title, category = tag("b", card.title), tag("span", card.category, class_="zoe-quiet")
    return tag("div", logo, title, category, tag("div", card.text), missing, class_="zoe-card")


@singledispatch
def _text(block: Block | Cell) -> str:
    return plain(str(block))


@_text.register
def _(block: Badge) -> str:
    return block.text


@_text.register
def _(block: Link) -> str:
    return plain(block.text)


@_text.register
def _(block: Bar) -> str:
    full = round(block.share * _BAR_CELLS)
    return f"[{'#' * full}{'.' * (_BAR_CELLS - full)}] {block.text}"


@_text.register
def _(block: Several) -> str:
    return ", ".join(_text(each) for each in block.cells)


@_text.register
def _(block: Title) -> str:
    beside = [each.text for each in block.badges] + ([plain(block.quiet)] if block.quiet else [])
    return f"{plain(block.text)}{': ' if beside else ''}{', '.join(beside)}"


@_text.register
def _(block: Note) -> str:
    return "\n".join(plain(line) for line in block.text.splitlines())


@_text.register
def _(block: Facts) -> str:
    return _aligned([(f"{name}:", _text(value)) for name, value in block.rows])


@_text.register
def _(block: Table) -> str:
    marks = ["* " if number in block.marked else "  " for number in range(len(block.rows))]
    rows = [[_text(cell) for cell in row] for row in block.rows]
    lines = _aligned([list(block.columns), *rows]).splitlines()
    return "\n".join(mark + line for mark, line in zip(["  ", *marks], lines, strict=True))


@_text.register
def _(block: Log) -> str:
    return block.text.rstrip("\n")


@_text.register
def _(block: Cards) -> str:
    return _aligned([(plain(card.title), plain(card.text)) for card in block.cards])


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
