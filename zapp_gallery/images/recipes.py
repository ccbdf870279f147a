"""Which folder builds which image, in the order in which they stand on one another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from zapp_gallery.loader import DEFAULT_DIRECTORY

DEBIAN = "debian:bookworm-slim"
"""What the first of them stands on."""

_BASE = "ARG BASE="


class RecipeError(Exception):
    """There is no such image, or its Dockerfile does not say what it stands on."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One image: its name, and the folder below the gallery that has its Dockerfile.

    ``light_client``: its Dockerfile installs Zoe's client as well, from the directory ``client``.
    ``stage``: not the whole of the Dockerfile, but the stage of that name.
    """

    image: str
    folder: str
    light_client: bool = False
    stage: str | None = None

    @property
    def context(self) -> Path:
        """The directory of its Dockerfile."""
        return DEFAULT_DIRECTORY / self.folder

    @property
    def base(self) -> str:
        """The image that it stands on, as its Dockerfile says. Raises RecipeError."""
        dockerfile = self.context / "Dockerfile"
        for line in dockerfile.read_text(encoding="utf-8").splitlines():
            if line.startswith(_BASE):
                return line.removeprefix(_BASE)
        raise RecipeError(f"{dockerfile} has no line {_BASE}…")


RECIPES = (
    Recipe("zoe/base", "base"),
    Recipe("zoe/lab", "jupyter", stage="lab"),
    Recipe("zoe/jupyter", "jupyter", light_client=True),
    Recipe("zoe/notebook", "notebook-job"),
    Recipe("zoe/spark", "spark-job"),
    Recipe("zoe/pyspark-notebook", "pyspark-notebook", light_client=True),
    Recipe("zoe/mpi", "mpi-job"),
)


def needed(images: Iterable[str]) -> list[Recipe]:
    """Return the recipes of ``images`` and of all they stand on, in the order to build them.

    All recipes, if none is named. Raises RecipeError for an image that is not ours.
    """
    known = {recipe.image: recipe for recipe in RECIPES}
    wanted: set[str] = set()
    for image in list(images) or known:
        if image not in known:
            raise RecipeError(f"There is no image {image!r} here; there are: {', '.join(known)}.")
        while image in known:
            wanted.add(image)
            image = known[image].base
    return [recipe for recipe in RECIPES if recipe.image in wanted]
