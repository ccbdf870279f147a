"""A whole Zoe in processes of its own, as `make portal` starts it, in a directory of the test."""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import psutil

from tests.support.ports import free_port
from tests.support.survivors import family
from tests.support.waiting import eventually
from zoe_hub.login_link import LoginLink

ROOT = Path(__file__).parents[2]

# The Hub alone: for tests of what belongs to it.
HUB_ONLY = """
from zoe_hub.hub_config import configure
c = get_config()
configure(c)
c.JupyterHub.services = []
c.JupyterHub.load_roles = [role for role in c.JupyterHub.load_roles if "services" not in role]
c.JupyterHub.spawner_class = "simple"
"""


class RunningZoe:
    """`with RunningZoe(directory) as zoe`: started, and answering, until the block ends.

    `directory` becomes ZOE_DIR. `config` is the text of a configuration file; None: the project's.
    """

    def __init__(self, directory: Path, config: str | None = None, port: int | None = None) -> None:
        self.directory = directory
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = directory.with_name(f"{directory.name}.log")
        self.config = ROOT / "jupyterhub_config.py"
        if config is not None:
            self.config = directory.with_name(f"{directory.name}_config.py")
            self.config.write_text(config)
        self.process: subprocess.Popen[bytes] | None = None
        self.extra_environment: dict[str, str] = {}
        """For the next start: only the Hub gets it, and the services that it hands it on to."""
        self._log_start = 0
        self._browsers: list[Browser] = []

    def __enter__(self) -> "RunningZoe":
        try:
            self.start_and_wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for browser in self._browsers:
            browser.client.close()
        self.stop()
        print(self.output())  # pytest shows it when the test fails

    def start_and_wait(self) -> None:
        """Start it, for the first time or again, and wait until it says that it is ready."""
        self.start()
        eventually(self._is_ready, timeout=90, message=self.output)

    def start(self) -> subprocess.Popen[bytes]:
        """Start the process without waiting for anything."""
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self.process = subprocess.Popen(
                [Path(sys.executable).with_name("jupyterhub"), "-f", self.config],
                cwd=self.log.parent,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self.process

    def environment(self) -> dict[str, str]:
        """The environment of the Hub and of its subcommands."""
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH") if name in os.environ}
        own = {"ZOE_DIR": str(self.directory), "ZOE_PORT": str(self.port)}
        return {**kept, **own, **self.extra_environment}

    def stop(self) -> int | None:
        """Stop it as Ctrl-C does, and return its exit code; None when it was never started."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            for member in family(self.process.pid):
                with suppress(psutil.NoSuchProcess):
                    member.kill()
            raise AssertionError(f"the Hub does not stop:\n{self.output()}") from None

    def output(self) -> str:
        """All that the Hub and its services have printed since the last start."""
        return self.log.read_bytes()[self._log_start :].decode(errors="replace")

    @property
    def printed_link(self) -> str:
        """The administrator's one-time link, as it was printed."""
        [link] = re.findall(r"http\S+/hub/zoe-login\?token=\S+", self.output())
        return link

    def fresh_link(self) -> str:
        """Another one-time link, whatever became of the one that was printed."""
        link = LoginLink(self.directory / "login-link", lifetime=3600)
        return link.renew(f"{self.url}/hub/zoe-login")

    def browser(self) -> "Browser":
        """Somebody who is not logged in."""
        self._browsers.append(Browser(self.url))
        return self._browsers[-1]

    def administrator(self) -> "Browser":
        """Somebody who has logged in with a link."""
        link, browser = self.fresh_link(), self.browser()
        browser.open(link)
        answer = browser.submit("/hub/zoe-login", token=link.partition("token=")[2])
        assert answer.status_code == 302, answer.text
        return browser

    def _is_ready(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError(f"the Hub ended with {self.process.returncode}:\n{self.output()}")
        return f"Zoe is ready at {self.url}" in self.output()


class Browser:
    """Opens pages and submits their forms, with the cookies and the XSRF token of the last page."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=30)
        self._form_xsrf = ""

    def open(self, path: str) -> httpx.Response:
        """GET a page; redirects are not followed."""
        answer = self.client.get(path, headers={"Sec-Fetch-Mode": "navigate"})
        if found := re.search(r'name="_xsrf" value="([^"]+)"', answer.text):
            self._form_xsrf = found[1]
        return answer

    def submit(self, path: str, **fields: str) -> httpx.Response:
        """POST a form of the page that was opened last."""
        headers = {"Sec-Fetch-Mode": "navigate"}
        return self.client.post(path, data={"_xsrf": self._form_xsrf, **fields}, headers=headers)

    def log_in(self, username: str, password: str) -> httpx.Response:
        """Use the Hub's login form."""
        self.open("/hub/login")
        return self.submit("/hub/login", username=username, password=password)

    @property
    def xsrf(self) -> str:
        """The token that calls of the Hub's REST need, with the cookies of a logged-in browser."""
        return next((c.value or "" for c in self.client.cookies.jar if c.name == "_xsrf"), "")

    def model(self) -> dict[str, Any]:
        """The Hub's model of who is logged in, or its answer that nobody is."""
        self.open("/hub/token")
        return self.client.get("/hub/api/user", headers={"X-XSRFToken": self.xsrf}).json()

    def name(self) -> str | None:
        """Who is logged in; None for nobody."""
        return self.model().get("name")

    def make_token(self) -> str:
        """A token of whoever is logged in, with all that she may do."""
        self.open("/hub/token")
        answer = self.client.post(
            f"/hub/api/users/{self.name()}/tokens", json={}, headers={"X-XSRFToken": self.xsrf}
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])
