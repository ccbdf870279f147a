"""The portal as a process of its own: what it and the Hub must know of each other.

A Hub that starts the portal itself hands this over in the environment. Where it does not
(ZOE_STANDALONE), both take it from the same settings, and the portal's token from a file that
whoever comes first makes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jupyterhub.services.auth import HubOAuth

from zoe_hub import permissions
from zoe_hub.execution_hosts import ExecutionHosts
from zoe_hub.kept_secrets import keep_secret
from zoe_hub.settings import Settings, SettingsError

_TOKEN_FILE = "portal-token"


def own_settings() -> Settings:
    """The settings of a portal that the Hub did not start. Raises SettingsError."""
    return Settings.from_environment({**os.environ, "ZOE_STANDALONE": "1"})


def portal_url(settings: Settings) -> str:
    """Where the portal listens, and the Hub's proxy reaches it."""
    return f"http://{settings.address}:{settings.standalone_ports()['portal']}"


def portal_token(settings: Settings) -> str:
    """What the portal says to the Hub to be known. Raises SettingsError."""
    return _kept(settings.directory / _TOKEN_FILE)


def hub_auth(settings: Settings, parent: Any) -> HubOAuth:
    """The portal's way to ask the Hub who somebody is. Raises SettingsError."""
    hub = parent.config.JupyterHub
    base_url = f"/{hub.get('base_url', '').strip('/')}/".replace("//", "/")
    name = permissions.SERVICE
    host = ExecutionHosts.of(hub.get("subdomain_host", "")).main
    return HubOAuth(
        parent=parent,
        api_token=portal_token(settings),
        api_url=f"http://{settings.address}:{settings.standalone_ports()['hub']}{base_url}hub/api",
        base_url=f"{base_url}services/{name}/",
        hub_host=host,
        hub_prefix=f"{base_url}hub/",
        oauth_redirect_uri=f"{host}{base_url}services/{name}/oauth_callback",
        oauth_client_id=f"service-{name}",
        access_scopes={"access:services", f"access:services!service={name}"},
    )


def _kept(file: Path) -> str:
    try:
        return keep_secret(file)
    except OSError as error:
        raise SettingsError(f"{file} cannot be kept: {error.strerror}") from error
