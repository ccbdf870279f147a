"""One portal for all tests of the commands; each module finds nothing that runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.running_zoe import RunningZoe
from tests.zoe_client.cli.site import CONFIG, PATIENCE, Site
from zoe_client import Client
from zoe_client.cli._shown import LIVE


@pytest.fixture(scope="session")
def whole_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The portal, started once."""
    directory = tmp_path_factory.mktemp("cli")
    with RunningZoe(directory / "zoe", CONFIG) as zoe:
        token = zoe.administrator().make_token()
        with Client(f"{zoe.url}/services/zoe/", token) as client:
            yield Site(zoe, token, client, directory)


@pytest.fixture(scope="module")
def site(whole_site: Site) -> Iterator[Site]:
    """It, and the end of all that a module has left running."""
    yield whole_site
    live = list(whole_site.client.executions(status=LIVE))
    for each in live:
        each.stop()
    for each in live:
        each.wait(PATIENCE)
