"""A world of four processes that do not start each other; we do, as systemd would."""

from pathlib import Path

import psutil

from tests.faults.chaos.ground import Ground
from tests.faults.chaos.hub_managed import make_token
from tests.faults.chaos.world import PARTS, World
from tests.support.standalone import StandaloneZoe


class Standalone(World):
    """The death of the Hub does not touch the others."""

    def __init__(self, directory: Path, ground: Ground) -> None:
        super().__init__(directory, ground)
        self._zoe = StandaloneZoe(directory, self.configuration(), backend=ground.backend)
        self._token = ""

    @property
    def portal_url(self) -> str:
        return f"{self._zoe.portal_url}/services/zoe/"

    @property
    def token(self) -> str:
        return self._token

    @property
    def database_url(self) -> str:
        return self._zoe.database_url

    def start(self) -> None:
        self._zoe.start_and_wait()
        self._token = make_token(self._zoe)

    def stop(self) -> None:
        self._zoe.stop()

    def process(self, part: str) -> psutil.Process | None:
        return psutil.Process(self._zoe.pid(part)) if self._zoe.runs(part) else None

    def revive(self) -> None:
        for part in PARTS:
            if not self._zoe.runs(part):
                self._zoe.start_part(part, wait=False)

    def logs(self) -> dict[str, Path]:
        return {part: self._zoe.log_of(part) for part in ("hub", "portal", "master")}
