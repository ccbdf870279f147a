"""How commands show what they found: drawn on a terminal, plain aligned text in a pipe, or JSON.

What others have written (names, reasons) is made harmless here, once for all commands.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from zoe_client.cli._words import printable

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

GAP = "  "
_BAR_WIDTH = 20
_FULL, _HIGH = 0.9, 0.7


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; numbers go to the ``right``.

    On a terminal that is too narrow a ``wide`` one is folded, a ``cut`` one cut; others stay whole.
    """

    title: str
    right: bool = False
    wide: bool = False
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """Text in a style of rich, such as ``bold red``, which only terminals see."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """How much is used, ``share`` from 0 to 1, and in words; without a terminal the words alone."""

    share: float
    text: str


Content = str | Cell | Bar


class Output:
    """Where a command writes: its results to standard output, all else to standard error.

    ``terminal`` says whether a person looks at standard output. With ``as_json`` nothing but JSON
    is written there.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.terminal = sys.stdout.isatty() and not as_json

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[Content]]) -> None:
        """Show rows under their titles; a pipe gets the titles too, in capitals."""
        found = list(rows)
        if self.terminal:
            self.draw(drawn_table(columns, found))
        else:
            print("\n".join(_plain_table(columns, found)))

    def facts(self, facts: Mapping[str, Content]) -> None:
        """Show one thing: a line for each of its facts."""
        if self.terminal:
            self.draw(drawn_facts(facts))
            return
        width = max(map(len, facts), default=0) + 1
        for name, content in facts.items():
            print(f"{name + ':':{width}}{GAP}{_plain(content)}".rstrip())

    def line(self, text: str, style: str = "") -> None:
        """Show one line."""
        if self.terminal:
            self.draw(_drawn(Cell(text, style)))
        else:
            print(printable(text), flush=True)

    def document(self, document: BaseModel | Iterable[BaseModel]) -> None:
        """Write a document as REST gives it; several become one array."""
        from pydantic import BaseModel

        if isinstance(document, BaseModel):
            self.json(document.model_dump(mode="json"))
        else:
            self.json([each.model_dump(mode="json") for each in document])

    def json(self, value: Any) -> None:
        """Write a value as JSON: on one line, unless a person looks at it."""
        print(json.dumps(value, indent=2 if sys.stdout.isatty() else None))

    def json_line(self, value: Any) -> None:
        """Write a value on one line, and let the reader have it now."""
        print(json.dumps(value), flush=True)

    def note(self, text: str) -> None:
        """Tell a person something beside the results: on standard error."""
        sys.stdout.flush()
        print(printable(text), file=sys.stderr, flush=True)

    def draw(self, *drawing: RenderableType) -> None:
        """Put what rich can draw on the terminal."""
        console(sys.stdout).print(*drawing)


def console(stream: TextIO) -> Console:
    """A console of rich that takes text as it is: no markup, nothing coloured by itself."""
    from rich.console import Console

    return Console(file=stream, highlight=False, markup=False, emoji=False)


def drawn_table(columns: Sequence[Column], rows: Iterable[Sequence[Content]]) -> Table:
    """The table as a drawing."""
    from rich import box
    from rich.table import Table

    table = Table(
        box=box.SIMPLE_HEAD,
        header_style="bold",
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
    for each in columns:
        table.add_column(
            each.title,
            justify="right" if each.right else "left",
            no_wrap=not (each.wide or each.cut),  # rich takes room only from those that may wrap
            overflow="fold" if each.wide else "ellipsis",
        )
    for row in rows:
        cells = [_drawn(content) for content in row]
        for column, cell in zip(columns, cells, strict=True):
            cell.no_wrap = column.cut or None
        table.add_row(*cells)
    return table


def drawn_facts(facts: Mapping[str, Content]) -> Table:
    """The facts as a drawing."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, content in facts.items():
        grid.add_row(name, _drawn(content))
    return grid


def share_style(share: float) -> str:
    """The colour of how much is used."""
    return "red" if share >= _FULL else "yellow" if share >= _HIGH else "green"


def _drawn(content: Content) -> Text:
    from rich.text import Text

    if isinstance(content, Bar):
        filled = round(min(1.0, max(0.0, content.share)) * _BAR_WIDTH)
        return Text.assemble(
            ("━" * filled, share_style(content.share)),
            ("━" * (_BAR_WIDTH - filled), "bright_black"),
            f" {printable(content.text)}",
        )
    if isinstance(content, Cell):
        return Text(printable(content.text), content.style)
    return Text(printable(content))


def _plain(content: Content) -> str:
    return printable(content if isinstance(content, str) else content.text)


def _plain_table(columns: Sequence[Column], rows: Sequence[Sequence[Content]]) -> Iterable[str]:
    from rich.cells import cell_len

    lines = [[each.title.upper() for each in columns]]
    lines += [[_plain(content) or "-" for content in row] for row in rows]
    widths = [max(map(cell_len, texts)) for texts in zip(*lines, strict=True)]
    for line in lines:
        shown = []
        for column, text, width in zip(columns, line, widths, strict=True):
            room = " " * (width - cell_len(text))
            shown.append(room + text if column.right else text + room)
        yield GAP.join(shown).rstrip()
