"""Logs as JSON: the whole way of a launch is found by its number, in both programs' logs."""

import json
import logging
import logging.config
import os
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import eventually_async
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.programs import python
from zoe_store.log_lines import json_config


@pytest.fixture(autouse=True)
def json_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the master is started."""
    monkeypatch.setenv("ZOE_LOG", "json")


@pytest.fixture
def portal_log() -> Iterator[StringIO]:
    """What the portal's modules log, as its program writes it."""
    written = StringIO()
    made = json_config("ZoePortal")["formatters"]
    configurator: Any = logging.config.DictConfigurator({"version": 1})
    handler = logging.StreamHandler(written)
    handler.setFormatter(configurator.configure_formatter(made["json"]))
    log = logging.getLogger("zoe_hub")
    log.addHandler(handler)
    level = log.level
    log.setLevel(logging.INFO)
    yield written
    log.removeHandler(handler)
    log.setLevel(level)


def about(text: str, execution_id: int) -> list[dict[str, Any]]:
    """The lines about an execution; all others are JSON as well."""
    lines = [json.loads(line) for line in text.splitlines()]
    assert all({"time", "level", "logger", "message"} <= each.keys() for each in lines)
    return [each for each in lines if each.get("execution") == execution_id]


async def test_the_way_of_a_launch(
    json_logs: None,
    master: subprocess.Popen[bytes],
    portal_log: StringIO,
    portal: Portal,
    tmp_path: Path,
) -> None:
    asleep = {"description": python("import time; time.sleep(600)")}
    answer = await portal.request("POST", "/executions", json=asleep)
    first, second = answer.json()["id"], (await portal.launch())["id"]

    moves = [
        f"Execution {first}: {old} -> {new}"
        for old, new in pairwise(
            ["submitted", "queued", "starting", "running", "cleaning_up", "terminated"]
        )
    ]

    def said_of(moves: list[str]) -> list[dict[str, Any]]:
        said = about((tmp_path / "master.log").read_text(), first)
        assert [each["message"] for each in said if each["message"] in moves] == moves
        return said

    await eventually_async(lambda: said_of(moves[:3]), timeout=60)
    await portal.request("DELETE", f"/executions/{first}")
    said = await eventually_async(lambda: said_of(moves), timeout=60)
    await portal.get(f"/executions/{first}")
    messages = [each["message"] for each in said]
    starts = [each for each in said if "start " in each["message"] and "instance" in each]
    assert {(each["instance"], each["attempt"]) for each in starts} >= {("main-0", 1)}
    assert not any(f"Execution {second}:" in each for each in messages)

    seen = about(portal_log.getvalue(), first)
    assert any(each["message"].startswith("201 POST") for each in seen), portal_log.getvalue()
    assert any(f"/executions/{first}" in each["message"] for each in seen)
    for text in ((tmp_path / "master.log").read_text(), portal_log.getvalue()):
        assert not any(token in text for token in portal.tokens.values())


def test_a_line_is_one_line(portal_log: StringIO) -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("zoe_hub").exception("not\nmore", extra={"execution": 42})
    (line,) = about(portal_log.getvalue(), 42)
    assert line["message"] == "not\nmore"
    assert "two\nlines" in line["exc_info"]
    assert (line["level"], line["logger"]) == ("ERROR", "zoe_hub")


@pytest.mark.parametrize("style", ["", "plain", "json", "loud"])
def test_what_the_environment_may_say(style: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "zoe_master.app"],
        env={**os.environ, "ZOE_LOG": style, "ZOE_DATABASE_URL": "", "ZOE_CONFIG": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    if style == "json":
        assert json.loads(line)["level"] == "CRITICAL"
    elif style == "loud":
        assert "ZOE_LOG is 'loud': it must be plain or json" in line
    else:
        assert "No database is named" in line
