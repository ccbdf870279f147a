"""Which of the commands called ``docker`` can build, and what is said when none can."""

import os
from pathlib import Path

import pytest

from zapp_gallery.images.docker_command import Docker, EngineError, build_command


def install(directory: Path, version: str, *, buildx: bool = False) -> Path:
    """A command that knows its version, and whether it has the plug-in; all images have as many
    bytes as its version's first number.
    """
    directory.mkdir()
    place = directory / "docker"
    place.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        f"  --version) echo 'Docker version {version}, build 0123456' ;;\n"
        f"  'buildx version') exit {0 if buildx else 1} ;;\n"
        f"  'image inspect'*) echo {version.partition('.')[0]} ;;\n"
        "  *) echo 'Cannot connect to the Docker daemon' >&2; exit 1 ;;\n"
        "esac\n"
    )
    place.chmod(0o755)
    return directory


def path(*directories: Path) -> str:
    return os.pathsep.join(map(str, directories))


@pytest.mark.parametrize(("version", "buildx"), [("20.10.24+dfsg1", False), ("28.2.2", True)])
def test_one_that_can_build_is_taken(tmp_path: Path, version: str, buildx: bool) -> None:
    Docker.find(path(tmp_path / "none", install(tmp_path / "bin", version, buildx=buildx)))


def test_one_without_its_plug_in_is_passed_over(tmp_path: Path) -> None:
    new, old = install(tmp_path / "new", "28.2.2"), install(tmp_path / "old", "20.10.24")
    assert Docker.find(path(new, old)).size("zoe/base") == 20


def test_without_one_it_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="plug-in buildx"):
        Docker.find(path(install(tmp_path / "bin", "28.2.2")))


def test_an_engine_that_is_away_is_told_in_its_own_words(tmp_path: Path) -> None:
    docker = Docker.find(path(install(tmp_path / "bin", "20.10.24")))
    with pytest.raises(EngineError, match=r"No Docker Engine answers\. Cannot connect"):
        docker.check()


def test_a_failed_build_names_the_image(tmp_path: Path) -> None:
    docker = Docker.find(path(install(tmp_path / "bin", "20.10.24")))
    with pytest.raises(EngineError, match=f"zoe/mine could not be built from {tmp_path}"):
        docker.build("zoe/mine", tmp_path, {})


def test_one_stage_of_a_dockerfile_is_an_image_of_its_own(tmp_path: Path) -> None:
    whole = build_command("zoe/jupyter", tmp_path, {})
    stage = build_command("zoe/lab", tmp_path, {"pip.conf": tmp_path / "pip.conf"}, "lab")
    assert whole == ["build", "--tag", "zoe/jupyter", str(tmp_path)]
    assert stage[:5] == ["build", "--tag", "zoe/lab", "--target", "lab"]
    assert stage[5:] == [f"--secret=id=pip.conf,src={tmp_path}/pip.conf", str(tmp_path)]
