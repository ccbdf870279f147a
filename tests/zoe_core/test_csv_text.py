"""Tables for spreadsheets, which take some text for formulas."""

import csv
from io import StringIO

import pytest

from zoe_core.csv_text import csv_text


def test_what_needs_quotes_has_them() -> None:
    rows = [["a,b", 'say "x"', "two\nlines", 1, 2.5, None]]
    text = csv_text(rows)
    assert text.endswith("\r\n")
    assert list(csv.reader(StringIO(text))) == [["a,b", 'say "x"', "two\nlines", "1", "2.5", ""]]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_text_never_becomes_a_formula(text: str) -> None:
    assert list(csv.reader(StringIO(csv_text([[text, -1]]), newline=""))) == [[f"'{text}", "-1"]]
