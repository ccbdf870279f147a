"""What every handler of the portal shares, made once by the application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from zoe_hub.execution_hosts import ExecutionHosts
from zoe_hub.portal.metrics import PortalMetrics

if TYPE_CHECKING:
    from zapp_gallery.loader import Gallery
    from zoe_hub.audit_log import AuditLog
    from zoe_hub.feed import EventFeed
    from zoe_hub.link import MasterLink
    from zoe_hub.portal.cluster_view import ClusterView
    from zoe_hub.portal.culling import Culler
    from zoe_hub.portal.newest import NewestDocuments
    from zoe_hub.portal.presence import SchedulerPresence
    from zoe_hub.portal.reviews import Reviews
    from zoe_hub.portal.servers import HubServers
    from zoe_hub.submission import Submission
    from zoe_hub.views import Views
    from zoe_store.database import Database

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class PortalContext:
    """The shared objects; handlers find it as ``self.context``.

    ``base_url`` is the Hub's own prefix (``/``), ``prefix`` the portal's (``/services/zoe/``);
    both end with a slash.
    """

    database: Database
    link: MasterLink
    feed: EventFeed
    gallery: Gallery
    submission: Submission
    servers: HubServers
    views: Views
    newest: NewestDocuments
    presence: SchedulerPresence
    audit: AuditLog
    reviews: Reviews
    cluster: ClusterView
    culler: Culler
    hosts: ExecutionHosts
    base_url: str = "/"
    prefix: str = "/services/zoe/"
    metrics: PortalMetrics = field(default_factory=PortalMetrics)
    threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(8, thread_name_prefix="store")
    )

    async def run(self, blocking: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a call that blocks, such as one of the store, in a thread."""
        call = partial(blocking, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self.threads, call)
