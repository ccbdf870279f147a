"""ZoeProxy on a real traefik: routes at once, streams, and a life tied to the Hub's."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import psutil
import pytest
from aiohttp import web

from tests.support.ports import free_port
from tests.support.survivors import is_running
from tests.support.waiting import eventually, eventually_async
from zoe_hub.proxy import ZoeProxy

_STALE_RULES = """
[http.middlewares.auth_api.basicAuth]
users = [ "zoe:{SHA}nothingofours",]
[http.routers.route_api]
rule = "PathPrefix(`/api`)"
entryPoints = [ "auth_api",]
service = "api@internal"
middlewares = [ "auth_api",]
"""

_OWNER = """
import asyncio, sys
from zoe_hub.proxy import ZoeProxy
directory, public, api = sys.argv[1:]
async def main():
    proxy = ZoeProxy(
        public_url=public,
        traefik_api_url=api,
        static_config_file=f"{directory}/static.toml",
        dynamic_config_file=f"{directory}/routes.toml",
    )
    await proxy.start()
    print(proxy.traefik_process.pid, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def make_proxy(directory: Path) -> ZoeProxy:
    return ZoeProxy(
        public_url=f"http://127.0.0.1:{free_port()}",
        traefik_api_url=f"http://127.0.0.1:{free_port()}",
        static_config_file=str(directory / "static.toml"),
        dynamic_config_file=str(directory / "routes.toml"),
        watch_interval=0.05,
    )


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[ZoeProxy]:
    proxy = make_proxy(tmp_path)
    await proxy.start()
    yield proxy
    await proxy.stop()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


class Upstream:
    """A server behind the proxy: it echoes the raw path, and streams what the test lets go."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.url = ""

    async def echo(self, request: web.Request) -> web.Response:
        return web.Response(text=request.raw_path)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: first\n\n")
        await self.go_on.wait()
        await response.write(b"data: second\n\n")
        return response


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    server = Upstream()
    app = web.Application()
    app.router.add_get("/app/stream", server.stream)
    app.router.add_get("/{path:.*}", server.echo)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    server.url = f"http://127.0.0.1:{port}"
    yield server
    server.go_on.set()
    await runner.cleanup()


async def text(http: aiohttp.ClientSession, url: str) -> str:
    async with http.get(url) as answer:
        return await answer.text()


async def status(http: aiohttp.ClientSession, url: str) -> int:
    async with http.get(url) as answer:
        return answer.status


async def test_a_route_is_served_as_soon_as_it_is_added_and_no_longer_when_deleted(
    proxy: ZoeProxy, upstream: Upstream, http: aiohttp.ClientSession
) -> None:
    for number in range(5):
        spec = f"/app/{number}/"
        await proxy.add_route(spec, upstream.url, {})
        assert await text(http, f"{proxy.public_url}{spec}x") == f"{spec}x"
    assert sorted(await proxy.get_all_routes()) == [f"/app/{number}/" for number in range(5)]
    await proxy.delete_route("/app/3/")

    async def gone() -> bool:
        return await status(http, f"{proxy.public_url}/app/3/x") == 404

    await eventually_async(gone)
    assert await status(http, f"{proxy.public_url}/app/4/x") == 200


async def test_the_hosts_of_executions_lead_to_the_portal(
    proxy: ZoeProxy, upstream: Upstream, http: aiohttp.ClientSession
) -> None:
    proxy.app = SimpleNamespace(subdomain_host="https://zoe.test")
    await proxy.add_route("zoe.test/services/zoe/", upstream.url, {"service": "zoe"})
    await proxy.add_route("ada.zoe.test/user/ada/", upstream.url, {"user": "ada"})

    async def served(host: str, path: str) -> bool:
        async with http.get(f"{proxy.public_url}{path}", headers={"Host": host}) as answer:
            return answer.status == 200

    assert await served("zoe.test", "/services/zoe/x")
    await eventually_async(lambda: served("execution--42.zoe.test", "/services/zoe/x"))
    assert await served("execution--7.zoe.test:8000", "/")
    assert await served("ada.zoe.test", "/user/ada/")
    for host in ("zoe.test", "ada.zoe.test", "execution--042.zoe.test", "execution--4.zoeXtest"):
        assert not await served(host, "/x")
    # The Hub sees only what it has made itself.
    assert sorted(await proxy.get_all_routes()) == [
        "ada.zoe.test/user/ada/",
        "zoe.test/services/zoe/",
    ]


async def test_names_of_files_arrive_as_they_were_encoded(
    proxy: ZoeProxy, upstream: Upstream
) -> None:
    await proxy.add_route("/app/", upstream.url, {})
    reader, writer = await asyncio.open_connection("127.0.0.1", _port(proxy.public_url))
    path = "/app/a%2Fb%20%25%3F%23%3B%5C.ipynb"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith("HTTP/1.1 200")
    assert path in answer


async def test_a_stream_arrives_while_it_is_written(
    proxy: ZoeProxy, upstream: Upstream, http: aiohttp.ClientSession
) -> None:
    await proxy.add_route("/app/", upstream.url, {})
    async with http.get(f"{proxy.public_url}/app/stream") as answer:
        assert await answer.content.readline() == b"data: first\n"
        upstream.go_on.set()
        assert b"data: second" in await answer.content.read()


async def test_an_open_stream_does_not_hold_the_end_up(
    tmp_path: Path, upstream: Upstream, http: aiohttp.ClientSession
) -> None:
    proxy = make_proxy(tmp_path)
    await proxy.start()
    await proxy.add_route("/app/", upstream.url, {})
    async with http.get(f"{proxy.public_url}/app/stream") as answer:
        await answer.content.readline()
        await proxy.stop()
        assert proxy.traefik_process.returncode == 0  # ended by itself, not killed
        with contextlib.suppress(aiohttp.ClientError):
            await answer.read()


async def test_rules_of_an_earlier_run_do_not_lock_us_out(
    tmp_path: Path, upstream: Upstream, http: aiohttp.ClientSession
) -> None:
    (tmp_path / "routes.toml").write_text(_STALE_RULES)
    proxy = make_proxy(tmp_path)
    await proxy.start()
    try:
        await proxy.add_route("/app/", upstream.url, {})
        assert await text(http, f"{proxy.public_url}/app/x") == "/app/x"
    finally:
        await proxy.stop()


async def test_when_traefik_dies_it_is_started_again_with_all_routes(
    proxy: ZoeProxy, upstream: Upstream, http: aiohttp.ClientSession
) -> None:
    await proxy.add_route("/app/", upstream.url, {})
    before = proxy.traefik_process.pid
    proxy.traefik_process.kill()

    async def served_again() -> bool:
        try:
            return await text(http, f"{proxy.public_url}/app/x") == "/app/x"
        except aiohttp.ClientError:
            return False

    await eventually_async(lambda: proxy.traefik_process.pid != before)
    await eventually_async(served_again)
    await proxy.add_route("/other/", upstream.url, {})
    assert await text(http, f"{proxy.public_url}/other/x") == "/other/x"


async def test_its_own_api_needs_the_password(proxy: ZoeProxy, http: aiohttp.ClientSession) -> None:
    assert await status(http, f"{proxy.traefik_api_url}/api/overview") == 401
    assert proxy.traefik_api_password not in Path(proxy.dynamic_config_file).read_text()


async def test_a_taken_port_is_an_error_at_once(tmp_path: Path, upstream: Upstream) -> None:
    proxy = make_proxy(tmp_path)
    proxy.public_url = upstream.url
    with pytest.raises(RuntimeError, match="traefik ended with status 1"):
        await proxy.start()


def test_it_ends_when_the_hub_is_killed(tmp_path: Path) -> None:
    urls = [f"http://127.0.0.1:{free_port()}" for _ in range(2)]
    command = [sys.executable, "-c", _OWNER, str(tmp_path), *urls]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        traefik = psutil.Process(int(owner.stdout.readline()))
        owner.kill()
    eventually(lambda: not is_running(traefik))


def _port(url: str) -> int:
    return int(url.rstrip("/").rpartition(":")[2])
