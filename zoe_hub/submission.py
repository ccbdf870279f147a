"""From "this person wants to run that" to a stored execution, or a refusal that says why.

The one way in: REST, the pages and ZoeSpawner all come through :class:`Submission`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from zoe_core.names import check_execution_name, make_slug, shorten
from zoe_core.scheduling.admission import could_ever_fit
from zoe_core.zapp import (
    Changes,
    InstanceSize,
    Problem,
    SitePolicy,
    ZApp,
    ZAppError,
    amend,
    check_site,
    parse_zapp,
    zapp_document,
)
from zoe_hub.over_quota import over_quota
from zoe_hub.platform_view import PlatformView
from zoe_hub.refusal import UNPROCESSABLE, Refused
from zoe_hub.views import described
from zoe_store.database import Database
from zoe_store.executions import ExecutionRecord
from zoe_store.submissions import IdempotencyMismatch, NewExecution, ServerExists, Submitted
from zoe_store.submitter import Submitter

if TYPE_CHECKING:
    from zapp_gallery.loader import Gallery, GalleryEntry
    from zoe_hub.link import MasterLink


_KEPT = 64
"""ZApps of the gallery that are kept with their parameters applied: most launches are alike."""


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks. ``whole_gallery`` also sees ZApps that are not for her groups.

    ``may_prioritize``: descriptions of her own may have high priority. ``may_resize``: she may
    choose memory and cores.
    """

    name: str
    groups: frozenset[str] = frozenset()
    whole_gallery: bool = False
    may_prioritize: bool = False
    may_resize: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: a ZApp of the gallery by its slug, or a description of one's own.

    ``resources`` has sizes of instances by the name of their service; ``runtime_limit`` is in
    seconds from the start. None and nothing: as the ZApp has it.
    """

    zapp: str | None = None
    description: Mapping[str, Any] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    resources: Mapping[str, InstanceSize] = field(default_factory=dict)
    runtime_limit: int | None = None

    @property
    def changes(self) -> Changes:
        """What is to be other than the description says."""
        return Changes(resources=self.resources, runtime_limit=self.runtime_limit)

    def fingerprint(self) -> str:
        """Tells orders apart, however they were written down."""
        changes = self.changes.document()
        content = [self.zapp, self.description, self.parameters, self.name, changes]
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Launch:
    """An order that was checked: it may be stored. ``zapp`` has parameters and changes applied.

    ``document`` is its description as JSON has it, without the changes.
    """

    order: Order
    zapp: ZApp
    document: dict[str, Any]
    name: str


class Submission:
    """Checks orders against the gallery and the site, and stores them."""

    def __init__(
        self,
        database: Database,
        gallery: Gallery,
        link: MasterLink,
        platform: PlatformView,
        policy: SitePolicy = SitePolicy(),  # noqa: B008 -- frozen
    ) -> None:
        self.gallery = gallery
        self.link = link
        self.platform = platform
        self.policy = policy
        self._submitter = Submitter(database)
        self._applied = lru_cache(_KEPT)(self._apply)

    async def close(self) -> None:
        """Store what was handed in, and end."""
        await self._submitter.close()

    async def check(self, requester: Requester, order: Order) -> Launch:
        """Return the order as it may be stored; raises Refused or DatabaseAway."""
        zapp, document = self._describe(requester, order)
        zapp = resized(requester, zapp, order.changes)
        name = _name_of(order, zapp)
        beyond = await self._quota_problems(requester.name, requester.groups, zapp)
        beyond = _where_asked(order, beyond)
        if problems := (*beyond, *await self._site_problems(zapp)):
            title = "It is more than your quota" if beyond else "It cannot run here"
            raise Refused.because(title, problems)
        return Launch(order, zapp, document, name)

    async def store(
        self,
        requester: Requester,
        launch: Launch,
        *,
        server_name: str | None = None,
        secrets: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Submitted:
        """Store it durably and wake the master; returns the execution and whether it is new.

        Raises Refused when the key was used for another order, or the server exists already.
        """
        new = NewExecution(
            user=requester.name,
            name=launch.name,
            zapp=launch.order.zapp,
            description=launch.document,
            parameters=dict(launch.order.parameters),
            server_name=server_name,
            idempotency_key=idempotency_key,
            fingerprint=launch.order.fingerprint() if idempotency_key else None,
            secrets=dict(secrets or {}),
            groups=tuple(sorted(requester.groups)),
            changes=launch.order.changes.document(),
        )
        stored = await self._submit(new)
        await self.link.wake()
        return stored

    async def find_problems(
        self, requester: Requester, document: object
    ) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
        """What keeps her from launching a description here, and what is only odd in it."""
        try:
            parsed = parse_zapp(document)
        except ZAppError as error:
            return error.problems, ()
        beyond = _beyond_rights(requester, parsed.zapp)
        beyond += await self._quota_problems(requester.name, requester.groups, parsed.zapp)
        return (*beyond, *await self._site_problems(parsed.zapp)), parsed.warnings

    async def check_change(
        self, requester: Requester, record: ExecutionRecord, changes: Changes
    ) -> None:
        """Raise Refused unless the requester may change this execution so, within its quota.

        ``record`` has what others wish already: all together has to be possible.
        """
        zapp = described(record)
        if zapp is None:
            raise Refused(409, "It cannot be changed", "This version of Zoe cannot read it.")
        changed = resized(requester, zapp, changes)
        if changes.priority and (beyond := _beyond_rights(requester, changed)):
            raise Refused.because("Not allowed", beyond, status=403)
        wrong = await self._quota_problems(record.user, record.groups, changed)
        if changes.resources:
            wrong += await self._site_problems(changed)
        else:  # what it has it keeps, also where it could not be launched any more
            wrong = tuple(each for each in wrong if each.field in changes.document())
        if wrong:
            raise Refused.because("It cannot be changed so", wrong)

    def entry(self, requester: Requester, slug: str) -> GalleryEntry | None:
        """The ZApp of the gallery called so, when this person may launch it."""
        found = self.gallery.get(slug)
        return found if found is not None and _offered(found, requester) else None

    def entries(self, requester: Requester) -> list[GalleryEntry]:
        """The ZApps of the gallery that this person may launch, in the gallery's order."""
        return [entry for entry in self.gallery.values() if _offered(entry, requester)]

    async def _submit(self, new: NewExecution) -> Submitted:
        try:
            return await self._submitter.submit(new)
        except IdempotencyMismatch:
            raise Refused(
                UNPROCESSABLE,
                "The key was used before",
                f"The Idempotency-Key {shorten(new.idempotency_key or '')!r} belongs to another "
                "request: send a new key with a new request.",
                field="Idempotency-Key",
            ) from None
        except ServerExists as error:
            raise Refused(
                409,
                "The server exists",
                f"You have a server called {new.server_name!r} already: it is execution "
                f"{error.execution_id}. Stop it first, or use another name.",
                field="name",
            ) from None

    def _describe(self, requester: Requester, order: Order) -> tuple[ZApp, dict[str, Any]]:
        if order.description is not None:
            zapp = _own_description(requester, order)
            return zapp, zapp_document(zapp)
        entry = self.entry(requester, order.zapp or "")
        if entry is None:
            raise self._unknown_zapp(requester, order.zapp or "")
        try:
            return self._applied(entry.slug, json.dumps(dict(order.parameters), sort_keys=True))
        except ZAppError as error:
            raise Refused.because("A parameter is not right", error.problems) from None

    def _apply(self, slug: str, parameters: str) -> tuple[ZApp, dict[str, Any]]:
        """The ZApp of the gallery with these parameters: JSON, which tells ``1`` from ``true``."""
        zapp = self.gallery[slug].applied(json.loads(parameters))
        return zapp, zapp_document(zapp)

    def _unknown_zapp(self, requester: Requester, slug: str) -> Refused:
        known = ", ".join(entry.slug for entry in self.entries(requester))
        return Refused(
            UNPROCESSABLE,
            "Unknown ZApp",
            f"zapp: is {shorten(slug)!r}: the gallery has {known or 'no ZApp for you'}",
            field="zapp",
        )

    async def _quota_problems(
        self, user: str, groups: Iterable[str], zapp: ZApp
    ) -> tuple[Problem, ...]:
        platform = await self.platform.look()
        quota = platform.quotas.of(user, groups)
        return over_quota(zapp, quota, platform.master.defaults)

    async def _site_problems(self, zapp: ZApp) -> tuple[Problem, ...]:
        platform = await self.platform.look()
        policy = replace(
            self.policy,
            needs_command=platform.master.capabilities.needs_command,
            defaults=platform.master.defaults,
        )
        wrong = check_site(zapp, policy)
        # In a thread: it takes a millisecond for every hundred nodes.
        return wrong or await asyncio.to_thread(
            could_ever_fit, zapp, platform.nodes, policy.defaults
        )


