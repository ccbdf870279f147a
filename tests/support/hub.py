"""A real JupyterHub for the tests: a process of its own, without a proxy in front.

The portal under test is a service of it that somebody else starts: the test, on its own event loop.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.waiting import eventually
from zoe_hub import permissions

PREFIX = "/services/zoe/"
PASSWORD = "the password of all test users"
NO_TLS = False
"""For httpx, which would read all certificates of the machine for each client: tests speak HTTP."""

_CONFIG = """
import json, os
from jupyterhub.proxy import Proxy

settings = json.loads(os.environ["TEST_HUB"])


class NoProxy(Proxy):
    should_start = False
    routes = {}

    async def add_route(self, routespec, target, data):
        self.routes[routespec] = {"routespec": routespec, "target": target, "data": data}

    async def delete_route(self, routespec):
        self.routes.pop(routespec, None)

    async def get_all_routes(self):
        return dict(self.routes)


c = get_config()
c.JupyterHub.update(settings["hub"])
c.JupyterHub.proxy_class = NoProxy
c.DummyAuthenticator.update({"allow_all": True, "password": settings["password"]})
c.ZoeSpawner.update(settings["spawner"])
c.Spawner.server_token_scopes = settings["server_token_scopes"]
"""


SCOPES = (*permissions.USER_SCOPES, "custom:zoe:launch-own", "custom:zoe:resources")
"""What everybody may do here."""


@dataclass(frozen=True)
class Hub:
    """A running Hub. ``service_token`` is the portal's; ``url`` ends without a slash."""

    url: str
    service_token: str
    admin_token: str
    log: Path

    @property
    def api_url(self) -> str:
        """Where its REST interface is."""
        return f"{self.url}/hub/api"

    def api(self, method: str, path: str, **kwargs: Any) -> Any:
        """Call its REST interface as an administrator; returns the JSON."""
        headers = {"Authorization": f"token {self.admin_token}"}
        options = {"headers": headers, "timeout": 30, "verify": NO_TLS, **kwargs}
        answer = httpx.request(method, self.api_url + path, **options)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def token(self, user: str, scopes: Iterable[str] = SCOPES) -> str:
        """A new token of a user, with these scopes only."""
        made = self.api("POST", f"/users/{user}/tokens", json={"scopes": list(scopes)})
        return str(made["token"])


@contextmanager
def running_hub(
    directory: Path,
    *,
    groups: dict[str, list[str]],
    spawner: dict[str, Any] | None = None,
    more: str = "",
) -> Iterator[Hub]:
    """Start a Hub with the users of ``groups``, and stop it; a failed start shows its log.

    ``more`` is added to its configuration.
    """
    hub_port, public_port = _free_ports(2)
    hub = Hub(
        url=f"http://127.0.0.1:{hub_port}",
        service_token=secrets.token_hex(16),
        admin_token=secrets.token_hex(16),
        log=directory / "hub.log",
    )
    config = directory / "jupyterhub_config.py"
    config.write_text(_CONFIG + more)
    settings = _settings(hub, public_port, directory, groups, spawner)
    with hub.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(config)],
            cwd=directory,
            env={**os.environ, "TEST_HUB": json.dumps(settings)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        eventually(lambda: _answers(hub, process), message=hub.log.read_text)
        yield hub
    finally:
        process.terminate()
        process.wait(timeout=30)


def _answers(hub: Hub, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, hub.log.read_text()
    try:
        hub.api("GET", "/users")
    except (httpx.TransportError, httpx.HTTPStatusError):  # it listens before it knows its roles
        return False
    return True


def _settings(
    hub: Hub,
    public_port: int,
    directory: Path,
    groups: dict[str, list[str]],
    spawner: dict[str, Any] | None,
) -> dict[str, Any]:
    users = sorted({user for members in groups.values() for user in members})
    portal = {
        "name": permissions.SERVICE,
        "url": "http://127.0.0.1:1",  # nobody calls it there
        "api_token": hub.service_token,
        "oauth_no_confirm": True,
        "oauth_client_allowed_scopes": permissions.PORTAL_ALLOWED_SCOPES,
    }
    tests = {"name": "tests", "api_token": hub.admin_token}
    role = {
        "name": "tests",
        "services": ["tests"],
        "scopes": ["admin:users", "tokens", "admin:servers", "groups", "list:users"],
    }
    return {
        "password": PASSWORD,
        "server_token_scopes": permissions.SERVER_TOKEN_SCOPES,
        "spawner": spawner or {},
        "hub": {
            "bind_url": f"http://127.0.0.1:{public_port}",
            "hub_bind_url": hub.url,
            "db_url": f"sqlite:///{directory}/hub.sqlite",
            "cookie_secret_file": str(directory / "cookie-secret"),
            "authenticator_class": "dummy",
            "spawner_class": "zoe" if spawner else "simple",
            "allow_named_servers": True,
            "custom_scopes": permissions.CUSTOM_SCOPES,
            "load_groups": {
                group: {"users": members} for group, members in groups.items() if group
            },
            "load_roles": [
                *permissions.ROLES,
                role,
                {"name": "everybody", "scopes": ["self", *SCOPES], "users": users},
            ],
            "services": [portal, tests],
            "tornado_settings": {"slow_spawn_timeout": 1},
        },
    }


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
