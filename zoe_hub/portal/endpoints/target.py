"""Which instance an endpoint leads to: whether it can be opened, and where it is."""

from __future__ import annotations

from dataclasses import dataclass

from zoe_core.protocol.rest import endpoint_path
from zoe_core.zapp import Port, ZApp
from zoe_hub.refusal import Refused
from zoe_hub.views import described, instance_status, is_hub_port, ports_of
from zoe_store import executions
from zoe_store.database import Database
from zoe_store.executions import ExecutionRecord, InstanceRecord


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go. ``path`` is the endpoint's own, as browsers see it, with a slash at its
    end.

    ``keeps_path``: the application serves under ``path`` itself (``proxy: true`` in its
    description, as in the original); otherwise it serves under ``/`` and the path is taken off.
    """

    scheme: str
    host: str
    port: int
    path: str
    keeps_path: bool

    @property
    def netloc(self) -> str:
        """Host and port as they stand in an address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def url(self, rest: str, query: str) -> str:
        """The address on the instance of ``rest``, which is what follows ``path``, still quoted."""
        path = self.path if self.keeps_path else "/"
        return f"{self.scheme}://{self.netloc}{path}{rest}" + (f"?{query}" if query else "")


@dataclass(frozen=True, slots=True)
class HubServer:
    """The port is the Jupyter server of this name, which the Hub's own proxy serves."""

    user: str
    name: str


def find_target(
    database: Database, prefix: str, record: ExecutionRecord, instance: str, port: int
) -> Target | HubServer:
    """Where a port of an instance is reached; blocks.

    Raises Refused: 404 when there is no such port to open, 409 when the instance does not run.
    """
    found = _find_instance(database, record, instance)
    zapp = described(record)
    described_port = _find_port(zapp, found, port)
    if record.server_name is not None and is_hub_port(zapp, found.service, described_port):
        return HubServer(record.user, record.server_name)
    if described_port.kind != "web":
        raise _no_port(found, port)
    host, there = _address(found, port)
    return Target(
        scheme="https" if described_port.url_template.startswith("https:") else "http",
        host=host,
        port=there,
        path=endpoint_path(prefix, record.id, found.name, port),
        keeps_path=described_port.proxy,
    )


def _find_instance(database: Database, record: ExecutionRecord, name: str) -> InstanceRecord:
    for instance in executions.instances_of(database, [record.id])[record.id]:
        if instance.name == name:
            return instance
    if record.final:
        raise Refused(404, "Not found", f"Execution {record.id} has ended; it had no {name}.")
    raise Refused(404, "Not found", f"Execution {record.id} has no instance {name} now.")


def _find_port(zapp: ZApp | None, instance: InstanceRecord, number: int) -> Port:
    for port in ports_of(zapp, instance.service):
        if port.port_number == number:
            return port
    raise _no_port(instance, number)


def _no_port(instance: InstanceRecord, number: int) -> Refused:
    return Refused(404, "Not found", f"{instance.name} has no web port {number}.")


def _address(instance: InstanceRecord, port: int) -> tuple[str, int]:
    status = instance_status(instance)
    if status != "running":
        raise Refused(
            409,
            "It does not run",
            f"{instance.name} is {status}: its pages can be opened while it is running.",
        )
    for number, host, there in instance.addresses:
        if number == port:
            return str(host), int(there)
    raise Refused(
        409,
        "It is not ready",
        f"{instance.name} has no address for port {port} yet. Try again soon.",
    )
