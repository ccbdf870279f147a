"""The script that becomes a Jupyter server: where it listens, and the examples that it brings."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from jupyterhub.services.auth import HubOAuth
from traitlets.config import Application

from tests.support.running_zoe import ROOT
from zapp_gallery import DEFAULT_DIRECTORY

SCRIPT = DEFAULT_DIRECTORY / "jupyter" / "bin" / "zoe-jupyter"
EXAMPLES = sorted(place.name for place in (ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize(
    ("reached", "listens"),
    [
        ("http://127.31.7.9:8888/user/ada/lab/", "http://127.31.7.9:8888/user/ada/lab/"),
        ("http://notebook-0-7:8888/user/ada/lab/", "http://0.0.0.0:8888/user/ada/lab/"),
        ("http://notebook-0-7:8888/user/a//b/", "http://0.0.0.0:8888/user/a//b/"),
    ],
)
def test_a_container_listens_on_all_of_its_networks(
    tmp_path: Path, reached: str, listens: str
) -> None:
    said = run(tmp_path, "$JUPYTERHUB_SERVICE_URL", JUPYTERHUB_SERVICE_URL=reached)
    assert said.stdout.strip() == listens


def test_what_is_revoked_at_the_hub_is_so_within_ten_seconds(tmp_path: Path) -> None:
    arguments = run(tmp_path, "$@").stdout.split()
    server = Application()
    server.classes = [HubOAuth]
    server.parse_command_line([each for each in arguments if "HubAuth" in each])
    assert 0 < HubOAuth(parent=server).cache_max_age <= 10


def test_a_new_workspace_gets_the_examples(tmp_path: Path) -> None:
    run(tmp_path)
    workspace = tmp_path / "workspace"
    assert names(workspace / "examples") == EXAMPLES
    assert names(workspace) == [".zoe", "examples"]
    assert names(workspace / ".zoe") == ["examples"]


def test_what_she_changed_or_deleted_stays_so(tmp_path: Path) -> None:
    run(tmp_path)
    examples = tmp_path / "workspace" / "examples"
    for each in EXAMPLES[1:]:
        (examples / each).unlink()
    (examples / EXAMPLES[0]).write_text("mine")
    run(tmp_path)
    assert names(examples) == EXAMPLES[:1]
    assert (examples / EXAMPLES[0]).read_text() == "mine"


def test_a_folder_that_she_deleted_does_not_come_back_unless_she_wants_it(tmp_path: Path) -> None:
    run(tmp_path)
    workspace = tmp_path / "workspace"
    shutil.rmtree(workspace / "examples")
    run(tmp_path)
    assert names(workspace) == [".zoe"]
    (workspace / ".zoe" / "examples").unlink()
    run(tmp_path)
    assert names(workspace / "examples") == EXAMPLES


def test_a_newer_version_replaces_what_she_never_touched(tmp_path: Path) -> None:
    script = of_version(tmp_path, kept="1", changed="1", deleted="1", dropped="1")
    examples = tmp_path / "workspace" / "examples"
    run(tmp_path, script=script)
    (examples / "changed.ipynb").write_text("mine")
    (examples / "deleted.ipynb").unlink()
    (examples / "new.ipynb").write_text("mine too")
    for _ in range(2):
        script = of_version(tmp_path, kept="2", changed="2", deleted="2", added="2", new="2")
        run(tmp_path, script=script)
        assert {each.stem: each.read_text() for each in examples.iterdir()} == {
            "kept": "2",
            "changed": "mine",
            "dropped": "1",
            "new": "mine too",
            "added": "2",
        }
    run(tmp_path, script=of_version(tmp_path, kept="3", added="2"))
    assert (examples / "kept.ipynb").read_text() == "3"


def test_a_start_that_was_killed_is_made_good(tmp_path: Path) -> None:
    run(tmp_path)
    workspace = tmp_path / "workspace"
    record = workspace / ".zoe" / "examples"
    whole = record.read_text()
    # It has brought two, and was killed before it could say so of the second, or bring the third.
    record.write_text(whole[: whole.index("\n") + 1])
    for each in EXAMPLES[2:]:
        (workspace / "examples" / each).unlink()
    record.with_suffix(".new").write_text("half of the th")
    run(tmp_path)
    assert names(workspace / "examples") == EXAMPLES
    assert record.read_text() == whole
    assert names(workspace / ".zoe") == ["examples"]


def test_a_folder_of_that_name_is_hers(tmp_path: Path) -> None:
    examples = tmp_path / "workspace" / "examples"
    examples.mkdir(parents=True)
    run(tmp_path)
    assert names(examples.parent) == ["examples"]
    assert names(examples) == []


def test_a_link_that_leads_nowhere_is_left_as_it_is(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "examples").symlink_to("elsewhere")
    run(tmp_path)
    assert names(workspace) == ["examples"]
    assert (workspace / "examples").is_symlink()


def test_a_server_does_not_wait_for_another_that_brings_them(tmp_path: Path) -> None:
    record = tmp_path / "workspace" / ".zoe" / "examples"
    record.parent.mkdir(parents=True)
    with record.open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert run(tmp_path, "started").stdout == "started\n"
    assert names(tmp_path / "workspace") == [".zoe"]
    run(tmp_path)
    assert names(tmp_path / "workspace" / "examples") == EXAMPLES


def test_a_server_starts_without_the_examples(tmp_path: Path) -> None:
    (tmp_path / "workspace").write_text("no directory")
    said = run(tmp_path, "started")
    assert said.stdout == "started\n"
    assert "The example notebooks could not be put into the workspace: " in said.stderr


def names(directory: Path) -> list[str]:
    return sorted(each.name for each in directory.iterdir())


def of_version(place: Path, **examples: str) -> Path:
    """The script with other examples: contents by stem."""
    programs = place / "version"
    shutil.rmtree(programs, ignore_errors=True)
    shutil.copytree(SCRIPT.parent, programs, ignore=shutil.ignore_patterns("zoe-examples"))
    (programs / "zoe-examples").mkdir()
    for stem, content in examples.items():
        (programs / "zoe-examples" / f"{stem}.ipynb").write_text(content)
    return programs / SCRIPT.name


def run(
    place: Path, said: str = "", script: Path = SCRIPT, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Start the script; in the place of the server something that says ``said``."""
    programs, workspace = place / "programs", place / "workspace"
    for each in (programs, workspace):
        if not each.exists():
            each.mkdir()
    stub = programs / "jupyterhub-singleuser"
    stub.write_text(f'#!/bin/sh\necho "{said}"\n')
    stub.chmod(0o755)
    own = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "ZOE_WORKSPACE": str(workspace),
        **environment,
    }
    return subprocess.run([script], env=own, capture_output=True, text=True, check=True)