def _offered(entry: GalleryEntry, requester: Requester) -> bool:
    return requester.whole_gallery or entry.visible_to(requester.groups)


def resized(requester: Requester, zapp: ZApp, changes: Changes) -> ZApp:
    """The ZApp with other sizes; raises Refused when she may not, or they do not suit it."""
    if changes.resources and not requester.may_resize:
        raise Refused(
            403,
            "Not allowed",
            "resources: choosing memory and cores needs the scope custom:zoe:resources, which you "
            "or your token do not have",
            field="resources",
        )
    try:
        return amend(zapp, changes)
    except ZAppError as error:
        raise Refused.because("The size is not right", error.problems) from None


def _own_description(requester: Requester, order: Order) -> ZApp:
    try:
        zapp = parse_zapp(order.description).zapp
    except ZAppError as error:
        raise Refused.because("The description is not right", _inside(error.problems)) from None
    if order.parameters:
        raise _field_refused("parameters", "only ZApps of the gallery have parameters")
    if zapp.hub_server is not None:
        raise _field_refused(
            "description.hub_server", "only ZApps of the gallery may be Jupyter servers of the Hub"
        )
    if beyond := _inside(_beyond_rights(requester, zapp)):
        raise Refused.because("Not allowed", beyond, status=403)
    return zapp


