"""A whole portal, as `make portal` starts it, in a directory and on a port of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.support.ports import free_port
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
UP_WITHIN = 90.0  # seconds; generous, the machine may be busy


class Portal:
    """One portal; it may be stopped and started again with the same directory."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = directory.parent / f"{directory.name}.log"
        self.login_link = ""
        self._environment = environment
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers and the login link is there."""
        environment = {
            **os.environ,
            "ZOE_DIR": str(self.directory),
            "ZOE_PORT": str(self.port),
            **self._environment,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(ROOT / "jupyterhub_config.py")],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        eventually(self.answers, timeout=UP_WITHIN, message=self.read_log)
        self.login_link = self.link_file.read_text().strip()

    def answers(self) -> bool:
        """Whether the portal service answers through the proxy."""
        assert self.process is not None
        assert self.process.poll() is None, self.read_log()
        try:
            answer = httpx.get(f"{self.url}/services/zoe/api/v1/info")
        except httpx.HTTPError:
            return False
        # 403: it answers, and wants to know who asks.
        return answer.status_code in (200, 401, 403) and self.link_file.exists()

    @property
    def link_file(self) -> Path:
        """Where the one-time login link stands."""
        return self.directory / "login-link"

    def stop(self, signum: signal.Signals = signal.SIGINT) -> int:
        """End it with a signal; returns its exit code."""
        assert self.process is not None
        self.process.send_signal(signum)
        return self.process.wait(timeout=60)

    def read_log(self) -> str:
        """What all its processes have printed so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


@contextlib.contextmanager
def running_portal(directory: Path, **environment: str) -> Iterator[Portal]:
    """A portal for the length of the block; its log is printed, for pytest to show on failure."""
    portal = Portal(directory, **environment)
    try:
        portal.start()
        yield portal
    finally:
        if portal.process is not None and portal.process.poll() is None:
            portal.stop()
        print(f"--- log of the portal in {directory}\n{portal.read_log()}")
