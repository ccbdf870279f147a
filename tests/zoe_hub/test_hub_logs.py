"""The Hub's own log, as ZOE_LOG says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_HUB = """
import logging

from jupyterhub.app import JupyterHub
from traitlets.config import Config

from zoe_hub.hub_config import configure

config = Config()
configure(config)
hub = JupyterHub(config=config)
hub.init_logging()
hub.log.info("It starts")
logging.getLogger("tornado.access").info("200 GET /hub/home")
logging.getLogger("zoe_hub.proxy").warning("Its proxy is slow", extra={"execution": 42})
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "ZOE_BACKEND": "process",
        "ZOE_DIR": str(tmp_path),
        "ZOE_DATABASE_URL": "postgresql+psycopg2://zoe@db.test/zoe",
    }


def lines(environment: dict[str, str]) -> list[str]:
    ran = subprocess.run(
        [sys.executable, "-c", _HUB], env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stderr.splitlines()


def test_the_hub_writes_json_as_well(environment: dict[str, str]) -> None:
    first, second, third = map(json.loads, lines(environment | {"ZOE_LOG": "json"}))
    assert (first["level"], first["message"]) == ("INFO", "It starts")
    assert second["message"] == "200 GET /hub/home"
    assert (third["logger"], third["execution"]) == ("zoe_hub.proxy", 42)
    assert {"time", "logger"} <= first.keys()


def test_otherwise_it_writes_as_jupyterhub_does(environment: dict[str, str]) -> None:
    first, *_ = lines(environment | {"ZOE_LOG": ""})
    assert first.startswith("[I ")
    assert first.endswith("It starts")
