"""What is handed to the engine with a Dockerfile: its folder, and for some the light client."""

from __future__ import annotations

import shutil
from pathlib import Path

from zapp_gallery.images.light_client import write_light_client
from zapp_gallery.images.recipes import Recipe

CLIENT = "client"
"""The directory beside a Dockerfile that has the light client."""


def make_context(recipe: Recipe, private: Path) -> Path:
    """Make the directory to build ``recipe`` from, below ``private``, and return it.

    Links in the folder of the gallery become what they lead to: an engine sees no more than it is
    handed.
    """
    context = private / recipe.image
    shutil.copytree(recipe.context, context, ignore=shutil.ignore_patterns("__pycache__"))
    if recipe.light_client:
        write_light_client(context / CLIENT)
    return context
