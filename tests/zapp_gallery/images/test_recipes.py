"""The Dockerfiles of the gallery: what they build, on what, and what they leave behind."""

import os
import re
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from zapp_gallery import DEFAULT_DIRECTORY, load_gallery
from zapp_gallery.images.recipes import DEBIAN, RECIPES, Recipe, RecipeError, needed
from zoe_master.backends.process.environments import default_environments

CONSTRAINTS = DEFAULT_DIRECTORY / "base" / "constraints.txt"
SECRETS = "--mount=type=secret,id=pip.conf --mount=type=secret,id=ca.pem"

FOUNDATIONS = {"zoe/base", "zoe/lab"}
"""Images that others stand on, and that no service names."""

each_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.image)


def lines(recipe: Recipe) -> list[str]:
    """The instructions of a Dockerfile, each on one line, without comments."""
    text = (recipe.context / "Dockerfile").read_text()
    whole = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)
    joined = re.sub(r"\\\n\s*", "", whole)
    return [line for line in joined.splitlines() if line]


def last_stage(recipe: Recipe) -> list[str]:
    """The instructions whose results, and whose words, are in the image."""
    instructions = lines(recipe)
    start = max(i for i, line in enumerate(instructions) if line.startswith("FROM "))
    return instructions[start:]


def pins() -> dict[str, str]:
    """The version of each package, by its canonical name."""
    rows = [line for line in CONSTRAINTS.read_text().splitlines() if not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in (r.split("==") for r in rows)}


def test_every_dockerfile_has_a_recipe() -> None:
    folders = {path.parent.name for path in DEFAULT_DIRECTORY.glob("*/Dockerfile")}
    assert folders == {recipe.folder for recipe in RECIPES}


def test_every_image_of_the_gallery_is_built() -> None:
    named = {image for entry in load_gallery().values() for image in entry.images}
    assert named == {recipe.image for recipe in RECIPES} - FOUNDATIONS


def test_processes_have_an_environment_for_every_image() -> None:
    assert set(default_environments()) == {recipe.image for recipe in RECIPES} - FOUNDATIONS


def test_each_stands_on_one_that_is_built_before() -> None:
    built = {DEBIAN}
    for recipe in RECIPES:
        assert recipe.base in built
        built.add(recipe.image)


@each_recipe
def test_it_builds_on_any_base(recipe: Recipe) -> None:
    instructions = lines(recipe)
    assert instructions[0] == f"ARG BASE={recipe.base}"
    stages = [line.split() for line in instructions if line.startswith("FROM ")]
    own = {words[3] for words in stages if words[2:3] == ["AS"]}
    assert {words[1] for words in stages} - own == {"${BASE}"}
    assert recipe.stage is None or recipe.stage in own


@each_recipe
def test_it_has_no_other_arguments(recipe: Recipe) -> None:
    """The engine keeps their values in the image's history."""
    assert [line for line in lines(recipe) if line.startswith("ARG ")] == lines(recipe)[:1]


@each_recipe
def test_pip_runs_in_a_stage_that_is_left_behind(recipe: Recipe) -> None:
    for line in last_stage(recipe):
        assert not re.search(r"\bpip\b|zoe-packages|--mount", line)
    for line in lines(recipe):
        assert ("zoe-packages" in line or "pip install" in line) == (SECRETS in line)


@each_recipe
def test_it_runs_as_nobody_special(recipe: Recipe) -> None:
    users = [line for line in last_stage(recipe) if line.startswith("USER ")]
    assert users[-1:] == ["USER 1000:1000"] or (not users and recipe.base != DEBIAN)


@each_recipe
def test_what_it_installs_is_pinned(recipe: Recipe) -> None:
    for line in lines(recipe):
        for packages in re.findall(r"zoe-packages ([a-z0-9 -]+)", line):
            assert {canonicalize_name(each) for each in packages.split()} <= set(pins())


@each_recipe
def test_compiled_python_is_left_out(recipe: Recipe) -> None:
    if (recipe.context / "bin").is_dir():
        assert (recipe.context / ".dockerignore").read_text().startswith("**/__pycache__\n")


def test_the_pins_are_sorted_and_exact() -> None:
    rows = [line for line in CONSTRAINTS.read_text().splitlines() if not line.startswith("#")]
    assert rows == sorted(rows, key=str.lower)
    assert len(pins()) == len(rows)
    for row in rows:
        assert re.fullmatch(r"[\w.-]+==[\w.]+", row)


def test_the_pins_are_what_zoe_allows() -> None:
    """A notebook runs in an image as it does in the environment of ``make install``."""
    allowed = [Requirement(each) for each in requires("zoe") or []]
    checked = [each for each in allowed if canonicalize_name(each.name) in pins()]
    assert {"jupyterhub", "pandas", "pyspark"} <= {each.name for each in checked}
    for each in checked:
        assert each.specifier.contains(pins()[canonicalize_name(each.name)]), each


@pytest.mark.parametrize("script", ["zoe-entry", "zoe-packages"])
def test_its_scripts_are_programs(script: str) -> None:
    assert os.access(DEFAULT_DIRECTORY / "base" / "bin" / script, os.X_OK)


def test_all_are_built_if_none_is_named() -> None:
    assert needed([]) == list(RECIPES)


def test_what_an_image_stands_on_is_built_first() -> None:
    images = [recipe.image for recipe in needed(["zoe/spark", "zoe/mpi"])]
    assert images == ["zoe/base", "zoe/lab", "zoe/spark", "zoe/mpi"]


def test_an_unknown_image_is_refused() -> None:
    with pytest.raises(RecipeError, match="no image 'zoe/sparc' here; there are: zoe/base, "):
        needed(["zoe/sparc"])


def test_a_dockerfile_without_a_base_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zapp_gallery.images.recipes.DEFAULT_DIRECTORY", tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "Dockerfile").write_text("FROM debian\n")
    with pytest.raises(RecipeError, match="mine/Dockerfile has no line ARG BASE="):
        _ = Recipe("zoe/mine", "mine").base
