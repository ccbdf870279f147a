"""The example notebooks are what their sources give, and every server brings them."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from notebooks.build import FOLDER, build, sources, stored_as
from zapp_gallery import DEFAULT_DIRECTORY

each_source = pytest.mark.parametrize("source", sources(), ids=lambda source: source.stem)


@each_source
def test_what_is_stored_is_what_the_source_gives(source: Path) -> None:
    stored = stored_as(source).read_text(encoding="utf-8")
    assert stored == build(source), "run python -m notebooks.build"


@each_source
def test_it_has_a_title_and_no_outputs(source: Path) -> None:
    document = nbformat.read(stored_as(source), as_version=4)
    nbformat.validate(document)
    assert document.cells[0].source.startswith("# ")
    for cell in document.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
        assert cell.source


def test_no_notebook_is_without_a_source() -> None:
    assert {stored_as(source) for source in sources()} == set(FOLDER.glob("*.ipynb"))


def test_the_gallery_brings_all_of_them() -> None:
    brought = (DEFAULT_DIRECTORY / "jupyter" / "bin" / "zoe-examples").glob("*.ipynb")
    assert {place.name for place in brought} == {place.name for place in FOLDER.glob("*.ipynb")}


def test_cells_of_text_and_code_and_their_tags(tmp_path: Path) -> None:
    source = tmp_path / "small.py"
    source.write_text(
        "# %% [markdown]\n# # Title\n#\n# Text\n\n"
        '# %% tags=["parameters"]\nmonth = 1\n\n\n# %%\n# a comment\nmonth + 1\n'
    )
    cells = nbformat.reads(build(source), as_version=4).cells
    assert [(each.cell_type, each.source) for each in cells] == [
        ("markdown", "# Title\n\nText"),
        ("code", "month = 1"),
        ("code", "# a comment\nmonth + 1"),
    ]
    assert [each.metadata.get("tags") for each in cells] == [None, ["parameters"], None]
