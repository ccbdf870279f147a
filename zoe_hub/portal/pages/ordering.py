"""From the launch form, as a browser sends it, to what is ordered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from zoe_hub.portal.auth import Scope
from zoe_hub.portal.pages.rendering import PageHandler
from zoe_hub.portal.presenters.form import read_parameters
from zoe_hub.portal.presenters.sizes import Extras, extras, read_extras
from zoe_hub.refusal import Refused
from zoe_hub.submission import Order

if TYPE_CHECKING:
    from zapp_gallery.loader import GalleryEntry


def sent_fields(handler: PageHandler) -> dict[str, str]:
    """The fields of a form that was sent; of one that is there twice the last one."""
    return {name: handler.get_body_argument(name) for name in handler.request.body_arguments}


async def read_order(handler: PageHandler, entry: GalleryEntry, given: Mapping[str, str]) -> Order:
    """What the form asks for; raises Refused when sizes or limit are no numbers."""
    platform = await handler.context.submission.platform.look()
    entered = read_extras(entry.zapp, platform.master.defaults, given)
    if entered.problems:
        raise Refused.because("The request is not right", entered.problems)
    return Order(
        zapp=entry.slug,
        parameters=read_parameters(entry.parameters, given),
        name=given.get("name") or None,
        resources=entered.resources,
        runtime_limit=entered.runtime_limit,
    )


async def extra_fields(handler: PageHandler, entry: GalleryEntry) -> Extras:
    """The fields for memory, cores and the runtime limit, as the visitor may fill them in."""
    platform = await handler.context.submission.platform.look()
    visitor = handler.visitor
    return extras(
        entry.applied({}),
        platform.master.defaults,
        platform.nodes,
        platform.quotas.of(visitor.name, visitor.groups),
        resizable=visitor.may(Scope.RESOURCES),
    )
