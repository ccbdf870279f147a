"""Runs a command beside a Docker Engine that has the gallery's images.

``python -m tests.support.with_engine pytest``: the engine that answers is taken; if none does, root
gets one for as long as the command runs. That one keeps its images in ``ZOE_TEST_ENGINE``
(``/var/tmp/zoe-test-engine``), so that the next run builds only what has changed. Where there can
be none the command runs without it, and the tests that need one are skipped.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.support.docker_engine import BUSYBOX, USUAL_URL, DockerEngine, EngineFailed, OwnEngine

BUILD = (sys.executable, "-m", "zapp_gallery.images")


class NoEngine(Exception):
    """There can be none here; the message says why."""


def main(command: Sequence[str]) -> int:
    """Build the images and run ``command``, whatever comes of that; an exit code of either."""
    try:
        with engine() as found:
            os.environ["DOCKER_HOST"] = found.url
            built = subprocess.call(BUILD)
            if built:
                print("*** THE IMAGES COULD NOT BE BUILT ***", file=sys.stderr, flush=True)
            return subprocess.call(command) or built
    except NoEngine as error:
        print(f"*** NOTHING IS TESTED ON DOCKER: {error} ***", file=sys.stderr, flush=True)
    return subprocess.call(command)


@contextmanager
def engine() -> Iterator[DockerEngine]:
    """The engine that runs here, or one that is stopped afterwards. Raises NoEngine."""
    found = DockerEngine(os.environ.get("DOCKER_HOST", USUAL_URL))
    if found.answers():
        yield found
        return
    if os.getuid() != 0:
        raise NoEngine("no engine answers, and only root can start one")
    if shutil.which("dockerd") is None or not BUSYBOX.exists():
        raise NoEngine("no engine answers: apt install docker.io iptables busybox-static")
    kept = Path(os.environ.get("ZOE_TEST_ENGINE", "/var/tmp/zoe-test-engine"))
    kept.mkdir(parents=True, exist_ok=True)
    with open(kept / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two engines cannot share their images
        with _own_engine(kept) as own:
            yield own


@contextmanager
def _own_engine(kept: Path) -> Iterator[OwnEngine]:
    _end_the_last(kept / "pid")
    own = OwnEngine(kept, options=())
    try:
        own.start()
    except EngineFailed as error:
        raise NoEngine(str(error)) from error
    try:
        yield own
    finally:
        own.remove_containers()
        own.stop()


def _end_the_last(pid_file: Path) -> None:
    """The engine of a run that was killed: it would keep the next from starting."""
    with suppress(OSError, ValueError, psutil.NoSuchProcess):
        last = psutil.Process(int(pid_file.read_text("ascii")))
        if last.name() == "dockerd":
            last.terminate()
            last.wait(60)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
