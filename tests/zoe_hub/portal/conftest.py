"""A portal under test: the real application, Hub and Postgres; a master where asked for."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from jupyterhub.httpclient import JupyterHubHTTPClient
from jupyterhub.services.auth import HubOAuth
from tornado.testing import bind_unused_port
from traitlets.config import Config

from tests.support.hub import NO_TLS, PREFIX, Hub, running_hub
from zapp_gallery.loader import Gallery, load_gallery
from zoe_hub.portal import app
from zoe_hub.portal.api import HANDLERS
from zoe_hub.portal.app import ZoePortal, make_server
from zoe_hub.portal.context import PortalContext
from zoe_hub.portal.openapi import build_openapi
from zoe_hub.portal.routing import PortalApplication
from zoe_store.database import Database

_MASTER_CONFIG = """
import sys
from pathlib import Path

c = get_config()
c.ProcessBackend.environments = {"python": {"path": [str(Path(sys.executable).parent)]}}
"""

GROUPS = {
    "": ["alice", "bob"],
    "chemists": ["carol"],
    "zoe-power": ["dora"],
    "zoe-admin": ["olga"],
}


@dataclass
class Portal:
    """A running portal. ``client`` has no token: see ``as_user``."""

    url: str
    application: PortalApplication
    hub: Hub
    client: httpx.AsyncClient
    tokens: dict[tuple[str, ...], str]

    @property
    def context(self) -> PortalContext:
        return self.application.context

    @property
    def database(self) -> Database:
        return self.context.database

    def headers(self, user: str, scopes: tuple[str, ...] | None = None) -> dict[str, str]:
        """The header with a token of a user; tokens are made once."""
        key = (user, *(scopes or ("*",)))
        if key not in self.tokens:
            wanted = {} if scopes is None else {"scopes": scopes}
            self.tokens[key] = self.hub.token(user, **wanted)
        return {"Authorization": f"token {self.tokens[key]}"}

    async def get(self, path: str, user: str = "alice", **kwargs: Any) -> httpx.Response:
        """GET below the API."""
        return await self.request("GET", path, user, **kwargs)

    async def request(
        self,
        method: str,
        path: str,
        user: str = "alice",
        scopes: tuple[str, ...] | None = None,
        headers: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> httpx.Response:
        """Call REST with a token of ``user``."""
        sent = {**self.headers(user, scopes), **(headers or {})}
        return await self.client.request(method, f"api/v1{path}", headers=sent, **kwargs)

    async def launch(self, user: str = "alice", **body: Any) -> dict[str, Any]:
        """Launch, by default the small ZApp of the test gallery."""
        answer = await self.request("POST", "/executions", user, json={"zapp": "small", **body})
        assert answer.status_code == 201, answer.text
        document: dict[str, Any] = answer.json()
        return document


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """One Hub for all tests of the portal."""
    with running_hub(tmp_path_factory.mktemp("hub"), groups=GROUPS) as running:
        yield running


@pytest.fixture(scope="session")
def tokens() -> dict[tuple[str, ...], str]:
    """The tokens that were made so far at the Hub of the session."""
    return {}


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    """Two small ZApps, the second one for chemists only."""
    directory = tmp_path_factory.mktemp("gallery")
    for slug, groups in (("small", "all"), ("secret", "chemists")):
        write_zapp(directory / slug, slug, groups)
    return load_gallery([directory])


@pytest.fixture
def master(database_url: str, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A master with the process back-end, for the database and directory of ``portal``."""
    config = tmp_path / "zoe_config.py"
    config.write_text(_MASTER_CONFIG)
    log = tmp_path / "master.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", "from zoe_master.app import main; main()"],
            env={
                **os.environ,
                "ZOE_BACKEND": "process",
                "ZOE_CONFIG": str(config),
                "ZOE_DATABASE_URL": database_url,
                "ZOE_DIR": str(tmp_path),
                "ZOE_END_INSTANCES": "1",
            },
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    yield process
    process.terminate()
    process.wait(timeout=30)
    print(log.read_text())  # pytest shows it when the test has failed


