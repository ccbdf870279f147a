"""Servers of Debian's packages, in images with not a line of Zoe, behind the same walls."""

import asyncio
import io
import shlex
import socket

import pytest
from docker.errors import APIError, BuildError, ImageNotFound

from tests.support.builders import service, zapp
from tests.support.container_runs import ContainerSite, Runs, runs, site
from tests.support.docker_engine import DockerEngine, running_engine
from tests.support.waiting import eventually_async
from zoe_core.zapp import ZApp

__all__ = ["runs", "site"]

DOCKERFILE = """\
FROM debian:bookworm-slim
RUN apt-get update && apt-get install --yes --no-install-recommends {package}
"""

# As anybody but root it can neither listen on port 80 nor write where Debian has it write.
NGINX = """
pid /tmp/nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    server { listen 8080; root /var/www/html; index index.nginx-debian.html; }
}
"""


def debian_image(engine: DockerEngine, package: str) -> str:
    """An image of Debian with one package more, built unless it is there."""
    name = f"zoe-test/{package}:bookworm"
    try:
        engine.client.images.get(name)
    except ImageNotFound:
        try:
            file = io.BytesIO(DOCKERFILE.format(package=package).encode())
            engine.client.images.build(fileobj=file, tag=name, rm=True)
        except (BuildError, APIError) as error:
            pytest.skip(f"STOCK {package} IS NOT TESTED: its image cannot be built: {error}")
    return name


def server(package: str, port: int, *command: str) -> ZApp:
    """A ZApp of one server, described as a person would."""
    return zapp(
        service(
            image=debian_image(running_engine(), package),
            command=shlex.join(command),
            memory=0.125,
            cores=0.1,
            ports=[{"name": "server", "port_number": port, "protocol": "tcp"}],
        ),
        will_end=False,
    )


async def ask(runs: Runs, execution: int, port: int, question: bytes) -> bytes:
    """The answer of its one instance, where the portal would reach it, once it listens."""
    instance = await runs.instance(execution, observed="running")
    place = next((host, there) for here, host, there in instance.addresses if here == port)

    def answer() -> bytes:
        try:
            with socket.create_connection(place, timeout=10) as connection:
                connection.sendall(question)
                connection.shutdown(socket.SHUT_WR)
                return b"".join(iter(lambda: connection.recv(2**16), b""))
        except OSError as error:
            raise AssertionError(str(error)) from error

    return bytes(await eventually_async(lambda: asyncio.to_thread(answer)) or b"")


def rights(site: ContainerSite, execution: int) -> set[str]:
    """What the kernel says of all its processes."""
    fields = "grep -hE '^(Uid|CapEff|NoNewPrivs):' /proc/[0-9]*/status"
    said = site.container(execution, "main-0").exec_run(["sh", "-c", fields]).output.decode()
    return {" ".join(line.split()) for line in said.splitlines()}


NONE = {"Uid: 1000 1000 1000 1000", "CapEff: 0000000000000000", "NoNewPrivs: 1"}


async def test_the_page_of_a_stock_nginx(runs: Runs, site: ContainerSite) -> None:
    script = (
        f"echo {shlex.quote(NGINX)} >/tmp/conf; exec nginx -e stderr -c /tmp/conf -g 'daemon off;'"
    )
    one = await runs.start(server("nginx-light", 8080, "sh", "-c", script))
    page = await ask(runs, one, 8080, b"GET / HTTP/1.0\r\n\r\n")
    assert page.startswith(b"HTTP/1.1 200 OK")
    assert b"Welcome to nginx!" in page
    assert await asyncio.to_thread(rights, site, one) == NONE
    await runs.end(one)
    assert await runs.outcome(one) == ("terminated", "Enough.")


async def test_a_stock_redis_answers(runs: Runs, site: ContainerSite) -> None:
    words = ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", ""]
    one = await runs.start(server("redis-server", 6379, *words))
    assert await ask(runs, one, 6379, b"PING\r\n") == b"+PONG\r\n"
    assert await asyncio.to_thread(rights, site, one) == NONE
    await runs.end(one)
    assert await runs.outcome(one) == ("terminated", "Enough.")
