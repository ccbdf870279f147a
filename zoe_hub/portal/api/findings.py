"""What an administrator should know of, over REST: ``zoe-admin doctor`` asks for it."""

from __future__ import annotations

from zoe_core.protocol import Examined
from zoe_core.protocol.rest_admin import Findings
from zoe_hub.link import MasterAway
from zoe_hub.portal.auth import ApiHandler, Scope
from zoe_hub.portal.context import PortalContext
from zoe_hub.portal.findings import Facts, findings_of, images_of
from zoe_hub.portal.operations import operation
from zoe_store import cluster, drains


class ListFindings(ApiHandler):
    """``/findings``."""

    @operation(
        "listFindings",
        "List what an administrator should know of",
        tag="administration",
        response=Findings,
        scopes=(Scope.ADMIN,),
        answers={200: "What was found, the serious first, and what is well."},
    )
    async def get(self) -> Findings:
        """Look at the scheduler, all nodes, and the gallery's images; it takes some seconds.

        What nothing explains on the nodes is listed with why it is left alone, and how to remove
        it. What another Zoe has there is counted, and never touched.
        """
        return await look(self.context)


async def look(context: PortalContext) -> Findings:
    """Ask the master and the database, and put together what they say."""
    run, database = context.run, context.database
    examined, silence = await _examine(context)
    return findings_of(
        Facts(
            master=await run(cluster.master_record, database),
            nodes=await run(cluster.known_nodes, database),
            drains=await run(drains.drained, database),
            strangers=await run(cluster.known_strangers, database),
            images=images_of({slug: entry.images for slug, entry in context.gallery.items()}),
            examined=examined,
            silence=silence,
        )
    )


async def _examine(context: PortalContext) -> tuple[Examined | None, str]:
    try:
        return await context.link.examine(), ""
    except MasterAway as error:
        return None, str(error)
