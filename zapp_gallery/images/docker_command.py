"""The command ``docker``: it has BuildKit's client, which the engine's own interface has not."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from subprocess import DEVNULL, PIPE, CompletedProcess

# From this version on, `docker build` finds its client of BuildKit in the plug-in buildx.
_FIRST_WITH_PLUG_IN = 23

_MISSING = (
    "Building needs the command docker with BuildKit: version 20.10, or a later one with its "
    "plug-in buildx (Debian: apt install docker.io, and docker-buildx where there is one)."
)


class EngineError(Exception):
    """Docker could not do what was asked; it has said why itself, if the message does not."""


class Docker:
    """What is asked of the engine that ``DOCKER_HOST`` or docker's own configuration names."""

    def __init__(self, program: str) -> None:
        self._program = program

    @classmethod
    def find(cls, path: str) -> Docker:
        """Take the first command on ``path`` that can build. Raises EngineError."""
        for directory in path.split(os.pathsep):
            program = str(Path(directory, "docker"))
            if os.access(program, os.X_OK) and _can_build(program):
                return cls(program)
        raise EngineError(_MISSING)

    def check(self) -> None:
        """Raise EngineError when no engine answers."""
        result = self._ask("version", "--format", "{{.Server.Version}}")
        if result.returncode:
            raise EngineError(f"No Docker Engine answers. {result.stderr.strip()}")

    def has(self, image: str) -> bool:
        """Whether the engine has the image."""
        return self._ask("image", "inspect", image).returncode == 0

    def pull(self, image: str) -> bool:
        """Fetch an image from its registry; whether that worked. docker says why not."""
        return self._do("pull", "--quiet", image).returncode == 0

    def size(self, image: str) -> int:
        """The size of an image in bytes, with all that it stands on. Raises EngineError."""
        result = self._ask("image", "inspect", "--format", "{{.Size}}", image)
        if result.returncode:
            raise EngineError(f"The engine does not have {image}.")
        return int(result.stdout)

    def build(
        self, image: str, context: Path, secrets: Mapping[str, Path], stage: str | None = None
    ) -> None:
        """Build the Dockerfile of a directory, or one stage of it. Raises EngineError."""
        if self._do(*build_command(image, context, secrets, stage)).returncode:
            raise EngineError(f"{image} could not be built from {context}.")

    def import_tree(self, image: str, tree: Path) -> None:
        """Make an image of a directory, which holds a root file system. Raises EngineError."""
        pack = ["tar", "--directory", str(tree), "--sort=name", "--numeric-owner", "--create", "."]
        load = [self._program, "import", "--change", 'CMD ["bash"]', "-", image]
        with subprocess.Popen(pack, stdout=PIPE) as archive:
            result = subprocess.run(load, stdin=archive.stdout, check=False)
        if result.returncode or archive.returncode:
            raise EngineError(f"{image} could not be made from {tree}.")

    def _ask(self, *arguments: str) -> CompletedProcess[str]:
        command = [self._program, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def _do(self, *arguments: str) -> CompletedProcess[bytes]:
        """Run what takes long, in sight of the person."""
        environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
        return subprocess.run([self._program, *arguments], env=environment, check=False)


def build_command(
    image: str, context: Path, secrets: Mapping[str, Path], stage: str | None = None
) -> list[str]:
    """The words after ``docker`` that build a directory; secrets are files, never words."""
    handed = [f"--secret=id={name},src={place}" for name, place in secrets.items()]
    target = ["--target", stage] if stage else []
    return ["build", "--tag", image, *target, *handed, str(context)]


def _can_build(program: str) -> bool:
    version = subprocess.run([program, "--version"], stdout=PIPE, text=True, check=False).stdout
    number = re.search(r"version (\d+)", version)
    if number and int(number[1]) < _FIRST_WITH_PLUG_IN:
        return True
    plug_in = [program, "buildx", "version"]
    return subprocess.run(plug_in, stdout=DEVNULL, stderr=DEVNULL, check=False).returncode == 0
