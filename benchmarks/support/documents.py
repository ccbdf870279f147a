"""Figures in documents: a table between two markers, written anew by the program that measures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; the first column is text, the others are numbers."""
    head = [f"| {' | '.join(columns)} |", f"|---{'|---:' * (len(columns) - 1)}|"]
    return "\n".join([*head, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def replace_between(document: Path, name: str, content: str) -> None:
    """Put ``content`` between ``<!-- name: begin -->`` and ``<!-- name: end -->``.

    Raises ValueError when the document does not have both.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    pattern = re.compile(f"({re.escape(begin)}\n).*?({re.escape(end)})", re.DOTALL)
    text, count = pattern.subn(
        lambda found: f"{found[1]}\n{content}\n\n{found[2]}",
        document.read_text(encoding="utf-8"),
    )
    if count != 1:
        raise ValueError(f"{document} must have {begin} and {end}, once")
    document.write_text(text, encoding="utf-8")
