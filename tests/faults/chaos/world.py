"""A whole Zoe to break: its parts can be found, and come back."""

from abc import ABC, abstractmethod
from pathlib import Path

import psutil

from tests.faults.chaos.ground import Ground

PARTS = ("postgres", "master", "portal", "hub")

_SETTINGS = """
from zoe_hub.hub_config import configure
c = get_config()
configure(c)
c.ZoeMaster.relist_interval = 1.0
c.ZoeMaster.stop_grace = 1.0
"""


class World(ABC):
    """`with World(...) as world`: all runs until the block ends, unless somebody kills it."""

    def __init__(self, directory: Path, ground: Ground) -> None:
        self.directory = directory
        self.ground = ground

    def configuration(self) -> str:
        """The text of its configuration file."""
        return _SETTINGS + self.ground.settings()

    @property
    @abstractmethod
    def portal_url(self) -> str:
        """Where the portal's pages begin, with a slash at the end."""

    @property
    @abstractmethod
    def token(self) -> str:
        """A token of somebody who may launch."""

    @property
    @abstractmethod
    def database_url(self) -> str:
        """Zoe's database."""

    @abstractmethod
    def start(self) -> None:
        """Start everything for the first time, and wait until it answers."""

    @abstractmethod
    def stop(self) -> None:
        """Stop everything in order."""

    @abstractmethod
    def process(self, part: str) -> psutil.Process | None:
        """The process that is this part now; None while there is none."""

    @abstractmethod
    def revive(self) -> None:
        """Start again what has ended and nobody else would start."""

    @abstractmethod
    def logs(self) -> dict[str, Path]:
        """The logs of all parts."""

    def __enter__(self) -> "World":
        self.ground.open()
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            self.ground.close()
