"""A back-end on a real engine for each test; engines on machines of their own for some."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.sites import DEPLOYMENT, DockerSite
from tests.support.docker_engine import OwnEngine, engines_on_machines
from zoe_master.backends.docker import DockerBackend

NODES = ("node1", "node2")


class PairSite(DockerSite):
    """A back-end over two engines, each on a machine of its own."""

    def __init__(self, directory: Path, engines: list[OwnEngine], driver: str = "bridge") -> None:
        self.engines, self.driver = engines, driver
        super().__init__(directory, engines[0])

    def make(self, deployment: str, **traits: object) -> DockerBackend:
        settings = {
            "engines": [each.settings() for each in self.engines],
            "network_driver": self.driver,
            "offline_grace": 3600.0,
        }
        return super().make(deployment, **(settings | traits))

    def close(self) -> None:
        super().close()
        self.engines[1].remove_all(DEPLOYMENT)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[DockerSite]:
    site = DockerSite(tmp_path)
    yield site
    site.close()


@pytest.fixture(scope="session")
def engines() -> Iterator[list[OwnEngine]]:
    """Two, whose containers go on when a test kills them; it starts them again."""
    with engines_on_machines(*NODES) as engines:
        yield engines


@pytest.fixture
def pair(tmp_path: Path, engines: list[OwnEngine]) -> Iterator[PairSite]:
    """A back-end over those two."""
    site = PairSite(tmp_path, engines)
    yield site
    site.close()
    gc.collect()  # the SDK leaves a socket behind when an engine does not answer
