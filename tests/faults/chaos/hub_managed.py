"""A world as `make portal` starts it: the Hub starts and restarts all the rest."""

from pathlib import Path

import psutil

from tests.faults.chaos.ground import Ground
from tests.faults.chaos.world import World
from tests.support.running_zoe import RunningZoe
from zoe_store.embedded import EmbeddedPostgres

_PROGRAMS = {
    "portal": "zoe_hub.portal.app:main",
    "master": "zoe_master.app:main",
    "postgres": "bin/postgres",
}


class HubManaged(World):
    """Only the Hub is restarted by us, as a person or systemd would."""

    def __init__(self, directory: Path, ground: Ground) -> None:
        super().__init__(directory, ground)
        self._zoe = _RunningZoe(directory, self.configuration())
        self._zoe.backend = ground.backend
        self._token = ""

    @property
    def portal_url(self) -> str:
        return f"{self._zoe.url}/services/zoe/"

    @property
    def token(self) -> str:
        return self._token

    @property
    def database_url(self) -> str:
        return EmbeddedPostgres(self.directory / "postgres").url("zoe")

    def start(self) -> None:
        self._zoe.start_and_wait()
        self._token = make_token(self._zoe)

    def stop(self) -> None:
        self._zoe.stop()

    def process(self, part: str) -> psutil.Process | None:
        hub = self._zoe.process
        if hub is None or hub.poll() is not None:
            return None
        if part == "hub":
            return psutil.Process(hub.pid)
        try:
            children = psutil.Process(hub.pid).children()
        except psutil.NoSuchProcess:
            return None
        return next((each for each in children if _runs(each, _PROGRAMS[part])), None)

    def revive(self) -> None:
        if self._zoe.process is None or self._zoe.process.poll() is not None:
            self._zoe.start()

    def logs(self) -> dict[str, Path]:
        return {
            "hub, portal and master": self._zoe.log,
            "postgres": self.directory / "postgres" / "postgres.log",
        }


def make_token(zoe: RunningZoe) -> str:
    """A token of the administrator, who logs in for it."""
    browser = zoe.administrator()
    try:
        return browser.make_token()
    finally:
        browser.client.close()


class _RunningZoe(RunningZoe):
    backend = "process"

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "ZOE_BACKEND": self.backend}


def _runs(process: psutil.Process, program: str) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and program in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False
