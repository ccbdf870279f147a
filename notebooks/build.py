"""Writes the example notebooks from their sources: ``python -m notebooks.build``.

A source is a Python file in the percent format (of Jupytext, VS Code and Spyder): ``# %%`` begins a
cell of code, ``# %% [markdown]`` one of text, whose lines are comments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

FOLDER = Path(__file__).parent
SOURCES = FOLDER / "source"

_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_BEGINNING = re.compile(r"^# %%(?P<text> \[markdown\])?(?: tags=(?P<tags>\[.*\]))?$", re.MULTILINE)


def main() -> None:
    """Write all of them."""
    for source in sources():
        stored_as(source).write_text(build(source), encoding="utf-8")
        print(stored_as(source).relative_to(FOLDER.parent))


def sources() -> list[Path]:
    """The sources, by name."""
    return sorted(SOURCES.glob("*.py"))


def stored_as(source: Path) -> Path:
    """Where the notebook of a source is."""
    return FOLDER / f"{source.stem}.ipynb"


def build(source: Path) -> str:
    """Return the notebook of a source as it is stored: without outputs, always the same."""
    cells = list(_cells(source.read_text(encoding="utf-8")))
    for number, cell in enumerate(cells, start=1):
        cell["id"] = f"cell-{number}"
    notebook = new_notebook(cells=cells, metadata=_METADATA)
    nbformat.validate(notebook)
    return f"{nbformat.writes(notebook)}\n"


def _cells(text: str) -> Iterator[nbformat.NotebookNode]:
    beginnings = list(_BEGINNING.finditer(text))
    ends = [found.start() for found in beginnings[1:]] + [len(text)]
    for beginning, end in zip(beginnings, ends, strict=True):
        content = text[beginning.end() : end].strip("\n")
        if beginning["text"]:
            yield new_markdown_cell(re.sub(r"^# ?", "", content, flags=re.MULTILINE))
        else:
            tags = {"tags": json.loads(beginning["tags"])} if beginning["tags"] else {}
            yield new_code_cell(content, metadata=tags)


if __name__ == "__main__":
    main()
