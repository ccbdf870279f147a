"""A running portal for the tests of `zoe`, and ways to call the command there."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect
import psutil
from click.testing import CliRunner, Result

from tests.support.running_zoe import ROOT, RunningZoe
from tests.support.waiting import eventually
from zoe_client import Client, Execution
from zoe_client.cli.zoe import zoe

PATIENCE = 90.0  # seconds
PROGRAM = [sys.executable, "-m", "zoe_client.cli.zoe"]
ROOM = 2**30  # bytes that instances may reserve
CONFIG = f"""
exec(open({str(ROOT / "jupyterhub_config.py")!r}).read())
c.ProcessBackend.environments = {{"test": {{}}}}
c.ProcessBackend.memory = {ROOM}
c.ZoeMaster.relist_interval = 2.0  # what has ended is purged after the next full list
"""
SMALL = 32 * 2**20


@dataclass
class Site:
    """The portal, the token of its administrator, and a client that uses it."""

    zoe: RunningZoe
    token: str
    client: Client
    directory: Path

    @property
    def environment(self) -> dict[str, str]:
        """With which the command finds the portal."""
        return {"ZOE_URL": self.client.url, "ZOE_TOKEN": self.token}

    def run(self, *arguments: object, env: dict[str, str] | None = None, stdin: str = "") -> Result:
        """Call the command in this process, as in a pipe."""
        environment = self.environment if env is None else env
        return CliRunner().invoke(zoe, list(map(str, arguments)), input=stdin, env=environment)

    def ask(self, *arguments: object) -> Any:
        """What the command says with --json when it goes well."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def job(self, program: str, *, memory: int = SMALL, **service: Any) -> Path:
        """The file of a ZApp that runs a Python program."""
        file = self.directory / "job.json"
        file.write_text(json.dumps(description(program, memory, **service)))
        return file

    def launch(self, program: str, *, memory: int = SMALL, **service: Any) -> Execution:
        """Launch such a ZApp."""
        return self.client.run(description(program, memory, **service))

    @contextmanager
    def busy(self) -> Iterator[Execution]:
        """Something that runs, and leaves no room for anything else, until the block ends."""
        holder = self.launch("import time; time.sleep(1000)", memory=ROOM)
        eventually(lambda: holder.status == "running", timeout=PATIENCE)
        try:
            yield holder
        finally:
            holder.stop().wait(PATIENCE)

    def kill_portal(self) -> None:
        """Kill the portal's process, which the Hub starts again."""
        assert self.zoe.process is not None
        for each in psutil.Process(self.zoe.process.pid).children():
            if "portal" in " ".join(each.cmdline()):
                each.kill()
                return
        raise AssertionError("the portal does not run")

    def terminal(
        self, *arguments: object, program: Sequence[str] = PROGRAM, **environment: str
    ) -> pexpect.spawn:
        """Call the command on a terminal of 100 columns."""
        return pexpect.spawn(
            program[0],
            [*program[1:], *map(str, arguments)],
            dimensions=(40, 100),
            encoding="utf-8",
            timeout=PATIENCE,
            cwd=str(ROOT),
            env={**os.environ, **self.environment, "TERM": "xterm-256color", **environment},
        )


def description(program: str, memory: int, **service: Any) -> dict[str, Any]:
    """A ZApp that runs a Python program."""
    main = {
        "name": "main",
        "image": "test",
        "monitor": True,
        "total_count": 1,
        "essential_count": 1,
        "command": f"{sys.executable} -u -c {shlex.quote(program)}",
        "resources": {"memory": {"min": memory}, "cores": {"min": 0.01}},
        **service,
    }
    return {"version": 4, "name": "job", "will_end": True, "services": [main]}


def end_of(terminal: pexpect.spawn) -> tuple[str, int | None]:
    """What a command writes until it ends, and its exit code."""
    terminal.expect(pexpect.EOF)
    terminal.close()
    return terminal.before or "", terminal.exitstatus
