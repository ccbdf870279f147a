"""Workspaces that are made, and directories in them that must be there."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from zoe_core.amount import Amount
from zoe_core.cluster import InstanceId
from zoe_master.backends.base import Fatal, InstanceSpec
from zoe_master.backends.docker.workspaces import check_work_dir, make_workspace

IDS = (1234, 5678)
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")


def make(path: Path) -> None:
    make_workspace(str(path), "{}:{}".format(*IDS))


def owners(path: Path) -> tuple[int, int]:
    return path.stat().st_uid, path.stat().st_gid


def in_work_dir(workspace: Path, work_dir: str | None) -> InstanceSpec:
    one, amount = InstanceId(1, "main", 0), Amount.of(2**26, 0.1)
    spec = InstanceSpec(one, "here", "test", ("run",), {}, amount, str(workspace), "alice")
    return replace(spec, work_dir=work_dir)


@needs_root
def test_a_workspace_is_its_users_alone(tmp_path: Path) -> None:
    make(tmp_path / "all" / "alice")
    assert owners(tmp_path / "all" / "alice") == IDS
    assert (tmp_path / "all" / "alice").stat().st_mode & 0o777 == 0o700


@needs_root
def test_one_that_a_master_left_half_made_is_given_away(tmp_path: Path) -> None:
    workspace = tmp_path / "alice"
    workspace.mkdir(mode=0o700)  # and then it died
    make(workspace)
    assert owners(workspace) == IDS


@needs_root
def test_what_somebody_else_made_is_left_as_it_is(tmp_path: Path) -> None:
    others, full, elsewhere = tmp_path / "others", tmp_path / "full", tmp_path / "elsewhere"
    for each in (others, full, elsewhere):
        each.mkdir()
    os.chown(others, 4321, 4321)
    (full / "data").touch()
    (tmp_path / "link").symlink_to(elsewhere)
    for each in (others, full, tmp_path / "link"):
        make(each)
    assert [owners(each) for each in (others, full, elsewhere)] == [(4321, 4321), (0, 0), (0, 0)]


@pytest.mark.parametrize(
    "there", [None, "", ".", "data", "data/../data", "near", "/workspace/data", "/opt/missing"]
)
def test_it_starts_where_there_is_a_directory(tmp_path: Path, there: str | None) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "near").symlink_to("data")
    check_work_dir(in_work_dir(tmp_path, there))


@pytest.mark.parametrize(
    "missing", ["nowhere", "file", "file/data", "out", "out/passwd", "/workspace/nowhere", "loop"]
)
def test_it_does_not_start_where_there_is_none(tmp_path: Path, missing: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "out").symlink_to("/etc")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(Fatal, match=f"work_dir '{missing}' of main-0 is not a directory"):
        check_work_dir(in_work_dir(tmp_path, missing))
