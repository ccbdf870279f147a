"""A Zoe whose parts are processes of their own: Postgres, master, portal and Hub.

Each may be killed and started by itself; nobody starts it again but the test.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import psutil

from tests.support.ports import free_ports_in_a_row
from tests.support.running_zoe import RunningZoe
from tests.support.survivors import is_running
from tests.support.waiting import eventually
from zoe_store import migrate
from zoe_store.cluster import master_record
from zoe_store.database import Database, DatabaseAway
from zoe_store.embedded import EmbeddedPostgres

PARTS = ("postgres", "master", "portal", "hub")
"""All parts, in the order in which they are started."""

_PROGRAMS = {"master": "zoe-master", "portal": "zoe-portal"}
_OPEN_TO_ALL = "/services/zoe/static/css/zoe.css"
_PATIENCE = 90.0  # seconds


class StandaloneZoe(RunningZoe):
    """`with StandaloneZoe(directory) as zoe`: all parts run, and answer, until the block ends.

    `directory` becomes ZOE_DIR, `config` the text of the configuration file of all three programs
    (None: the project's), `extra` more environment of the master and the portal. What the process
    back-end runs survives the death of the master; it is ended with the block.
    """

    def __init__(
        self,
        directory: Path,
        config: str | None = None,
        *,
        backend: str = "process",
        extra: dict[str, str] | None = None,
    ) -> None:
        super().__init__(directory, config, port=free_ports_in_a_row(4))
        self.portal_url = f"http://127.0.0.1:{self.port + 3}"
        self.postgres = EmbeddedPostgres(directory.with_name(f"{directory.name}-postgres"))
        self.database_url = self.postgres.url("zoe")
        self.backend = backend
        self.extra = extra or {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._database: Database | None = None

    @property
    def database(self) -> Database:
        """Zoe's database, for queries of `zoe_store`."""
        if self._database is None:
            self._database = Database(self.database_url)
        return self._database

    # --- one part ---

    def start_part(self, part: str, *, wait: bool = True, **extra: str) -> None:
        """Start a part that does not run; `wait`: until it does its work.

        The master works when Postgres does and no other one acts. Only for the main thread.
        """
        if part == "postgres":
            self._start_postgres()
            return
        seen_before = self._master_seen() if part == "master" and wait else None
        if part == "hub":
            self.start()
            assert self.process is not None
            self.processes["hub"] = self.process
        else:
            self._start_program(part, extra)
        if wait:
            eventually(
                lambda: self._works(part, seen_before),
                timeout=_PATIENCE,
                message=lambda: self.output_of(part),
            )

    def kill(self, part: str) -> None:
        """End a part as a crash would, and wait until it is gone."""
        process = psutil.Process(self.pid(part))
        process.kill()
        self._reap(part)

    def stop_part(self, part: str) -> None:
        """End a part in order, as systemd would."""
        if part == "postgres":
            self.postgres.stop()
            return
        self.processes[part].send_signal(signal.SIGTERM)
        self.processes[part].send_signal(signal.SIGCONT)  # it may be paused
        self._reap(part)

    def restart(self, part: str) -> None:
        """Kill a part, start it, and wait until it does its work."""
        self.kill(part)
        self.start_part(part)

    def pause(self, part: str) -> None:
        """Let a part hang, with all its processes, until `resume`."""
        for process in self._all_of(part):
            process.suspend()

    def resume(self, part: str) -> None:
        """Let a part go on that was paused."""
        for process in self._all_of(part):
            process.resume()

    def pid(self, part: str) -> int:
        """The pid of the running process of a part."""
        pid = self.postgres.pid if part == "postgres" else self.processes[part].pid
        assert pid is not None
        return pid

    def runs(self, part: str) -> bool:
        """Whether the process of a part runs."""
        if part == "postgres":
            pid = self.postgres.pid
            return pid is not None and psutil.pid_exists(pid) and is_running(psutil.Process(pid))
        return part in self.processes and self.processes[part].poll() is None

    def output_of(self, part: str) -> str:
        """All that a part has printed since it was first started."""
        return self.log_of(part).read_text(errors="replace") if self.log_of(part).exists() else ""

    def log_of(self, part: str) -> Path:
        """The file that a part prints to."""
        return (
            self.log if part == "hub" else self.log.with_name(f"{self.directory.name}-{part}.log")
        )

    # --- all of them ---

    def start_and_wait(self) -> None:
        """Start all parts, and wait until they do their work."""
        for part in PARTS:
            self.start_part(part)

    def stop(self) -> int | None:
        """Stop all parts, and what they run; returns the exit code of the Hub."""
        code = None
        for part in ("hub", "portal", "master"):
            if self.runs(part):
                self.stop_part(part)
        if "hub" in self.processes:
            code = self.processes["hub"].returncode
        if self.processes:
            self._end_instances()
        if self._database is not None:
            self._database.close()
            self._database = None
        self.postgres.stop()
        return code

    def output(self) -> str:
        """What all parts have printed."""
        return "\n".join(
            f"=== {part}\n{self.output_of(part)}" for part in ("hub", "portal", "master")
        )

    def environment(self) -> dict[str, str]:
        """The environment of all three programs."""
        return {
            **super().environment(),
            "ZOE_BACKEND": self.backend,
            "ZOE_CONFIG": str(self.config),
            "ZOE_DATABASE_URL": self.database_url,
            "ZOE_STANDALONE": "1",
        }

    # --- how ---

    def _start_postgres(self) -> None:
        if self.postgres.pid is None:
            self.postgres.start()
            migrate.upgrade(self.database_url)
        else:
            eventually(self.postgres.revive, timeout=_PATIENCE, message="Postgres starts")
            eventually(self._database_answers, timeout=_PATIENCE, message="Postgres answers")

    def _start_program(self, part: str, extra: dict[str, str]) -> None:
        with self.log_of(part).open("ab") as log:
            self.processes[part] = subprocess.Popen(
                [Path(sys.executable).with_name(_PROGRAMS[part])],
                cwd=self.log.parent,
                env={**self.environment(), **self.extra, **extra},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _works(self, part: str, seen_before: object) -> bool:
        if not self.runs(part):
            raise RuntimeError(f"the {part} has ended:\n{self.output_of(part)}")
        if part == "master":
            return self._master_seen() not in (None, seen_before)
        try:
            if part == "portal":
                return _get(f"{self.portal_url}{_OPEN_TO_ALL}") == 200
            # Until its proxy knows the way to the portal, the Hub is in its place.
            return _get(f"{self.url}/hub/health") == 200 and _get(self.url + _OPEN_TO_ALL) != 302
        except httpx.TransportError:
            return False

    def _master_seen(self) -> object:
        with contextlib.suppress(DatabaseAway):
            return master_record(self.database).seen_at
        return None

    def _database_answers(self) -> bool:
        try:
            master_record(self.database)
        except DatabaseAway:
            return False
        return True

    def _reap(self, part: str) -> None:
        if part == "postgres":
            eventually(lambda: not self.runs("postgres"))
            return
        try:
            self.processes[part].wait(60)
        except subprocess.TimeoutExpired:
            self.processes[part].kill()
            self.processes[part].wait()
            raise AssertionError(f"the {part} does not stop:\n{self.output_of(part)}") from None

    def _all_of(self, part: str) -> list[psutil.Process]:
        process = psutil.Process(self.pid(part))
        # Instances are children of the master that started them, and no part of it.
        return [process, *(process.children(recursive=True) if part == "postgres" else ())]

    def _end_instances(self) -> None:
        """Let a master end what still runs, as one that is stopped together with the portal."""
        if self.backend != "process" or not self._master_seen():
            return
        self.start_part("master", ZOE_END_INSTANCES="1")
        self.stop_part("master")


def _get(url: str) -> int:
    return httpx.get(url, timeout=5).status_code