def _beyond_rights(requester: Requester, zapp: ZApp) -> tuple[Problem, ...]:
    """What she may not write into a description of her own."""
    if zapp.priority != "high" or requester.may_prioritize:
        return ()
    needed = "this needs the scope custom:zoe:priority, which you or your token do not have"
    return (Problem("priority", f"is 'high': {needed}; 'normal' and 'low' are for everybody"),)


def _inside(problems: tuple[Problem, ...]) -> list[Problem]:
    """The problems of a description, with paths as seen from the request around it."""
    return [
        replace(each, field=f"description.{each.field}" if each.field else "description")
        for each in problems
    ]


def _where_asked(order: Order, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """With paths as seen from the request: a limit that was asked for is not the description's."""
    if order.runtime_limit is None:
        return tuple(_inside(problems))
    own = tuple(each for each in problems if each.field == "runtime_limit")
    others = tuple(each for each in problems if each.field != "runtime_limit")
    return (*own, *_inside(others))


def _field_refused(field_name: str, message: str) -> Refused:
    return Refused.because("The request is not right", [Problem(field_name, message)])


def _name_of(order: Order, zapp: ZApp) -> str:
    """The name that was chosen, or one made from the ZApp's."""
    if order.name is None:
        return order.zapp or make_slug(zapp.name) or "execution"
    try:
        return check_execution_name(order.name)
    except ValueError as error:
        raise _field_refused("name", str(error)) from None
