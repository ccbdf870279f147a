"""The end of a log that grows: its last lines, sent to the front-end as blocks.

Only the block that grows is sent again; the others stay as they are on the page.
"""

from __future__ import annotations

from collections import deque

from ipywidgets import HTML, Box, Layout, VBox

from zoe_client.display._html import tag
from zoe_client.display._words import log_text

BLOCK = 100
"""Lines of a block."""

BLOCKS = 10
"""Blocks that are kept: the log of a widget has their number times ``BLOCK`` lines at most."""

LONGEST = 4_000
"""Characters of a line that are shown."""


class LogText:
    """The last lines of a log; ``first`` counts the blocks that were dropped before them."""

    def __init__(self) -> None:
        self.first = 0
        self._blocks: deque[list[str]] = deque([[""]])

    def add(self, piece: str) -> None:
        """Add text, which may begin and end within a line."""
        head, *lines = piece.split("\n")
        self._grow(head)
        for line in lines[-(BLOCK * BLOCKS + BLOCK) :]:
            self._begin_line()
            self._grow(line)

    @property
    def blocks(self) -> list[str]:
        """The text of each block, the oldest first."""
        return ["\n".join(block) for block in self._blocks]

    @property
    def text(self) -> str:
        """All that is kept."""
        return "\n".join(self.blocks)

    def _grow(self, text: str) -> None:
        line = self._blocks[-1][-1] + text
        whole = line.rstrip("\r")
        shown = whole.rpartition("\r")[2][:LONGEST]  # of a progress bar how it was last
        self._blocks[-1][-1] = shown + "\r" if len(whole) < len(line) else shown

    def _begin_line(self) -> None:
        if len(self._blocks[-1]) < BLOCK:
            self._blocks[-1].append("")
            return
        self._blocks.append([""])
        if len(self._blocks) > BLOCKS:
            self._blocks.popleft()
            self.first += 1


class LogView(Box):
    """Shows a :class:`LogText`; it stays at the end of the log unless somebody scrolls up."""

    def __init__(self) -> None:
        self.kept = LogText()
        self._first = 0
        self._lines = VBox(layout=Layout(flex="0 0 auto", width="100%", overflow="visible"))
        super().__init__(
            [self._lines],
            # Of a box that grows upwards, browsers keep the lower end in view.
            layout=Layout(
                display="none", flex_flow="column-reverse", max_height="24em", overflow="auto"
            ),
        )
        self.add_class("zoe-logbox")

    def clear(self) -> None:
        """Begin another log."""
        self.kept = LogText()

    def refresh(self) -> None:
        """Show what the log has now."""
        texts = self.kept.blocks
        shown = list(self._lines.children)
        if self.kept.first < self._first:  # another log
            gone, shown = shown, []
        else:
            gone, shown = _split(shown, self.kept.first - self._first)
        self._first = self.kept.first
        surplus = shown[len(texts) :]
        shown = shown[: len(texts)]
        for widget, text in zip(shown, texts, strict=False):
            widget.value = _lines(text)
        shown += [HTML(_lines(text)) for text in texts[len(shown) :]]
        if tuple(shown) != self._lines.children:
            self._lines.children = shown
        for widget in gone + surplus:
            widget.close()
        self.layout.display = "flex" if texts != [""] else "none"


def _split(widgets: list[HTML], number: int) -> tuple[list[HTML], list[HTML]]:
    return widgets[:number], widgets[number:]


def _lines(text: str) -> str:
    return tag("pre", log_text(text), class_="zoe-lines")
