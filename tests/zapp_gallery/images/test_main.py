"""The command line that ``make images`` runs."""

from pathlib import Path

import pytest

from zapp_gallery.images.__main__ import main, sizes
from zapp_gallery.images.recipes import DEBIAN, Recipe


def test_an_unknown_image_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zoe/sparc"]) == 1
    assert "There is no image 'zoe/sparc' here" in capsys.readouterr().err


def test_without_docker_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main([]) == 1
    assert "Building needs the command docker" in capsys.readouterr().err


def test_sizes_are_told_with_what_is_shared() -> None:
    recipes = [Recipe("zoe/base", "base"), Recipe("zoe/mpi", "mpi-job")]
    table = sizes(recipes, {DEBIAN: 75_000_000, "zoe/base": 120_000_000, "zoe/mpi": 220_400_000})
    assert [line.split() for line in table.splitlines()] == [
        ["image", "MB", "its", "own"],
        ["zoe/base", "120", "45"],
        ["zoe/mpi", "220", "100"],
    ]
