"""Directories: makes the back-end's own and workspaces, and looks for those of instances."""

from __future__ import annotations

import os
import posixpath
import re
from typing import Any

from zoe_master.backends.base import Fatal, InstanceSpec
from zoe_master.backends.docker.containers import WORKSPACE, work_dir_of

_IDS = re.compile(r"[1-9][0-9]{0,9}:[1-9][0-9]{0,9}")


def check_user_ids(value: Any) -> str:
    """Return ``uid:gid`` unchanged. Raises ValueError for anything else, and for root."""
    if not isinstance(value, str) or not _IDS.fullmatch(value):
        raise ValueError(f"{value!r} must be uid:gid, two numbers above 0 such as 1000:1000")
    return value


def make_workspace(path: str, user_ids: str) -> None:
    """Make the directory, private to its user, unless it is there. Raises Fatal.

    Only root can give it away; another master's containers run as itself, so they own it anyway.
    One that is root's and empty was made by a master that died, and is given away now.
    """
    try:
        os.makedirs(os.path.dirname(path), mode=0o711, exist_ok=True)
        try:
            os.mkdir(path, mode=0o700)
        except FileExistsError:
            if not os.path.isdir(path):
                raise Fatal(f"The workspace {path} is not a directory.") from None
        if os.getuid() == 0 and os.lstat(path).st_uid == 0:
            _give_away(path, user_ids)
    except OSError as error:
        raise Fatal(f"The workspace {path} cannot be made: {error.strerror}.") from error


def check_work_dir(spec: InstanceSpec) -> None:
    """Raises Fatal for a ``work_dir`` in the workspace that is not there.

    The engine would make it, as root, where its user can remove neither it nor what is in it. For
    a link with an absolute path it is not there: that means another place in the container.
    """
    inside = posixpath.relpath(work_dir_of(spec) or WORKSPACE, WORKSPACE)
    if inside.split("/")[0] in (".", ".."):  # there it is, or the image says
        return
    try:
        workspace = os.path.realpath(spec.workspace, strict=True)
        found = os.path.realpath(os.path.join(workspace, inside), strict=True)
        if found.startswith(f"{workspace}/") and os.path.isdir(found):
            return
    except PermissionError:  # as for root on a file system of another machine
        return
    except OSError:
        pass
    said = f"The work_dir {spec.work_dir!r} of {spec.id.name}"
    raise Fatal(f"{said} is not a directory in the workspace.")


def _give_away(path: str, user_ids: str) -> None:
    try:
        directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except NotADirectoryError:  # a link, which is the administrator's
        return
    try:
        if not os.listdir(directory):
            os.fchown(directory, *map(int, user_ids.split(":")))
    finally:
        os.close(directory)


def make_private(directory: str) -> None:
    """Make a directory that is the master's alone. Raises Fatal."""
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        os.chmod(directory, 0o700)
    except OSError as error:
        raise Fatal(f"The directory {directory} cannot be used: {error.strerror}.") from error
