"""Figures for Prometheus: of the portal, and of what the database says.

What the scheduler counts it renders itself (``zoe_master.engine.figures``); ``/metrics`` has both.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from tornado.web import RequestHandler

from zoe_core.amount import Amount
from zoe_core.cluster import FINAL, ExecutionStatus
from zoe_store import cluster
from zoe_store.database import Database, DatabaseAway
from zoe_store.events import read_events

_LIVE = [each for each in ExecutionStatus if each not in FINAL]


class PortalMetrics:
    """The figures of one portal, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "zoe_portal_requests",
            "Answered requests",
            ["handler", "method", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "zoe_portal_request_seconds",
            "Time to answer; streams count until they end",
            ["handler"],
            registry=self.registry,
        )
        self._streams = self._gauge("zoe_portal_streams", "Streams that are open", "handler")
        self._audit = self._gauge(
            "zoe_audit_waiting", "Deeds that are not in the audit log yet: the database is away"
        )
        self._database_up = self._gauge("zoe_database_up", "1: the database answers")
        self._up = self._gauge(
            "zoe_scheduler_up", "1: the scheduler answers, and its figures are here"
        )
        self._silence = self._gauge(
            "zoe_scheduler_silence_seconds", "Since the scheduler was last seen; -1: never"
        )
        self._lag = self._gauge(
            "zoe_event_lag_seconds", "Age of the oldest event that no stream was told of yet"
        )
        self._executions = self._gauge(
            "zoe_executions", "Executions that have not ended, by status", "status"
        )
        self._memory = self._node_gauge("zoe_node_memory_bytes", "Memory of a node")
        self._cores = self._node_gauge("zoe_node_cores", "Cores of a node")
        self._gpus = self._node_gauge("zoe_node_gpus", "GPUs of a node")
        self._online = self._gauge("zoe_node_online", "1: the node can be reached", "node")

    def _gauge(self, name: str, help_: str, *labels: str) -> Gauge:
        return Gauge(name, help_, labels, registry=self.registry)

    def _node_gauge(self, name: str, help_: str) -> Gauge:
        return self._gauge(name, f"{help_}, by kind: capacity or reserved", "node", "kind")

    def count(self, handler: RequestHandler) -> None:
        """Count an answered request."""
        name = type(handler).__name__
        status = str(handler.get_status())
        method = handler.request.method
        # Anybody may make a method up, and each would be a series for ever.
        known = method if method in RequestHandler.SUPPORTED_METHODS else "other"
        self._requests.labels(name, known, status).inc()
        self._seconds.labels(name).observe(handler.request.request_time())

    def open_stream(self, handler: RequestHandler) -> Callable[[object], None]:
        """Count a stream that begins; call what is returned when it ends."""
        streams = self._streams.labels(type(handler).__name__)
        streams.inc()
        return lambda _: streams.dec()

    def look(self, database: Database, told: int | None, audit_waiting: int) -> None:
        """Bring the figures up to date; blocks.

        ``told`` is the newest event that streams know of. What only the database knows is missing
        while it is away.
        """
        self._audit.set(audit_waiting)
        for gauge in (self._executions, self._memory, self._cores, self._gpus, self._online):
            gauge.clear()
        try:
            self._look_into(database, told)
        except DatabaseAway:
            self._database_up.set(0)
            self._lag.set(float("nan"))
            self._silence.set(float("nan"))
        else:
            self._database_up.set(1)

    def _look_into(self, database: Database, told: int | None) -> None:
        age = cluster.master_record(database).away_for
        self._silence.set(-1 if age is None else age)
        self._lag.set(_lag(database, told))
        live = cluster.live_by_status(database)
        for status in _LIVE:
            self._executions.labels(status).set(live.get(status, 0))
        reserved = cluster.reserved_by_node(database)
        for node in cluster.known_nodes(database):
            self._online.labels(node.name).set(node.online)
            self._set(node.name, "capacity", node.capacity)
            self._set(node.name, "reserved", reserved.get(node.name, Amount()))

    def _set(self, node: str, kind: str, amount: Amount) -> None:
        self._memory.labels(node, kind).set(amount.memory)
        self._cores.labels(node, kind).set(amount.cores)
        self._gpus.labels(node, kind).set(amount.gpus)

    def render(self, scheduler: bytes | None) -> tuple[str, bytes]:
        """The content type, and the text with that of the scheduler; None: it does not answer."""
        self._up.set(scheduler is not None)
        return CONTENT_TYPE_LATEST, generate_latest(self.registry) + (scheduler or b"")


def _lag(database: Database, told: int | None) -> float:
    """Seconds; NaN as long as no event could be read at all."""
    if told is None:
        return float("nan")
    untold = read_events(database, after=told, limit=1)
    return max(0.0, (datetime.now(UTC) - untold[0].at).total_seconds()) if untold else 0.0
