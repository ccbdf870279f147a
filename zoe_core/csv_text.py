"""Tables as CSV (RFC 4180), for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

CSV = "text/csv; charset=utf-8"

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes text that begins so for something to carry out."""


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """The lines of these rows; None is an empty field. Text never becomes a formula."""
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerows([_harmless(field) for field in row] for row in rows)
    return lines.getvalue()


def _harmless(field: object) -> object:
    if isinstance(field, str) and field.startswith(_FORMULAS):
        return f"'{field}"
    return field
