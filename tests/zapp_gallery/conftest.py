"""Directories for real runs, and the scripts of the gallery as modules."""

import sys
from pathlib import Path

import pytest

from zapp_gallery import DEFAULT_DIRECTORY

for folder in ("spark-job", "mpi-job", "notebook-job"):
    sys.path.append(str(DEFAULT_DIRECTORY / folder / "bin"))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with a blank in its path, as a person's may have."""
    directory = tmp_path / "a place"
    directory.mkdir()
    return directory
