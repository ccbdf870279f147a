"""From stored records to the documents of REST, with what only the master knows added."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from zoe_core.amount import Amount
from zoe_core.cluster import ExecutionStatus, Quotas
from zoe_core.protocol import AWAY_AFTER, QueueEntry
from zoe_core.protocol.rest import (
    Endpoint,
    Execution,
    FirstPrediction,
    Instance,
    InstanceStatus,
    Resources,
    Result,
    Waiting,
    endpoint_path,
)
from zoe_core.protocol.rest_platform import Scheduler
from zoe_core.zapp import Changes, Port, ZApp, ZAppError, amend, parse_zapp, render_results
from zoe_hub.execution_hosts import ExecutionHosts
from zoe_hub.expected import of_waiting
from zoe_hub.limits import current, limits_of
from zoe_hub.link import MasterAway, MasterLink
from zoe_hub.platform_view import PlatformView
from zoe_store import cluster, executions
from zoe_store.cluster import MasterRecord
from zoe_store.database import Database
from zoe_store.executions import ExecutionRecord, InstanceRecord

_KEPT = 256
"""ZApps of executions that are kept: those that are shown run, as a rule."""

WAITING = frozenset({ExecutionStatus.SUBMITTED, ExecutionStatus.QUEUED})


class Views:
    """Makes documents; ``base_url``, ``prefix`` and ``hosts`` as in the portal's context.

    ``idle_ends`` says which will be ended for their idleness, and when; somebody else changes it.
    """

    def __init__(
        self,
        database: Database,
        link: MasterLink,
        platform: PlatformView,
        base_url: str,
        prefix: str,
        hosts: ExecutionHosts,
        idle_ends: Mapping[int, datetime] | None = None,
    ) -> None:
        self.database = database
        self.link = link
        self.platform = platform
        self.idle_ends = {} if idle_ends is None else idle_ends
        self.base_url = base_url
        self.prefix = prefix
        self.hosts = hosts
        self._zapps: dict[tuple[int, datetime, str], ZApp | None] = {}

    async def execution(self, record: ExecutionRecord) -> Execution:
        """The document of one execution."""
        return (await self.executions([record]))[0]

    async def submitted(self, record: ExecutionRecord) -> Execution:
        """The document of one that was stored a moment ago: nobody can know more of it yet."""
        platform = await self.platform.look()
        away = scheduler_document(platform.master).status == "away"
        reason = away_sentence(platform.master) if away else _HANDED_OVER
        return self.document(record, (), platform.quotas, Waiting(reasons=(reason,)))

    async def executions(self, records: Sequence[ExecutionRecord]) -> tuple[Execution, ...]:
        """The documents of executions, in the same order."""
        ids = [record.id for record in records]
        instances = await asyncio.to_thread(executions.instances_of, self.database, ids)
        waiting = await self._waiting([each.id for each in records if each.status in WAITING])
        lacking = [each.id for each in records if _may_lack(each, instances[each.id])]
        waiting = {**waiting, **await self._lacking(lacking)}
        quotas = (await self.platform.look()).quotas
        return tuple(
            self.document(record, instances[record.id], quotas, waiting.get(record.id))
            for record in records
        )

    async def scheduler(self) -> Scheduler:
        """Whether the master is there."""
        return scheduler_document(await asyncio.to_thread(cluster.master_record, self.database))

    async def away_reason(self, error: MasterAway) -> str:
        """Why nobody can say more of what waits, and since when."""
        record = await asyncio.to_thread(cluster.master_record, self.database)
        if scheduler_document(record).status == "away":
            return away_sentence(record)
        return f"It waits, and why cannot be said just now: {error}."

    def document(
        self,
        record: ExecutionRecord,
        instances: Sequence[InstanceRecord],
        quotas: Quotas,
        waiting: Waiting | None = None,
    ) -> Execution:
        """Put a document together from what was read."""
        limits = limits_of(record, quotas, self.idle_ends.get(record.id))
        return Execution(
            id=record.id,
            name=record.name,
            zapp=record.zapp,
            user=record.user,
            status=record.status,
            reason=record.reason,
            submitted_at=record.submitted_at,
            started_at=record.started_at,
            ended_at=record.ended_at,
            parameters=record.parameters,
            server_name=record.server_name,
            url=f"{self.prefix}executions/{record.id}",
            instances=tuple(instance_document(each) for each in instances),
            endpoints=tuple(self._endpoints(record, instances)),
            results=tuple(self._results(record)),
            waiting=waiting,
            predicted=_first_prediction(record),
            resources=record.changes.get("resources", {}),
            priority=current(record, "priority") or "normal",
            runtime_limit=limits.runtime,
            longest_runtime=limits.longest,
            ends_at=limits.ends_at,
            ends_because=limits.because,
        )

    def server_url(self, user: str, server_name: str) -> str:
        """The address of a person's Jupyter server, behind the Hub's proxy."""
        server = f"{quote(server_name, safe='')}/" if server_name else ""
        return f"{self.base_url}user/{quote(user, safe='@~')}/{server}"

    def _results(self, record: ExecutionRecord) -> Iterator[Result]:
        """The Hub leads whoever follows an address to her own server, and starts it if needed."""
        declared = record.started_at is not None and "results" in record.description
        zapp = described(record) if declared else None
        for each in render_results(zapp.results, record.id, record.name) if zapp else ():
            url = f"{self.base_url}hub/user-redirect/lab/tree/{quote(each.path)}"
            yield Result(name=each.name, path=each.path, url=url)

    def _endpoints(
        self, record: ExecutionRecord, instances: Sequence[InstanceRecord]
    ) -> Iterator[Endpoint]:
        running = [each for each in instances if instance_status(each) == "running"]
        zapp = self._described(record) if running else None
        for instance in running:
            for port in ports_of(zapp, instance.service):
                url = self._endpoint_url(record, zapp, instance, port)
                if url is not None:
                    yield Endpoint(
                        name=port.name, url=url, instance=instance.name, port=port.port_number
                    )

    def _described(self, record: ExecutionRecord) -> ZApp | None:
        """As ``described``, which takes long; a document is made anew with each event."""
        key = (record.id, record.submitted_at, json.dumps(record.changes, sort_keys=True))
        if key not in self._zapps:
            if len(self._zapps) >= _KEPT:
                del self._zapps[next(iter(self._zapps))]
            self._zapps[key] = described(record)
        return self._zapps[key]

    def _endpoint_url(
        self, record: ExecutionRecord, zapp: ZApp | None, instance: InstanceRecord, port: Port
    ) -> str | None:
        if record.server_name is not None and is_hub_port(zapp, instance.service, port):
            return self.server_url(record.user, record.server_name)
        if port.kind != "web":
            return None
        path = endpoint_path(self.prefix, record.id, instance.name, port.port_number)
        return self.hosts.origin(record.id) + path + entry_path(port)

    async def _waiting(self, ids: Sequence[int]) -> Mapping[int, Waiting]:
        """Why these wait; one question to the master, whether there is one or many."""
        if not ids:
            return {}
        try:
            explained = await self.link.explain_all(ids)
        except MasterAway as error:
            return dict.fromkeys(ids, Waiting(reasons=(await self.away_reason(error),)))
        now = datetime.now(UTC)
        return {each: waiting_document(explained.get(each), now) for each in ids}

    async def _lacking(self, ids: Sequence[int]) -> Mapping[int, Waiting]:
        """Why failed instances of some of these, which run, do not start again."""
        if not ids:
            return {}
        try:
            explained = await self.link.explain_all(ids)
        except MasterAway:
            return {}
        reasons = {each: entry.explanation.reasons for each, entry in explained.items()}
        return {each: Waiting(reasons=told) for each, told in reasons.items()}


def scheduler_document(record: MasterRecord) -> Scheduler:
    """Whether the master is there, by its last sign of life."""
    away = record.away_for is None or record.away_for > AWAY_AFTER
    return Scheduler(status="away" if away else "running", seen_at=record.seen_at)


def away_sentence(record: MasterRecord) -> str:
    """Say that nobody schedules now, and since when."""
    if record.seen_at is None:
        return "The scheduler has not started yet. Executions start when it is there."
    since = record.seen_at.strftime("%Y-%m-%d %H:%M:%S %Z")
    return f"The scheduler is away since {since}. Executions start when it is back."


def instance_document(record: InstanceRecord) -> Instance:
    """The document of one instance."""
    return Instance(
        name=record.name,
        service=record.service,
        status=instance_status(record),
        node=record.node,
        attempt=record.attempt,
        essential=record.essential,
        monitor=record.monitor,
        exit_code=record.exit_code,
        detail=record.detail,
        started_at=record.started_at,
        ended_at=record.ended_at,
        resources=Resources.of(Amount(record.memory, record.millicores, record.gpus)),
    )


ENDED: frozenset[InstanceStatus] = frozenset({"exited", "lost", "cancelled"})
"""Instances of which nothing will come any more."""

_PRESENT: dict[str, InstanceStatus] = {
    "none": "planned",
    "creating": "starting",
    "running": "running",
    "exited": "exited",
    "lost": "lost",
}
_ABSENT: dict[str, InstanceStatus] = {
    **_PRESENT,
    "none": "stopping",  # it may still come
    "creating": "stopping",
    "running": "stopping",
}


def instance_status(record: InstanceRecord) -> InstanceStatus:
    """One word for what is wanted of an instance and what was seen of it.

    One that was given up before anything was seen of it is lost without a detail.
    """
    unseen = record.started_at is None and not record.detail
    if record.desired == "absent" and record.observed == "lost" and unseen:
        return "cancelled"
    return (_PRESENT if record.desired == "present" else _ABSENT)[record.observed]


def _first_prediction(record: ExecutionRecord) -> FirstPrediction | None:
    at, low, mid = record.predicted_at, record.predicted_start_low, record.predicted_start
    if at is None or low is None or mid is None:
        return None
    return FirstPrediction(at=at, low=low, mid=mid, high=record.predicted_start_high)


def described(record: ExecutionRecord) -> ZApp | None:
    """The ZApp of a stored execution as it is now, with what was changed since.

    None if an older Zoe stored what this one cannot read.
    """
    try:
        zapp = parse_zapp(record.description).zapp
        return amend(zapp, Changes.model_validate(record.changes))
    except ZAppError:
        return None


def ports_of(zapp: ZApp | None, service: str) -> tuple[Port, ...]:
    """The ports of the service with this DNS label."""
    for each in zapp.services if zapp else ():
        if each.dns_label == service:
            return each.ports
    return ()


def is_hub_port(zapp: ZApp | None, service: str, port: Port) -> bool:
    """Whether the Hub's own proxy serves this port: the first one of the Jupyter server."""
    if zapp is None or zapp.hub_server is None:
        return False
    server = zapp.service(zapp.hub_server)
    return server.dns_label == service and port == server.ports[0]


def entry_path(port: Port) -> str:
    """Where a visit begins, below the endpoint: the path that the URL template ends in."""
    _, _, rest = port.url_template.partition("{ip_port}")
    return rest.removeprefix("{proxy_path}").lstrip("/")


def _may_lack(record: ExecutionRecord, instances: Sequence[InstanceRecord]) -> bool:
    """Whether it runs, and an essential instance that failed may be about to start again."""
    if record.status is not ExecutionStatus.RUNNING:
        return False
    newest = {each.name: each for each in sorted(instances, key=lambda each: each.attempt)}
    return any(
        each.essential and each.observed in ("exited", "lost") and each.exit_code != 0
        for each in newest.values()
    )


def waiting_document(entry: QueueEntry | None, now: datetime) -> Waiting:
    """What the master said of one that waits; None: it has not looked at it yet."""
    if entry is None:
        return Waiting(reasons=(_HANDED_OVER,))
    why = entry.explanation
    return Waiting(
        position=why.position,
        reasons=why.reasons,
        ahead=why.ahead,
        expected=of_waiting(entry.expected, now),
    )


_HANDED_OVER = "It was handed to the scheduler a moment ago."
