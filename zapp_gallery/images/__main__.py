"""The command line: which images to build; prints their sizes when all are there."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from zapp_gallery.images.contexts import make_context
from zapp_gallery.images.debian import provide
from zapp_gallery.images.docker_command import Docker, EngineError
from zapp_gallery.images.pip_settings import pip_settings, write_secrets
from zapp_gallery.images.recipes import DEBIAN, RECIPES, Recipe, RecipeError, needed

_MB = 10**6  # as docker counts


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the images that the command line names, and what they stand on."""
    options = _parser().parse_args(arguments)
    try:
        recipes = needed(options.images)
        docker = Docker.find(os.environ.get("PATH", os.defpath))
        docker.check()
        build(docker, recipes)
        images = [DEBIAN, *(recipe.image for recipe in recipes)]
        print(sizes(recipes, {image: docker.size(image) for image in images}))
    except (EngineError, RecipeError) as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError:
        return 1  # pip has said what it cannot read
    return 0


def build(docker: Docker, recipes: Sequence[Recipe]) -> None:
    """Build all ``recipes`` in their order. Raises EngineError."""
    provide(docker, DEBIAN)
    with tempfile.TemporaryDirectory(prefix="zoe-images-") as private:  # mode 0700
        secrets = write_secrets(pip_settings(), os.environ, Path(private))
        for recipe in recipes:
            print(f"Building {recipe.image}", flush=True)
            context = make_context(recipe, Path(private))
            docker.build(recipe.image, context, secrets, recipe.stage)


def sizes(recipes: Sequence[Recipe], measured: Mapping[str, int]) -> str:
    """Say how large each image is, and how much of that it does not share with its base.

    ``measured`` has the bytes of all images and of what they stand on.
    """
    lines = [f"{'image':24}{'MB':>8}{'its own':>10}"]
    for recipe in recipes:
        size = measured[recipe.image]
        own = size - measured[recipe.base]
        lines.append(f"{recipe.image:24}{size / _MB:8.0f}{own / _MB:10.0f}")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m zapp_gallery.images", description="Build the images of the gallery."
    )
    names = ", ".join(recipe.image for recipe in RECIPES)
    parser.add_argument("images", nargs="*", metavar="IMAGE", help=f"all, or some of {names}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
