"""What all spawners of a Hub process share: the store, the wire to the master, the gallery."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from zapp_gallery.loader import Gallery, load_gallery
from zoe_hub.audit_log import AuditLog
from zoe_hub.feed import EventFeed
from zoe_hub.link import MasterLink
from zoe_hub.platform_view import PlatformView
from zoe_hub.server_executions import ServerExecutions
from zoe_hub.submission import Submission
from zoe_store.database import Database


@dataclass(frozen=True, slots=True)
class HubSide:
    """Made at the first spawn of the process and kept until it ends."""

    database: Database
    link: MasterLink
    feed: EventFeed
    gallery: Gallery
    submission: Submission
    executions: ServerExecutions
    audit: AuditLog

    _made: ClassVar[dict[tuple[str, str], HubSide]] = {}

    @classmethod
    def shared(cls, database_url: str, directory: str) -> HubSide:
        """The one for this database and directory; on the event loop that is running."""
        key = (database_url, directory)
        if key not in cls._made:
            cls._made[key] = cls._make(database_url, Path(directory))
        return cls._made[key]

    @classmethod
    def _make(cls, database_url: str, directory: Path) -> HubSide:
        database = Database(database_url)
        link = MasterLink(database, directory / "keys")
        feed = EventFeed(database, link)
        feed.start()
        gallery = load_gallery()
        submission = Submission(database, gallery, link, PlatformView(database))
        executions = ServerExecutions(database, link, feed)
        audit = AuditLog(database)
        return cls(database, link, feed, gallery, submission, executions, audit)
