"""A Zoe for benchmarks: JupyterHub, its proxy, Postgres and the portal, in a temporary directory.

The master is started apart, for what needs one.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from zoe_store.embedded import EmbeddedPostgres

API = "/services/zoe/api/v1"
USER = "benchmark"
PATIENCE = 60.0
"""Seconds that a process may take until it answers."""

_CONFIG = """
import os
from zoe_hub.hub_config import configure

c = get_config()
configure(c)
if "BENCHMARK_TOKEN" in os.environ:  # in the Hub itself
    ours = {"name": "benchmark", "api_token": os.environ["BENCHMARK_TOKEN"]}
    portal = [each for each in c.JupyterHub.services if each["name"] == "zoe"]
    c.JupyterHub.services = [*portal, ours]
    role = {"name": "benchmark", "services": ["benchmark"], "scopes": ["admin:users", "tokens"]}
    c.JupyterHub.load_roles = [*c.JupyterHub.load_roles, role]
c.ProcessBackend.environments = {"shell": {}}
"""


class RunningZoe:
    """``with running_zoe(directory) as zoe``. ``url`` is the proxy's; ``token`` is a user's."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.token = ""
        self.config = directory / "config.py"
        self.config.write_text(_CONFIG)
        self.database_url = EmbeddedPostgres(directory / "zoe" / "postgres").url("zoe")

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
        with urllib.request.urlopen(request, timeout=30) as answer:
            data: bytes = answer.read()
            return data

    @contextmanager
    def master(self) -> Iterator[None]:
        """A master with the process back-end, from when it schedules until the block ends."""
        main = [sys.executable, "-c", "from zoe_master.app import main; main()"]
        environment = {
            "ZOE_BACKEND": "process",
            "ZOE_CONFIG": str(self.config),
            "ZOE_DATABASE_URL": self.database_url,
            "ZOE_END_INSTANCES": "1",
        }
        with self.process("master", main, environment):
            self.wait_for(
                lambda: self.call("GET", f"{API}/info")["scheduler"]["status"] == "running"
            )
            yield

    @contextmanager
    def process(
        self, name: str, command: list[str], environment: Mapping[str, str]
    ) -> Iterator[None]:
        """A process with its log in the directory; stopped at the end as Ctrl-C does it."""
        ours = {"ZOE_DIR": str(self.directory / "zoe"), "ZOE_PORT": str(self.port)}
        with (self.directory / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=self.directory,
                env={**os.environ, **ours, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)

    def wait_for(self, check: Callable[[], object]) -> None:
        """Return when ``check`` gives something true; an OSError means: not yet."""
        deadline = time.monotonic() + PATIENCE
        problem = "it takes too long"
        while time.monotonic() < deadline:
            try:
                if check():
                    return
            except OSError as error:
                problem = str(error)
            time.sleep(0.05)
        logs = "".join(each.read_text() for each in self.directory.glob("*.log"))
        raise SystemExit(f"Zoe does not answer as it should: {problem}\n{logs}")


@contextmanager
def running_zoe(directory: Path) -> Iterator[RunningZoe]:
    """Start it, and make a user and her token."""
    zoe = RunningZoe(directory)
    own = secrets.token_hex(16)
    hub = [str(Path(sys.executable).with_name("jupyterhub")), "-f", str(zoe.config)]
    with ExitStack() as stack:
        stack.enter_context(zoe.process("hub", hub, {"BENCHMARK_TOKEN": own}))
        zoe.wait_for(lambda: zoe.call("GET", "/hub/api/users", token=own) is not None)
        zoe.call("POST", f"/hub/api/users/{USER}", token=own)
        made = zoe.call("POST", f"/hub/api/users/{USER}/tokens", {}, token=own)
        zoe.token = made["token"]
        zoe.wait_for(lambda: zoe.call("GET", f"{API}/info"))
        yield zoe


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
