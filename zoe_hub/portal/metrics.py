"""Figures for Prometheus: requests of the portal, the scheduler's presence, nodes and their use."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from tornado.web import RequestHandler

from zoe_core.amount import Amount
from zoe_store import cluster
from zoe_store.database import Database


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
        self._scheduler_age = Gauge(
            "zoe_scheduler_seen_seconds_ago",
            "Seconds since the scheduler was last seen; -1: never",
            registry=self.registry,
        )
        self._memory = self._node_gauge("zoe_node_memory_bytes", "Memory of a node")
        self._cores = self._node_gauge("zoe_node_cores", "Cores of a node")
        self._online = Gauge(
            "zoe_node_online", "1: the node can be reached", ["node"], registry=self.registry
        )

    def _node_gauge(self, name: str, help_: str) -> Gauge:
        what = f"{help_}, by kind: capacity or reserved"
        return Gauge(name, what, ["node", "kind"], registry=self.registry)

    def count(self, handler: RequestHandler) -> None:
        """Count an answered request."""
        name = type(handler).__name__
        status = str(handler.get_status())
        method = handler.request.method
        # Anybody may make a method up, and each would be a series for ever.
        known = method if method in RequestHandler.SUPPORTED_METHODS else "other"
        self._requests.labels(name, known, status).inc()
        self._seconds.labels(name).observe(handler.request.request_time())

    def look(self, database: Database) -> None:
        """Bring the figures of the cluster up to date; blocks."""
        age = cluster.master_record(database).away_for
        self._scheduler_age.set(-1 if age is None else age)
        reserved = cluster.reserved_by_node(database)
        for gauge in (self._memory, self._cores, self._online):
            gauge.clear()
        for node in cluster.known_nodes(database):
            self._online.labels(node.name).set(node.online)
            self._set(node.name, "capacity", node.capacity)
            self._set(node.name, "reserved", reserved.get(node.name, Amount()))

    def _set(self, node: str, kind: str, amount: Amount) -> None:
        self._memory.labels(node, kind).set(amount.memory)
        self._cores.labels(node, kind).set(amount.cores)

    def render(self) -> tuple[str, bytes]:
        """The content type, and the text."""
        return CONTENT_TYPE_LATEST, generate_latest(self.registry)
