"""What a shell offers after TAB."""

from __future__ import annotations

import subprocess

import pytest

from tests.support.running_zoe import ROOT
from tests.zoe_client.cli.site import PATIENCE, PROGRAM, Site

pytestmark = pytest.mark.timeout(300)


def _offered(site: Site, words: str, **environment: str) -> list[str]:
    """What bash would offer for the last of the words."""
    env = {
        **site.environment,
        "_ZOE_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        **environment,
    }
    done = subprocess.run(
        PROGRAM, cwd=ROOT, env=env, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


def test_shells_complete_zapps_executions_and_instances(site: Site) -> None:
    number = site.run("run", site.job("pass"), "--wait").stdout.strip()

    assert _offered(site, "zoe run note") == ["notebook-job"]
    assert number in _offered(site, "zoe show ")
    assert number not in _offered(site, "zoe stop ")
    assert number not in _offered(site, "zoe change ")
    assert _offered(site, f"zoe logs {number} m") == ["main-0"]
    assert _offered(site, "zoe sh") == ["show"]
    assert _offered(site, "zoe run note", ZOE_URL="http://127.0.0.1:1/") == ["note"]  # as a file


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell(site: Site, shell: str) -> None:
    script = site.run("completion", shell)

    assert script.exit_code == 0
    assert f"_ZOE_COMPLETE={shell}_complete" in script.stdout
