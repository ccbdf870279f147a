"""The systemd units, and the settings that they read."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.running_zoe import ROOT
from zoe_hub.settings import Settings

DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))


def example() -> dict[str, str]:
    lines = (DEPLOY / "zoe.env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_there_is_one_for_each_program() -> None:
    assert [unit.stem for unit in UNITS] == ["zoe-hub", "zoe-master", "zoe-portal"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_accepts_them(tmp_path: Path) -> None:
    for unit in UNITS:  # as if they were installed where our own programs are
        text = unit.read_text().replace("/opt/zoe/.venv/bin", str(Path(sys.executable).parent))
        (tmp_path / unit.name).write_text(text)
    command = ["systemd-analyze", "verify", *(str(tmp_path / unit.name) for unit in UNITS)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_each_comes_back_without_end(unit: Path) -> None:
    text = unit.read_text()
    for line in ("Restart=always", "StartLimitIntervalSec=0", "EnvironmentFile=/etc/zoe/zoe.env"):
        assert re.search(rf"^{line}$", text, re.MULTILINE), line


def test_instances_outlive_a_restart_of_the_master() -> None:
    assert "\nKillMode=process\n" in (DEPLOY / "zoe-master.service").read_text()


def test_the_example_is_right() -> None:
    settings = Settings.from_environment(example())
    assert settings.standalone
    assert str(settings.directory) == "/var/lib/zoe"
