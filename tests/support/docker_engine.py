"""Real Docker Engines for tests: the one that runs here, or some that we start ourselves."""

import io
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache, cached_property
from pathlib import Path
from urllib.parse import urlsplit

import docker
import pytest
from docker.errors import DockerException, ImageNotFound

from tests.support.machines import Machine, machines
from tests.support.waiting import eventually
from zoe_master.backends.docker.identity import label_filters

TEST_IMAGE = "zoe/test:2"
"""A root file system with nothing but busybox in it."""

LIVE = ("--live-restore",)
"""Containers go on while their engine is away. An engine of a swarm cannot do that."""

BUSYBOX = Path("/bin/busybox")
USUAL_URL = "unix:///var/run/docker.sock"


class EngineFailed(Exception):
    """A ``dockerd`` of ours does not start; the message says why."""


class DockerEngine:
    """An engine at ``url``, with the test image in it."""

    def __init__(self, url: str) -> None:
        self.url = url

    @cached_property
    def client(self) -> docker.DockerClient:
        """Made when it is first needed: it speaks to the engine at once."""
        return docker.DockerClient(base_url=self.url, timeout=60)

    def answers(self) -> bool:
        """Whether an engine is there."""
        parts = urlsplit(self.url)
        if parts.scheme == "unix":
            with socket.socket(socket.AF_UNIX) as probe:  # the SDK would leave one open at each try
                if probe.connect_ex(parts.path) != 0:
                    return False
        try:
            return bool(self.client.ping())
        except (DockerException, OSError):  # an idle connection to the process before
            return False

    def add_test_image(self) -> None:
        """Import it, unless it is there."""
        try:
            self.client.images.get(TEST_IMAGE)
        except ImageNotFound:
            name, _, tag = TEST_IMAGE.partition(":")
            command = 'CMD ["sleep", "infinity"]'
            self.client.api.import_image_from_data(_busybox_system(), name, tag, [command])

    def remove_all(self, deployment: str) -> None:
        """Remove every container and network of a deployment."""
        filters = label_filters(deployment)
        for container in self.client.containers.list(all=True, filters=filters):
            container.remove(v=True, force=True)
        for network in self.client.networks.list(filters=filters):
            network.remove()

    def close(self) -> None:
        """Let go of it."""
        if "client" in self.__dict__:
            self.client.close()


class OwnEngine(DockerEngine):
    """A ``dockerd`` of our own, below a directory with a short path; needs root.

    ``machine`` is where it runs, if not here; ``options`` are further words for ``dockerd``.
    """

    def __init__(
        self,
        directory: Path,
        machine: Machine | None = None,
        options: Sequence[str] = LIVE,
    ) -> None:
        self._directory, self._machine, self._options = directory, machine, options
        self._process: subprocess.Popen[bytes] | None = None
        super().__init__(f"unix://{directory}/docker.sock")

    def settings(self, **more: object) -> dict[str, object]:
        """What ``c.DockerBackend.engines`` says of an engine on a machine of its own."""
        assert self._machine is not None
        return {
            "name": self._machine.name,
            "url": self.url,
            "address": self._machine.address,
            **more,
        }

    def start(self) -> None:
        """Return when it answers; it may run already. Raises EngineFailed."""
        if self._process is not None:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        with open(self._directory / "dockerd.log", "ab") as log:
            self._process = subprocess.Popen(
                self._command(), stdout=log, stderr=log, start_new_session=True
            )
        eventually(self._is_up, timeout=90.0, message=self._last_words)

    def kill(self) -> None:
        """What kill -9 does: its containers and their shims go on.

        Its containerd ends with it, but some moments later: an engine that is started meanwhile
        would take it for one that serves.
        """
        pid = int((self._directory / "exec/containerd/containerd.pid").read_text("ascii"))
        self._end(signal.SIGKILL)
        eventually(lambda: not Path(f"/proc/{pid}").exists(), message="containerd has ended")

    def stop(self) -> None:
        """End it in order; its containers go on."""
        self._end(signal.SIGTERM)

    def remove_containers(self) -> None:
        """All of them, which would otherwise go on without it."""
        for container in self.client.containers.list(all=True):
            container.remove(v=True, force=True)

    def close(self) -> None:
        """End it with its containers, which would otherwise go on; start it before, if it died."""
        self.start()
        self.remove_containers()
        super().close()
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _command(self) -> list[str]:
        here = self._directory
        return [
            *(self._machine.enter if self._machine else ()),
            "dockerd", "--host", self.url, "--data-root", f"{here}/data",
            "--exec-root", f"{here}/exec", "--pidfile", f"{here}/pid", *self._options,
        ]  # fmt: skip

    def _end(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(60)
        self._process = None

    def _is_up(self) -> bool:
        assert self._process is not None
        code = self._process.poll()
        if code is not None:
            raise EngineFailed(f"dockerd ended with {code}; it said {self._last_words()}")
        return self.answers()

    def _last_words(self) -> str:
        return (self._directory / "dockerd.log").read_text(errors="replace")[-2000:]


@contextmanager
def engines_on_machines(
    *names: str, options: Callable[[Machine], Sequence[str]] = lambda _: LIVE
) -> Iterator[list[OwnEngine]]:
    """An engine with the test image on each of several machines; ends them with all they run.

    ``options`` are further words for the ``dockerd`` of a machine. Skips the test where there can
    be none.
    """
    running_engine()
    if shutil.which("dockerd") is None or os.getuid() != 0:
        pytest.skip("SEVERAL ENGINES ARE NOT TESTED: only root can start dockerd")
    with ExitStack() as stack:
        directory = tempfile.mkdtemp(prefix="zoe-docker-", dir="/tmp")  # paths of sockets are short
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        found = stack.enter_context(machines(Path(directory, "machines"), *names))
        engines = [OwnEngine(Path(directory, each.name), each, options(each)) for each in found]
        for engine in engines:
            stack.callback(engine.close)
            engine.start()
            engine.add_test_image()
        yield engines


@cache
def running_engine() -> DockerEngine:
    """The engine that answers; skips the test where none does."""
    engine = DockerEngine(os.environ.get("DOCKER_HOST", USUAL_URL))
    if not engine.answers():
        pytest.skip("DOCKER IS NOT TESTED: no engine answers (make test starts one, as root)")
    if not BUSYBOX.exists():
        pytest.skip("DOCKER IS NOT TESTED: /bin/busybox is missing (apt install busybox-static)")
    engine.add_test_image()
    return engine


def require_image(engine: DockerEngine, image: str) -> None:
    """Skip the test, loudly, on an engine that does not have the image."""
    try:
        engine.client.images.get(image)
    except ImageNotFound:
        pytest.skip(f"THE IMAGE {image} IS NOT TESTED: it is not there (make images)")


def _busybox_system() -> bytes:
    """A tar with busybox under all its names."""
    names = subprocess.run(
        [BUSYBOX, "--list"], stdout=subprocess.PIPE, check=True, text=True
    ).stdout.split()
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for directory in ("bin", "etc", "proc", "sys", "dev", "tmp"):
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if directory == "tmp" else 0o755
            tar.addfile(entry)
        tar.add(BUSYBOX, "bin/busybox")
        for name in names:
            if name != "busybox":
                link = tarfile.TarInfo(f"bin/{name}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
    return content.getvalue()
