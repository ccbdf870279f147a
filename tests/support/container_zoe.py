"""A whole Zoe as `ZOE_BACKEND=docker make portal` starts it, on a real Docker Engine."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from docker.models.containers import Container
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from tests.support.docker_engine import DockerEngine, require_image, running_engine
from tests.support.running_zoe import ROOT, RunningZoe
from tests.support.waiting import eventually
from zoe_hub.permissions import POWER_GROUP
from zoe_master.backends.docker.identity import label_filters

API = "/services/zoe/api/v1"


class ContainerZoe(RunningZoe):
    """Its containers outlive it: ``container_zoe`` removes them."""

    def __init__(self, directory: Path, engine: DockerEngine, more: str = "") -> None:
        config = f"""
exec(open({str(ROOT / "jupyterhub_config.py")!r}).read())
c.DockerBackend.engines = [{{"url": {engine.url!r}}}]
{more}
"""
        super().__init__(directory, config)
        self.engine = engine
        self.extra_environment = {"ZOE_BACKEND": "docker"}
        self._deployment: str | None = None

    @property
    def deployment(self) -> str | None:
        """Its UUID; None until somebody has logged in."""
        return self._deployment

    def person(self, name: str) -> "Person":
        """A user who may launch what she likes, by her token; she is made if she is new.

        Only while it runs.
        """
        administrator = self.administrator().make_token()
        with Person(self, "admin", administrator) as admin:
            self._deployment = admin.json("GET", f"{API}/info")["deployment"]
            if name == "admin":
                return Person(self, name, administrator)
            admin.client.post(f"/hub/api/users/{name}")
            admin.json("POST", f"/hub/api/groups/{POWER_GROUP}/users", json={"users": [name]})
            token = admin.json("POST", f"/hub/api/users/{name}/tokens", json={})["token"]
        return Person(self, name, token)

    def containers(self, execution_id: int) -> dict[str, Container]:
        """Those of an execution that run, by their names in its network."""
        assert self.deployment is not None
        filters = label_filters(self.deployment, execution_id)
        found = self.engine.client.containers.list(filters=filters, ignore_removed=True)
        return {each.attrs["Config"]["Hostname"]: each for each in found}

    def left_behind(self) -> list[str]:
        """Names of all containers and networks of this Zoe."""
        assert self.deployment is not None
        filters = label_filters(self.deployment)
        containers = self.engine.client.containers.list(all=True, filters=filters)
        networks = self.engine.client.networks.list(filters=filters)
        return [each.name for each in [*containers, *networks]]

    def clean(self) -> None:
        """Remove what outlived it."""
        if self.deployment is not None:
            self.engine.remove_all(self.deployment)


@contextmanager
def container_zoe(directory: Path, *images: str, more: str = "") -> Iterator[ContainerZoe]:
    """Start it; skip the test where there is no engine or not these images."""
    engine = running_engine()
    for image in images:
        require_image(engine, image)
    zoe = ContainerZoe(directory, engine, more)
    try:
        with zoe:
            yield zoe
    finally:
        zoe.clean()


class Person:
    """What somebody does with her token, through the proxy."""

    def __init__(self, zoe: RunningZoe, name: str, token: str) -> None:
        self.name, self.zoe = name, zoe
        self._headers = {"Authorization": f"token {token}"}
        self.client = httpx.Client(base_url=zoe.url, headers=self._headers, timeout=60)

    def __enter__(self) -> "Person":
        return self

    def __exit__(self, *error: object) -> None:
        self.client.close()

    def json(self, method: str, path: str, **arguments: Any) -> Any:
        """The answer to a request that must succeed."""
        answer = self.client.request(method, path, **arguments)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def start_server(self, name: str, **options: object) -> None:
        """Ask for a server, as the Hub's pages do."""
        path = f"/hub/api/users/{self.name}/servers/{name}"
        self.json("POST", path, json=options)

    def server_is_ready(self, name: str) -> bool:
        """Whether the Hub says so."""
        servers = self.json("GET", f"/hub/api/users/{self.name}")["servers"]
        return bool(servers.get(name, {}).get("ready"))

    def running_server(self, name: str, **options: object) -> int:
        """Start a server and wait until it answers; returns its execution's id."""
        self.start_server(name, **options)
        eventually(lambda: self.server_is_ready(name), 90, self.zoe.output)
        return self.execution(name)["id"]

    def stop_server(self, name: str) -> None:
        """Stop a server, and wait until its execution has ended."""
        self.client.delete(f"/hub/api/users/{self.name}/servers/{name}")
        eventually(lambda: self.execution(name)["status"] == "terminated", 60, self.zoe.output)

    def execution(self, name: str) -> dict[str, Any]:
        """The newest execution of that name."""
        found = self.json("GET", f"{API}/executions")["items"]
        return max((each for each in found if each["name"] == name), key=lambda each: each["id"])

    def new_kernel(self, server: str) -> str:
        """A new kernel of a running server."""
        path = f"/user/{self.name}/{server}/api/kernels"
        return str(self.json("POST", path, json={"name": "python3"})["id"])

    def run(self, server: str, kernel: str, code: str, timeout: float = 120.0) -> str:
        """Run a cell, through the websocket; what it prints. Raises AssertionError if it fails."""
        base = f"{self.zoe.url}/user/{self.name}/{server}".replace("http:", "ws:", 1)
        request = HTTPRequest(f"{base}/api/kernels/{kernel}/channels", headers=self._headers)

        async def bounded() -> str:
            async with asyncio.timeout(timeout):
                return await _run(request, code)

        return asyncio.run(bounded())


async def _run(request: HTTPRequest, code: str) -> str:
    socket = await websocket_connect(request)
    asked = uuid.uuid4().hex
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
    header = {"msg_id": asked, "msg_type": "execute_request", "session": asked, "version": "5.3"}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
    await socket.write_message(json.dumps({"channel": "shell", **message}))
    printed = ""
    while True:
        raw = await socket.read_message()
        assert raw is not None, f"the kernel's connection was closed; it had printed {printed!r}"
        answer = json.loads(raw)
        if answer["parent_header"].get("msg_id") != asked:
            continue
        kind, said = answer["msg_type"], answer["content"]
        if kind == "stream" and said["name"] == "stdout":
            printed += said["text"]
        elif kind == "error":
            raise AssertionError("\n".join(said["traceback"]))
        elif kind == "status" and said["execution_state"] == "idle":
            socket.close()
            while await socket.read_message() is not None:
                pass  # until it is closed
            return printed
