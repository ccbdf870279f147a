"""Jupyter servers over restarts of the Hub: what runs goes on, what waits keeps its place."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import sqlalchemy as sa

from tests.integration.test_servers import ROOM_FOR_ONE, executions, is_ready, progress, start
from tests.support.running_zoe import RunningZoe
from tests.support.standalone import StandaloneZoe
from tests.support.waiting import eventually
from zoe_store.checkpoints import Checkpoint
from zoe_store.embedded import EmbeddedPostgres
from zoe_store.executions import request_termination
from zoe_store.tables import launch_secrets

pytestmark = pytest.mark.timeout(240)

# The Hub starts no master while the file is there.
MAYBE_NO_MASTER = (
    ROOM_FOR_ONE
    + """
import os.path
services = c.JupyterHub.services  # those that read this file themselves find none
if os.path.exists("no-master") and isinstance(services, list):
    c.JupyterHub.services = [each for each in services if each["name"] == "zoe"]
"""
)


class Site:
    """A whole Zoe, its administrator's REST client, and a look into its database."""

    def __init__(self, zoe: RunningZoe, admin: httpx.Client) -> None:
        self.zoe = zoe
        self.admin = admin

    @property
    def database_url(self) -> str:
        if isinstance(self.zoe, StandaloneZoe):
            return self.zoe.database_url
        return EmbeddedPostgres(self.zoe.directory / "postgres").url("zoe")

    def kill(self) -> None:
        """As a crash would; services and Postgres go with the Hub."""
        assert self.zoe.process is not None
        self.zoe.process.kill()
        self.zoe.process.wait()

    def terminate(self) -> None:
        """As systemd does."""
        assert self.zoe.process is not None
        self.zoe.process.send_signal(signal.SIGTERM)
        self.zoe.process.wait(60)

    def crash(self) -> None:
        """Wait until the Hub has crashed by itself."""
        assert self.zoe.process is not None
        assert self.zoe.process.wait(60) == -signal.SIGKILL

    def ids(self) -> dict[str, int]:
        """The executions by name; no name twice."""
        items = self.admin.get("/services/zoe/api/v1/executions").json()["items"]
        assert len({each["name"] for each in items}) == len(items), items
        return {each["name"]: each["id"] for each in items}

    def token(self, name: str) -> str:
        """The token in the launch secrets of a server."""
        engine = sa.create_engine(self.database_url, poolclass=sa.NullPool)
        query = sa.select(launch_secrets.c.environment).where(
            launch_secrets.c.execution_id == self.ids()[name]
        )
        with engine.connect() as connection:
            return str(connection.scalars(query).one()["JUPYTERHUB_API_TOKEN"])

    def hub_knows(self, token: str) -> bool:
        """Whether the Hub accepts a token as the administrator's."""
        headers = {"Authorization": f"token {token}"}
        answer = httpx.get(f"{self.zoe.url}/hub/api/user", headers=headers)
        assert answer.status_code in (200, 403)
        return answer.status_code == 200 and answer.json()["name"] == "admin"

    def waits(self, name: str, position: int) -> None:
        """The Hub starts it, the page shows its place and a reason, and its token works."""
        said = "" if position > 1 else " notebook-0 needs 512 MB"
        beginning = f"You are number {position} in the queue.{said}"
        eventually(lambda: self.is_pending(name), timeout=30, message=self.zoe.output)
        messages = (event["message"] for event in progress(self.admin, name))
        assert next(each for each in messages if each.startswith(beginning))
        assert executions(self.admin)[name]["status"] == "queued"
        assert self.hub_knows(self.token(name))

    def answers(self, name: str) -> None:
        """The server is there, and has the token of its newest launch, which the Hub accepts."""
        eventually(lambda: is_ready(self.admin, name), timeout=90, message=self.zoe.output)
        address = f"/user/admin/{name}/api/status"
        eventually(lambda: self.admin.get(address).status_code == 200)  # the proxy knows the way
        token = self.token(name)
        assert self.tokens_in_processes() == {token}
        assert self.hub_knows(token)

    def tokens_in_processes(self) -> set[str]:
        """Those that running instances have in their environment."""
        found = set()
        for process in psutil.process_iter():
            try:
                environment = process.environ()
            except psutil.Error:
                continue
            if environment.get("ZOE_WORKSPACE", "").startswith(str(self.zoe.directory)):
                found.add(environment.get("JUPYTERHUB_API_TOKEN", ""))
        return found

    def is_pending(self, name: str) -> bool:
        """Whether the Hub is starting it."""
        server = self.admin.get(f"/hub/api/users/admin/servers/{name}")
        return server.status_code == 200 and server.json()["pending"] == "spawn"


@contextmanager
def visited(zoe: RunningZoe) -> Iterator[Site]:
    """Start it, for the length of the block."""
    with zoe, ExitStack() as stack:
        headers = {"Authorization": f"token {zoe.administrator().make_token()}"}
        client = httpx.Client(base_url=zoe.url, headers=headers, timeout=30)
        yield Site(zoe, stack.enter_context(client))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with visited(RunningZoe(tmp_path / "zoe", ROOM_FOR_ONE)) as site:
        yield site


