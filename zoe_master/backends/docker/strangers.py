"""What stands on an engine with a label of a Zoe, and why an engine is away: for administrators."""

from __future__ import annotations

import shlex
import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from zoe_core.cluster import InstanceId
from zoe_master.backends.base import Item
from zoe_master.backends.docker.engine import QUESTION_TIMEOUT, Engine
from zoe_master.backends.docker.identity import DEPLOYMENT, EXECUTION, identify, label_filters
from zoe_master.backends.docker.records import Record, Records
from zoe_master.backends.docker.settings import LOCAL_URL, EngineSettings

CONTAINER, NETWORK, RECORD = "container", "network", "record"


def list_items(
    engine: Engine,
    records: Records,
    known: Sequence[tuple[Record, InstanceId, str]],
    deployment: str,
) -> list[Item]:
    """Containers and networks of all Zoes, and our records that have no container any more.

    ``known`` are those of ``records`` that there were before: a container has its record first.
    Raises Retry and Fatal as the engine does.
    """
    with engine.ask() as client:
        labelled = {"label": [DEPLOYMENT]}
        containers = client.api.containers(all=True, filters=labelled)
        networks = client.api.networks(filters=labelled)
    items = [_container(engine, each, records, deployment) for each in containers]
    there = {each.name for each in items}
    return [
        *items,
        *(_network(engine, each) for each in networks),
        *(
            _record(engine, record, instance, deployment)
            for record, instance, name in known
            if name == engine.name and record.name not in there
        ),
    ]


def list_remains(
    engine: Engine, known: Iterable[tuple[Record, InstanceId, str]], deployment: str
) -> set[int]:
    """Executions of a deployment with a network on an engine, or a record of a container there.

    Raises Retry and Fatal as the engine does.
    """
    with engine.ask() as client:
        networks = client.api.networks(filters=label_filters(deployment))
    found = {_execution(each["Labels"]) for each in networks}
    found |= {instance.execution_id for _, instance, name in known if name == engine.name}
    return {each for each in found if each is not None}


def trouble(settings: EngineSettings) -> str:
    """Why an engine that does not answer may not, as far as a connection to it tells."""
    where = f"The engine at {settings.url}"
    try:
        _connect(settings.url)
    except TimeoutError:
        return f"{where} does not answer: no connection within {QUESTION_TIMEOUT:g} s."
    except OSError as error:
        return f"{where} does not answer: {error.strerror or error}."
    tls = " or its certificates are not those in the settings" if settings.tls else ""
    return f"{where} takes connections and does not answer: it is overloaded or hangs{tls}."


def docker_command(settings: EngineSettings, *words: str) -> str:
    """The command line that does this on the engine."""
    command = ["docker"]
    if settings.url != LOCAL_URL:
        command += ["-H", settings.url]
    if settings.tls:
        command += ["--tlsverify", f"--tlscacert={settings.tls.ca}"]
        command += [f"--tlscert={settings.tls.cert}", f"--tlskey={settings.tls.key}"]
    return shlex.join([*command, *words])


def _container(engine: Engine, found: Mapping[str, Any], records: Records, deployment: str) -> Item:
    labels, name = found["Labels"], found["Names"][0].lstrip("/")
    ours = identify(deployment, labels)
    removal = docker_command(engine.settings, "rm", "--force", "--volumes", name)
    if ours is not None:  # else its record would be the next thing that nothing explains
        removal += f" && {_removal(records.of(ours))}"
    return Item(
        CONTAINER,
        name,
        engine.name,
        labels[DEPLOYMENT],
        removal,
        execution_id=_execution(labels),
        instance=identify(labels[DEPLOYMENT], labels),
        since=datetime.fromtimestamp(found["Created"], UTC),
    )


def _network(engine: Engine, found: Mapping[str, Any]) -> Item:
    since = None
    with suppress(ValueError):
        since = datetime.fromisoformat(found["Created"])
    return Item(
        NETWORK,
        found["Name"],
        engine.name,
        found["Labels"][DEPLOYMENT],
        docker_command(engine.settings, "network", "rm", found["Id"][:12]),
        execution_id=_execution(found["Labels"]),
        since=since,
    )


def _record(engine: Engine, record: Record, instance: InstanceId, deployment: str) -> Item:
    since = None
    with suppress(OSError):
        since = datetime.fromtimestamp(record.directory.stat().st_mtime, UTC)
    return Item(
        RECORD,
        record.name,
        engine.name,
        deployment,
        _removal(record),
        execution_id=instance.execution_id,
        instance=instance,
        since=since,
    )


def _removal(record: Record) -> str:
    return shlex.join(["rm", "-rf", str(record.directory)])


def _execution(labels: Mapping[str, str]) -> int | None:
    with suppress(KeyError, ValueError):
        return int(labels[EXECUTION])
    return None


def _connect(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(QUESTION_TIMEOUT)
            connection.connect(parts.path)
        return
    with socket.create_connection((parts.hostname, parts.port or 0), QUESTION_TIMEOUT):
        pass
