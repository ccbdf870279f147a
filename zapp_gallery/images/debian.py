"""Debian where no registry can be reached: an image of its packages, unpacked by debootstrap."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from zapp_gallery.images.docker_command import Docker, EngineError

RELEASE = "bookworm"

# Taken along from this machine, or made while the packages were unpacked; nobody needs it.
_LEFT_BEHIND = (
    "etc/hostname",
    "etc/resolv.conf",
    "var/cache/apt/*.bin",
    "var/cache/apt/archives/*.deb",
    "var/cache/ldconfig/aux-cache",
    "var/lib/apt/lists/*_*",
    "var/log/*.log",
    "var/log/apt/*",
)

# As in the registry's own slim image: neither these packages nor later ones bring documents along.
_DOCUMENTS = ("doc", "groff", "info", "linda", "lintian", "locale", "man")
_KEPT = ("usr/share/doc/*/copyright", "usr/share/locale/locale.alias")


def provide(docker: Docker, image: str) -> None:
    """See to it that the engine has ``image``: it has, can pull it, or gets one made here.

    Raises EngineError that says what would help.
    """
    if docker.has(image) or docker.pull(image):
        return
    missing = f"The engine does not have {image} and cannot pull it"
    if shutil.which("debootstrap") is None:
        raise EngineError(f"{missing}. Load it, or install debootstrap, which makes one.")
    if os.geteuid():
        raise EngineError(f"{missing}. Load it, or build as root: then debootstrap makes one.")
    print(f"{missing}: making one of Debian's packages", flush=True)
    with tempfile.TemporaryDirectory(prefix="zoe-debian-") as directory:
        tree = Path(directory)
        unpack(tree)
        docker.import_tree(image, tree)


def unpack(tree: Path) -> None:
    """Make the root file system of a small Debian in ``tree``. Raises EngineError."""
    command = ["debootstrap", "--variant=minbase", RELEASE, str(tree)]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode:
        raise EngineError(f"debootstrap failed:\n{result.stdout[-2000:]}")
    tree.chmod(0o755)  # it becomes the directory / of containers, whoever they run as
    add_updates(tree)
    make_slim(tree)


def add_updates(tree: Path) -> None:
    """Have apt look for updates, too, at the address that debootstrap used.

    Security updates are beside the release, in ``…/debian-security`` (Debian's own sources.list).
    """
    sources = tree / "etc/apt/sources.list"
    _, address, release, component = sources.read_text(encoding="utf-8").split()
    places = (
        (address, release),
        (address, f"{release}-updates"),
        (f"{address}-security", f"{release}-security"),
    )
    lines = [f"deb {where} {what} {component}\n" for where, what in places]
    sources.write_text("".join(lines), encoding="utf-8")


def make_slim(tree: Path) -> None:
    """Remove what a container has no use for, and have dpkg leave it out from now on."""
    rules = [f"path-exclude /usr/share/{name}/*" for name in _DOCUMENTS]
    rules += [f"path-include /{kept}" for kept in _KEPT]
    place = tree / "etc/dpkg/dpkg.cfg.d/docker"
    place.write_text("\n".join(rules) + "\n", encoding="utf-8")
    for pattern in _LEFT_BEHIND:
        for path in tree.glob(pattern):
            path.unlink()
    kept = {path for pattern in _KEPT for path in tree.glob(pattern)}
    for path in _documents(tree):
        if path not in kept:
            path.unlink()


def _documents(tree: Path) -> Iterator[Path]:
    """All files below the directories of documents; links are not followed."""
    for name in _DOCUMENTS:
        for directory, _, files in os.walk(tree / "usr/share" / name):
            yield from (Path(directory, file) for file in files)