@pytest.fixture
async def portal(
    hub: Hub,
    tokens: dict[tuple[str, ...], str],
    gallery: Gallery,
    database_url: str,
    tmp_path: Path,
) -> AsyncIterator[Portal]:
    """A portal with an empty database."""
    async with running_portal(hub, tokens, gallery, database_url, tmp_path) as running:
        yield running


@asynccontextmanager
async def running_portal(
    hub: Hub,
    tokens: dict[tuple[str, ...], str],
    gallery: Gallery,
    database_url: str,
    directory: Path,
    subdomain_host: str = "",
) -> AsyncIterator[Portal]:
    """Serve the application on this event loop."""
    config = Config({"JupyterHub": {"subdomain_host": subdomain_host}})
    async with AsyncExitStack() as stack:
        stack.enter_context(patch.object(app, "build_openapi", _same_openapi))
        settings = ZoePortal(config=config, database_url=database_url, directory=str(directory))
        application = await settings.compose(hub_auth(hub), gallery, stack)
        socket, port = bind_unused_port()
        server = make_server(application)
        server.add_socket(socket)
        stack.callback(server.stop)
        url = f"http://127.0.0.1:{port}{PREFIX}"
        client = httpx.AsyncClient(base_url=url, timeout=30, verify=NO_TLS)
        await stack.enter_async_context(client)
        yield Portal(url, application, hub, client, tokens)
        await server.close_all_connections()
        # One for each event loop; each holds an inotify instance, of which a user has 128.
        await JupyterHubHTTPClient.instance().close()


@cache
def _openapi(url: str, version: str) -> dict[str, Any]:
    """Built once: that takes as long as all else that a portal does at its start."""
    return build_openapi(HANDLERS, url, version)


def _same_openapi(_handlers: object, url: str, version: str) -> dict[str, Any]:
    return _openapi(url, version)


def hub_auth(hub: Hub) -> HubOAuth:
    """What a service of the Hub reads from its environment."""
    return HubOAuth(
        api_url=hub.api_url,
        api_token=hub.service_token,
        base_url=PREFIX,
        hub_prefix="/hub/",
        oauth_client_id="service-zoe",
        access_scopes={"access:services!service=zoe"},
    )


def write_zapp(folder: Path, slug: str, groups: str, **attributes: Any) -> None:
    """Write a folder of a gallery with one ZApp that has a parameter of each kind we need."""
    folder.mkdir()
    description = {
        "name": slug,
        "version": 4,
        "services": [
            {
                "name": "main",
                "image": "python",
                "monitor": True,
                "total_count": 1,
                "essential_count": 1,
                "command": "python -c 'print(1)'",
                "resources": {"memory": {"min": 2**27}},
                "ports": [{"name": "page", "port_number": 8080}],
            },
            {
                "name": "worker",
                "image": "python",
                "monitor": False,
                "total_count": 2,
                "essential_count": 1,
                "command": "python -c 'print(2)'",
                "resources": {"memory": {"min": 2**27}},
            },
        ],
        **attributes,
    }
    entry = {
        "category": "Tests",
        "name": slug,
        "slug": slug,
        "description": "zapp.json",
        "readable_descr": "README.md",
        "logo": "logo.svg",
        "enabled_for": [groups],
        "parameters": [
            {
                "kind": "service_count",
                "name": "worker",
                "alias": "workers",
                "readable_name": "Workers",
                "description": "How many",
                "type": "int",
                "default": 2,
                "min": 1,
                "max": 4,
            }
        ],
    }
    (folder / "zapp.json").write_text(json.dumps(description))
    (folder / "manifest.json").write_text(json.dumps({"version": 1, "zapps": [entry]}))
    (folder / "README.md").write_text("# Small\n\nA small one.\n")
    (folder / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
