"""A Zoe for benchmarks: JupyterHub, its proxy, Postgres and the portal, in a temporary directory.

The master is started apart, for what needs one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.running_hub import USER, RunningHub
from zoe_store.embedded import EmbeddedPostgres

API = "/services/zoe/api/v1"

_CONFIG = """
from zoe_hub.hub_config import configure
configure(c)
if "BENCHMARK_TOKEN" in os.environ:  # in the Hub itself
    c.JupyterHub.services = [each for each in c.JupyterHub.services if each["name"] == "zoe"]
c.ProcessBackend.environments = {"shell": {}}
"""

__all__ = ["API", "USER", "RunningZoe", "running_zoe"]


class RunningZoe(RunningHub):
    """``with running_zoe(directory) as zoe``."""

    def __init__(self, directory: Path, backend: str, more: str) -> None:
        super().__init__(directory)
        ours = {
            "ZOE_BACKEND": backend,
            "ZOE_DIR": str(directory / "zoe"),
            "ZOE_PORT": str(self.port),
        }
        self.configure(_CONFIG + more, ours)
        self.database_url = EmbeddedPostgres(directory / "zoe" / "postgres").url("zoe")

    @contextmanager
    def master(self) -> Iterator[None]:
        """A master, from when it schedules until the block ends."""
        main = [sys.executable, "-c", "from zoe_master.app import main; main()"]
        environment = {
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
def running_zoe(directory: Path, backend: str = "process", more: str = "") -> Iterator[RunningZoe]:
    """Start it with that back-end, and ``more`` in its configuration file.

    Its portal answers when the block begins.
    """
    zoe = RunningZoe(directory, backend, more)
    with zoe.started():
        zoe.wait_for(lambda: zoe.call("GET", f"{API}/info"))
        yield zoe
