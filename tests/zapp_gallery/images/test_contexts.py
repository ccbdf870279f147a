"""What a build is handed: the folder of an image, and for some the light client."""

import os
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

from zapp_gallery.images.contexts import CLIENT, make_context
from zapp_gallery.images.recipes import RECIPES, Recipe

JUPYTER = next(recipe for recipe in RECIPES if recipe.image == "zoe/jupyter")


def test_most_are_built_from_their_folders(tmp_path: Path) -> None:
    recipe = Recipe("zoe/base", "base")
    context = make_context(recipe, tmp_path)
    assert names(context) == names(recipe.context)
    assert os.access(context / "bin" / "zoe-packages", os.X_OK)


def names(directory: Path) -> list[Path]:
    return sorted(each.relative_to(directory) for each in directory.rglob("*"))


def test_the_client_is_put_beside_the_dockerfile(tmp_path: Path) -> None:
    context = make_context(JUPYTER, tmp_path)
    assert (context / "Dockerfile").read_bytes() == (JUPYTER.context / "Dockerfile").read_bytes()
    assert f"COPY {CLIENT}/ " in (context / "Dockerfile").read_text()
    client = context / CLIENT
    assert {each.name for each in client.iterdir()} == {"pyproject.toml", "zoe_client", "zoe_core"}
    assert [each for each in context.rglob("*") if each.name == "__pycache__"] == []
    assert [each for each in context.rglob("*") if each.is_symlink()] == []


def test_pip_is_told_of_the_client_alone(tmp_path: Path) -> None:
    project = tomllib.loads(
        (make_context(JUPYTER, tmp_path) / CLIENT / "pyproject.toml").read_text()
    )
    said = project["project"]
    assert (said["name"], said["version"]) == ("zoe", version("zoe"))
    assert {"httpx", "pydantic>=2"} <= set(said["dependencies"])
    assert not [each for each in said["dependencies"] if "jupyterhub" in each or "extra" in each]
    assert "zoe-admin" in said["scripts"]
    assert "zoe-master" not in said["scripts"]


def test_the_client_runs_without_the_servers(tmp_path: Path) -> None:
    """What is handed over is all that it imports of ours."""
    client = make_context(JUPYTER, tmp_path) / CLIENT
    look = (
        "import sys, zoe_client; "
        "print(zoe_client.__file__); "
        "print(sorted(each for each in sys.modules if each.split('.')[0] in "
        "('zoe_hub', 'zoe_store', 'zoe_master', 'zapp_gallery', 'numpy')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", look], cwd=client, capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[:2] == [str(client / "zoe_client" / "__init__.py"), "[]"]


def test_the_examples_are_files(tmp_path: Path) -> None:
    examples = make_context(JUPYTER, tmp_path) / "bin" / "zoe-examples"
    assert (examples / "first-steps.ipynb").is_file()
