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
    for line in (
        "Restart=always",
        "StartLimitIntervalSec=0",
        "LimitNOFILE=65536",
        "EnvironmentFile=/etc/zoe/zoe.env",
    ):
        assert re.search(rf"^{line}$", text, re.MULTILINE), line


def test_instances_outlive_the_master_and_it_outlives_them() -> None:
    text = (DEPLOY / "zoe-master.service").read_text()
    for line in ("KillMode=process", "OOMPolicy=continue"):
        assert f"\n{line}\n" in text, line


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_what_the_guide_runs_by_hand_runs_as_the_units_do(unit: Path) -> None:
    guide = (ROOT / "docs" / "administrator.md").read_text()
    [function] = re.findall(r"^ +as_zoe\(\) \{(.*?)\}$", guide, re.MULTILINE | re.DOTALL)
    properties = re.findall(r" -p (\S+)", function)
    assert len(properties) > 4
    assert set(properties) <= set(unit.read_text().splitlines())


def test_the_guide_puts_no_secret_on_a_command_line() -> None:
    guide = (ROOT / "docs" / "administrator.md").read_text()
    assert not re.search(r"ZOE_DATABASE_URL=|postgresql://", guide)


def test_the_example_is_right() -> None:
    settings = Settings.from_environment(example())
    assert settings.standalone
    assert str(settings.directory) == "/var/lib/zoe"