@contextmanager
def a_master(site: Site) -> Iterator[None]:
    """A master that the Hub did not start."""
    environment = {
        **site.zoe.environment(),
        "ZOE_BACKEND": "process",
        "ZOE_CONFIG": str(site.zoe.config),
        "ZOE_DATABASE_URL": site.database_url,
        "ZOE_END_INSTANCES": "1",
    }
    with site.zoe.log.open("ab") as log:
        master = subprocess.Popen(
            [sys.executable, "-c", "from zoe_master.app import main; main()"],
            cwd=site.zoe.log.parent,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
    finally:
        master.terminate()
        master.wait(30)


def kernels(site: Site, server: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.admin.get(f"/user/admin/{server}/api/kernels").json()
    return found


def test_killed_twice_what_runs_goes_on_and_what_waits_keeps_its_place(site: Site) -> None:
    start(site.admin, "first")
    site.answers("first")
    kernel = site.admin.post("/user/admin/first/api/kernels", json={"name": "python3"}).json()
    start(site.admin, "second")
    site.waits("second", 1)
    start(site.admin, "third")
    site.waits("third", 2)
    ids, running = site.ids(), site.token("first")

    for _ in range(2):
        old = [site.token("second"), site.token("third")]
        site.kill()
        site.zoe.start_and_wait()
        site.waits("second", 1)
        site.waits("third", 2)
        assert site.ids() == ids
        assert not any(site.hub_knows(token) for token in old)
        eventually(lambda: is_ready(site.admin, "first"))
        assert [each["id"] for each in kernels(site, "first")] == [kernel["id"]]
        assert site.tokens_in_processes() == {running}
        assert site.hub_knows(running)

    assert site.admin.delete("/hub/api/users/admin/servers/first").status_code in (202, 204)
    site.answers("second")
    site.waits("third", 1)
    assert site.ids() == ids


def test_stopped_in_order_the_next_in_the_queue_starts_first(site: Site) -> None:
    start(site.admin, "first")
    site.answers("first")
    for position, name in enumerate(("second", "third"), start=1):
        start(site.admin, name)
        site.waits(name, position)
    ids, old = site.ids(), site.token("second")
    site.terminate()
    site.zoe.start_and_wait()
    # What ran was ended with the portal, so there is room for one.
    site.answers("second")
    site.waits("third", 1)
    assert site.ids() == ids
    assert not site.hub_knows(old)


def test_a_waiting_server_comes_back_without_a_master_and_goes_on_with_one(tmp_path: Path) -> None:
    with visited(RunningZoe(tmp_path / "zoe", MAYBE_NO_MASTER)) as site:
        start(site.admin, "first")
        site.answers("first")
        start(site.admin, "second")
        site.waits("second", 1)
        ids, old = site.ids(), site.token("second")
        (tmp_path / "no-master").touch()
        site.kill()
        site.zoe.start_and_wait()
        eventually(lambda: site.is_pending("second"), message=site.zoe.output)
        said = (event["message"] for event in progress(site.admin, "second"))
        assert next(each for each in said if "goes on as soon as it can: the scheduler" in each)
        assert site.token("second") == old  # until the master says that it starts nothing with it
        with a_master(site):
            eventually(lambda: site.token("second") != old)
            site.waits("second", 1)
            assert site.ids() == ids
            assert not site.hub_knows(old)


@pytest.mark.parametrize("point", [Checkpoint.SPAWN_STORED, Checkpoint.SPAWN_NOTED])
def test_a_hub_that_crashes_while_it_launches_has_launched_once(
    tmp_path: Path, point: Checkpoint
) -> None:
    zoe = RunningZoe(tmp_path / "zoe", ROOM_FOR_ONE)
    zoe.extra_environment = {"ZOE_CRASH_AT": f"{point}@2"}
    with visited(zoe) as site:
        start(site.admin, "first")
        site.answers("first")
        with pytest.raises(httpx.HTTPError):
            site.admin.post("/hub/api/users/admin/servers/lab").raise_for_status()
        site.crash()
        if point is Checkpoint.SPAWN_NOTED:
            # Once more, when the portal has it launched again and it is to be taken over.
            zoe.extra_environment = {"ZOE_CRASH_AT": point}
            zoe.start()
            site.crash()
        zoe.extra_environment = {}
        zoe.start_and_wait()
        site.waits("lab", 1)
        assert set(site.ids()) == {"first", "lab"}
        assert site.admin.delete("/hub/api/users/admin/servers/first").status_code in (202, 204)
        site.answers("lab")


def test_while_the_hub_is_away_the_queue_goes_on(tmp_path: Path) -> None:
    zoe = StandaloneZoe(tmp_path / "zoe", ROOM_FOR_ONE)
    with visited(zoe) as site:
        start(site.admin, "first")
        site.answers("first")
        for position, name in enumerate(("second", "third"), start=1):
            start(site.admin, name)
            site.waits(name, position)
        ids, second, third = site.ids(), site.token("second"), site.token("third")
        zoe.kill("hub")
        now = datetime.now(UTC)
        assert request_termination(zoe.database, ids["first"], "admin", "Enough.", now)
        eventually(lambda: site.tokens_in_processes() == {second})
        zoe.start_part("hub")
        # It came to run with the token of its launch, which the Hub still knows it by.
        site.answers("second")
        site.waits("third", 1)
        assert site.ids() == ids
        assert site.token("second") == second
        assert not site.hub_knows(third)
