"""JupyterHub with DockerSpawner, as its documentation sets it up, on the image of Zoe's notebook.

https://jupyterhub-dockerspawner.readthedocs.io: a network for all servers, the Hub reached at the
engine's own address. The proxy is the stock traefik, or Zoe's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import psutil

from support.running_hub import RunningHub, free_port
from zoe_hub.proxy import find_traefik

NOTEBOOK_IMAGE = "zoe/jupyter"

_CONFIG = """
c.JupyterHub.bind_url = {url!r}
c.JupyterHub.hub_ip = {address!r}
c.JupyterHub.hub_port = {hub_port}
c.JupyterHub.db_url = "sqlite:///{directory}/hub.sqlite"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.proxy_class = {proxy!r}
c.{proxy_name}.traefik_api_url = "http://127.0.0.1:{proxy_port}"
c.{proxy_name}.static_config_file = "{directory}/traefik-static.toml"
c.{proxy_name}.dynamic_config_file = "{directory}/traefik-routes.toml"
c.JupyterHub.services = []
c.JupyterHub.load_roles = []
c.JupyterHub.spawner_class = "docker"
c.DockerSpawner.image = {image!r}
c.DockerSpawner.network_name = {network!r}
c.DockerSpawner.use_internal_ip = True
c.DockerSpawner.remove = True
c.DockerSpawner.name_template = "{network}-{{username}}"
c.DockerSpawner.pull_policy = "never"
c.DockerSpawner.mem_limit = "2G"
"""
_PROXIES = {"traefik_file": "TraefikFileProviderProxy", "zoe": "ZoeProxy"}


@contextmanager
def docker_spawner(directory: Path, proxy: str) -> Iterator[RunningHub]:
    """``proxy``: ``traefik_file`` or ``zoe``."""
    directory.mkdir()
    network = f"benchmark-{free_port()}"
    client = docker.from_env()
    made = client.networks.create(network, driver="bridge")
    try:
        hub = RunningHub(directory)
        path = f"{Path(find_traefik()).parent}{os.pathsep}{os.environ['PATH']}"
        hub.configure(_config(hub, proxy, network), {"PATH": path})
        with hub.started():
            yield hub
    finally:
        made.remove()
        client.close()


def _config(hub: RunningHub, proxy: str, network: str) -> str:
    return _CONFIG.format(
        url=hub.url,
        # Where containers reach this machine, as Zoe finds it.
        address=psutil.net_if_addrs()["docker0"][0].address,
        hub_port=free_port(),
        directory=hub.directory,
        proxy=proxy,
        proxy_name=_PROXIES[proxy],
        proxy_port=free_port(),
        image=NOTEBOOK_IMAGE,
        network=network,
    )
