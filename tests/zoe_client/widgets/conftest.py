"""One portal for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.running_zoe import ROOT, RunningZoe
from tests.zoe_client.cli.site import ROOM, Site
from zoe_client import Client

CONFIG = f"""
exec(open({str(ROOT / "jupyterhub_config.py")!r}).read())
from zoe_master.backends.process.environments import default_environments
c.ProcessBackend.environments = {{**default_environments(), "test": {{}}}}
c.ProcessBackend.memory = {ROOM}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("widgets")
    with RunningZoe(directory / "zoe", CONFIG) as zoe:
        token = zoe.administrator().make_token()
        with Client(f"{zoe.url}/services/zoe/", token) as client:
            yield Site(zoe, token, client, directory)
