"""Every test of the contract runs over every kind of site."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.sites import DockerSite, FakeSite, ProcessSite, ServedFakeSite, Site

SITES: dict[str, type[Site]] = {
    "process": ProcessSite,
    "docker": DockerSite,
    "fake": FakeSite,
    "fake served": ServedFakeSite,
}


@pytest.fixture(params=SITES)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    site = SITES[request.param](tmp_path)
    yield site
    site.close()


@pytest.fixture(params=[name for name, kind in SITES.items() if kind.real])
def real_site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """One where commands really run."""
    site = SITES[request.param](tmp_path)
    yield site
    site.close()


@pytest.fixture
def process_site(tmp_path: Path) -> Iterator[Site]:
    """One where commands are processes of this machine, with its files and its programs."""
    site = ProcessSite(tmp_path)
    yield site
    site.close()
