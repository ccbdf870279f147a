"""Postgres is away while the Hub waits for a Jupyter server, and nobody asks the Hub anything."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration.test_outages import API, description, postgres, status
from tests.integration.test_server_restarts import Site, visited
from tests.integration.test_servers import is_ready, servers, start
from tests.support.running_zoe import ROOT, RunningZoe
from tests.support.waiting import eventually
from zoe_store.database import Database, DatabaseAway
from zoe_store.executions import request_termination

pytestmark = pytest.mark.timeout(240)

# Stands for a Jupyter server: it answers, and ends only when it is made to.
STUBBORN = f"""#!{sys.executable}
import os, signal
from http.server import SimpleHTTPRequestHandler
from socketserver import TCPServer
from urllib.parse import urlsplit

signal.signal(signal.SIGTERM, signal.SIG_IGN)
place = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
TCPServer((place.hostname, place.port), SimpleHTTPRequestHandler).serve_forever()
"""

# There is room for one server. Its stop takes longer than our other transactions may be idle.
CONFIG = f"""
exec(open({str(ROOT / "jupyterhub_config.py")!r}).read())
c.ZoeMaster.stop_grace = 7.0
c.ProcessBackend.grace = 1.0
c.ProcessBackend.memory = 700 * 2**20
c.JupyterHub.tornado_settings = {{"slow_spawn_timeout": 1, "slow_stop_timeout": 1}}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("outages")
    programs = directory / "programs"
    programs.mkdir()
    (programs / "zoe-jupyter").write_text(STUBBORN)
    (programs / "zoe-jupyter").chmod(0o755)
    image = {"path": [str(programs)]}
    images = f"c.ProcessBackend.environments = {{'test': {{}}, 'zoe/jupyter': {image}}}\n"
    with visited(RunningZoe(directory / "zoe", CONFIG + images)) as site:
        yield site


def kill_postgres(zoe: RunningZoe) -> None:
    """Kill it, and wait until the Hub has started another one."""
    before = postgres(zoe)
    before.kill()
    eventually(lambda: postgres(zoe).pid != before.pid, timeout=60)


def end(site: Site, execution_id: int) -> None:
    """End it without asking the Hub."""
    database = Database(site.database_url)

    def wish() -> bool:
        try:
            now = datetime.now(UTC)
            return request_termination(database, execution_id, "admin", "Enough.", now)
        except DatabaseAway as error:
            raise AssertionError(error) from error

    try:
        eventually(wish)
    finally:
        database.close()


STARTED = r"User admin:lab took \S+ seconds to start"
STOPPED = r"User admin server took \S+ seconds to stop"


@contextmanager
def logged(site: Site, line: str) -> Iterator[None]:
    """At its end wait for one more such line of the Hub: asking it would mend its session."""

    def count() -> int:
        return len(re.findall(line, site.zoe.output()))

    before = count()
    yield
    eventually(lambda: count() > before, timeout=60, message=site.zoe.output)


def start_lab(site: Site) -> str:
    """Start the server; returns its token."""
    start(site.admin, "lab")
    eventually(lambda: is_ready(site.admin, "lab"), timeout=60, message=site.zoe.output)
    return works(site)


def newest(site: Site) -> int:
    """The id of the newest execution that is a server."""
    items: list[dict[str, Any]] = site.admin.get(f"{API}/executions").json()["items"]
    return max(int(each["id"]) for each in items if each["name"] == "lab")


def works(site: Site) -> str:
    """The Hub says that it is ready, and accepts its token, which is returned."""
    assert is_ready(site.admin, "lab")
    [token] = site.tokens_in_processes()
    assert site.hub_knows(token)
    return token


def stop_lab(site: Site) -> None:
    assert site.admin.delete("/hub/api/users/admin/servers/lab").status_code == 202


def is_gone(site: Site, token: str) -> None:
    """The Hub knows neither the server nor its token any longer."""
    assert servers(site.admin).get("lab", {}).get("stopped", True)
    assert not site.hub_knows(token)
    assert site.tokens_in_processes() == set()
    # Nothing is left in its way.
    assert site.admin.delete("/hub/api/users/admin/servers/lab").status_code == 204


def test_a_stop_may_take_its_time(site: Site) -> None:
    token = start_lab(site)
    with logged(site, STOPPED):
        stop_lab(site)
    is_gone(site, token)


def test_postgres_is_killed_while_a_server_stops(site: Site) -> None:
    token = start_lab(site)
    with logged(site, STOPPED):
        stop_lab(site)
        kill_postgres(site.zoe)
    is_gone(site, token)


def test_postgres_is_killed_while_a_server_ends_by_itself(site: Site) -> None:
    token = start_lab(site)
    with logged(site, r"User admin server stopped, with exit code: 0"):
        end(site, newest(site))
        kill_postgres(site.zoe)
    eventually(lambda: not is_ready(site.admin, "lab"))
    eventually(lambda: not servers(site.admin).get("lab", {}).get("pending"))
    is_gone(site, token)


def test_postgres_is_killed_while_a_server_waits(site: Site) -> None:
    filler = description("sleep 4723")
    filler["services"][0]["resources"]["memory"]["min"] = 600 * 2**20
    answer = site.admin.post(f"{API}/executions", json={"description": filler})
    assert answer.status_code == 201, answer.text
    before = answer.json()["id"]
    eventually(lambda: status(site.admin, before) == "running")
    with logged(site, STARTED):
        start(site.admin, "lab")
        eventually(lambda: status(site.admin, newest(site)) == "queued")
        kill_postgres(site.zoe)
        end(site, before)
    eventually(lambda: is_ready(site.admin, "lab"), message=site.zoe.output)
    token = works(site)
    with logged(site, STOPPED):
        stop_lab(site)
    is_gone(site, token)
