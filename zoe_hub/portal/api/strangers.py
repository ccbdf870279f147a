"""Instances that nothing explains, over REST: for the administrator, who may know more."""

from __future__ import annotations

from zoe_core.protocol import rest_admin
from zoe_core.protocol.rest_admin import Strangers
from zoe_hub.portal.auth import ApiHandler, Scope
from zoe_hub.portal.operations import operation
from zoe_store import cluster


class ListStrangers(ApiHandler):
    """``/strangers``."""

    @operation(
        "listStrangers",
        "List what nothing explains",
        tag="cluster",
        response=Strangers,
        scopes=(Scope.ADMIN,),
        answers={200: "The instances, by execution and name."},
    )
    async def get(self) -> Strangers:
        """List instances of this deployment that nothing explains, as they were last seen.

        The scheduler leaves them alone: remove them by hand, or restore the database that they
        belong to.
        """
        found = await self.context.run(cluster.known_strangers, self.context.database)
        return Strangers(items=tuple(_document(each) for each in found))


def _document(stranger: cluster.Stranger) -> rest_admin.Stranger:
    assert stranger.first_seen_at is not None  # it is stored
    return rest_admin.Stranger(
        execution_id=stranger.id.execution_id,
        instance=stranger.id.name,
        attempt=stranger.id.attempt,
        node=stranger.node,
        observed=stranger.observed,
        why=stranger.why,
        first_seen_at=stranger.first_seen_at,
    )
