"""A JupyterHub for benchmarks, as a process of its own in a directory of the benchmark's."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

USER = "benchmark"
PATIENCE = 60.0
"""Seconds that a process may take until it answers."""

_CONFIG = """
if "BENCHMARK_TOKEN" in os.environ:  # in the Hub itself
    ours = {"name": "benchmark", "api_token": os.environ["BENCHMARK_TOKEN"]}
    c.JupyterHub.services = [*c.JupyterHub.services, ours]
    scopes = ["admin:users", "admin:servers", "groups", "tokens", "access:servers"]
    role = {"name": "benchmark", "services": ["benchmark"], "scopes": scopes}
    c.JupyterHub.load_roles = [*c.JupyterHub.load_roles, role]
"""


class RunningHub:
    """``configure`` it, then ``with hub.started()``.

    ``url`` is the proxy's; ``token`` is a user's.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.token = ""
        self.config = directory / "config.py"
        self.pids: dict[str, int] = {}
        """Of the processes that were started, by their names."""
        self._environment: Mapping[str, str] = {}
        self.own_token = secrets.token_hex(16)
        """Of a service that may administer users and their servers."""

    def configure(self, config: str, environment: Mapping[str, str]) -> None:
        """Write its configuration file, which sets ``c.JupyterHub.services`` and ``load_roles``.

        ``environment`` is added to that of its processes.
        """
        self.config.write_text(f"import os\nc = get_config()\n{config}\n{_CONFIG}")
        self._environment = environment

    @contextmanager
    def started(self) -> Iterator[None]:
        """Start it, and make a user and her token; ended with the block."""
        hub = [str(Path(sys.executable).with_name("jupyterhub")), "-f", str(self.config)]
        own = self.own_token
        with self.process("hub", hub, {"BENCHMARK_TOKEN": own}):
            self.wait_for(lambda: self.call("GET", "/hub/api/users", token=own) is not None)
            self.call("POST", f"/hub/api/users/{USER}", token=own)
            made = self.call("POST", f"/hub/api/users/{USER}/tokens", {}, token=own)
            self.token = made["token"]
            yield

    def administer(self, method: str, path: str, body: object = None) -> Any:
        """``call`` the Hub's REST interface below ``/hub/api``, as one who may administer users."""
        return self.call(method, f"/hub/api{path}", body, self.own_token)

    def start_server(self) -> float:
        """Start the user's server; seconds from the POST until it answers through the proxy."""
        began = time.perf_counter()
        self._ask("POST", f"/hub/api/users/{USER}/server", b"{}", self.own_token)
        self.wait_for(lambda: self.call("GET", f"/user/{USER}/api"), pause=0.02)
        return time.perf_counter() - began

    def stop_server(self) -> None:
        """Stop it; return when the Hub has forgotten it."""
        self._ask("DELETE", f"/hub/api/users/{USER}/server", token=self.own_token)
        path = f"/hub/api/users/{USER}"
        self.wait_for(lambda: not self.call("GET", path, token=self.own_token)["servers"])

    def call(self, method: str, path: str, body: object = None, token: str = "") -> Any:
        """Send and get JSON; ``path`` is below the proxy. Raises OSError when it is refused."""
        content = None if body is None else json.dumps(body).encode()
        return json.loads(self._ask(method, path, content, token) or b"null")

    def read(self, path: str) -> str:
        """Get a text."""
        return self._ask("GET", path).decode()

    def _ask(self, method: str, path: str, content: bytes | None = None, token: str = "") -> bytes:
        headers = {
            "Authorization": f"token {token or self.token}",
            "Content-Type": "application/json",
        }
        request = urllib.request.Request(self.url + path, content, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                data: bytes = answer.read()
                return data
        except urllib.error.HTTPError as error:
            error.add_note(error.read().decode(errors="replace"))
            raise

    @contextmanager
    def process(
        self, name: str, command: list[str], environment: Mapping[str, str]
    ) -> Iterator[None]:
        """A process with its log in the directory; stopped at the end as Ctrl-C does it."""
        with (self.directory / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=self.directory,
                env={**os.environ, **self._environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pids[name] = process.pid
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)

    def wait_for(self, check: Callable[[], object], pause: float = 0.05) -> None:
        """Return when ``check`` gives something true; an OSError or no JSON means: not yet."""
        deadline = time.monotonic() + PATIENCE
        problem = "it takes too long"
        while time.monotonic() < deadline:
            try:
                if check():
                    return
            except (OSError, ValueError) as error:
                problem = str(error)
            time.sleep(pause)
        logs = "".join(each.read_text() for each in self.directory.glob("*.log"))
        raise SystemExit(f"It does not answer as it should: {problem}\n{logs}")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
