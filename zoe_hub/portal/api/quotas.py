"""Quotas over REST: what each user may hold at a time, for the administrator."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from zoe_core.names import shorten
from zoe_core.protocol.rest import Request
from zoe_core.protocol.rest_admin import Quota, QuotaKind, QuotaLimits, Quotas
from zoe_hub.portal.auth import ApiHandler, PortalHandler, Scope
from zoe_hub.portal.deeds import deed
from zoe_hub.portal.hub_rest import user_path
from zoe_hub.portal.operations import operation
from zoe_hub.refusal import UNPROCESSABLE, Refused
from zoe_store import quotas
from zoe_store.quotas import NOTHING, Expected, QuotaChanged, QuotaRecord, whatever

DEFAULT = "default"
"""The name of the quota of that kind, which has none in the store."""

_ETAG = {"ETag": "Names the quota as it is now, for If-Match."}
_ORDER: tuple[QuotaKind, ...] = ("default", "group", "user")


class QuotaPath(Request):
    """One quota. Users and groups need not be known to JupyterHub yet."""

    kind: QuotaKind = Field(description="Of a user, of each member of a group, or of everybody.")
    name: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,255}$")] = Field(
        description=f"The user's or group's name; '{DEFAULT}' for the kind {DEFAULT}."
    )

    @model_validator(mode="after")
    def _default_is_one(self) -> QuotaPath:
        if self.kind == DEFAULT and self.name != DEFAULT:
            raise ValueError(f"there is only one default quota: /quotas/{DEFAULT}/{DEFAULT}")
        return self

    @property
    def stored_name(self) -> str:
        """The name under which the store has it."""
        return "" if self.kind == DEFAULT else self.name


class MatchHeaders(Request):
    """What keeps a change from undoing somebody else's."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    if_match: str | None = Field(
        default=None,
        alias="If-Match",
        max_length=1000,
        description="The ETag of the quota as it was read, or several with commas between; '*' for "
        "any. Nothing is done (412) when the quota is another one by now, or not there.",
    )

    @property
    def expected(self) -> Expected:
        """What the store is to look at; see RFC 9110, section 13.1.1."""
        if self.if_match is None:
            return whatever
        tags = [each.strip() for each in self.if_match.split(",")]
        return lambda version: version != NOTHING and ("*" in tags or etag(version) in tags)


class SetHeaders(MatchHeaders):
    """What keeps a quota that is set from undoing somebody else's, also a new one."""

    if_none_match: Literal["*"] | None = Field(
        default=None,
        alias="If-None-Match",
        description="Nothing is done (412) when there is a quota already.",
    )

    @property
    def expected(self) -> Expected:
        """With both headers both count; see RFC 9110, section 13.2.2."""
        matched = super().expected
        if self.if_none_match is None:
            return matched
        return lambda version: version == NOTHING and matched(version)


class ListQuotas(ApiHandler):
    """``/quotas``."""

    @operation(
        "listQuotas",
        "List the quotas",
        tag="administration",
        response=Quotas,
        scopes=(Scope.ADMIN,),
        answers={200: "The default, then those of groups and of users, by name."},
    )
    async def get(self) -> Quotas:
        """List all quotas, with who set each last.

        Of what a quota leaves null the next less specific one says how much it is: after the most
        generous of a user's own and her groups' comes the default.
        """
        return Quotas(items=await quota_list(self))


class OneQuota(ApiHandler):
    """``/quotas/{kind}/{name}``."""

    @operation(
        "showQuota",
        "Show a quota",
        tag="administration",
        path=QuotaPath,
        response=Quota,
        scopes=(Scope.ADMIN,),
        answers={200: "As it was set last."},
        answer_headers=_ETAG,
    )
    async def get(self, path: QuotaPath) -> Quota:
        """Show one quota, with who set it last. Its ETag is for `If-Match`."""
        record = await find_quota(self, path)
        if record is None:
            raise _unknown(path)
        return self._tagged(record)

    @operation(
        "setQuota",
        "Set a quota",
        tag="administration",
        path=QuotaPath,
        headers=SetHeaders,
        body=QuotaLimits,
        response=Quota,
        scopes=(Scope.ADMIN,),
        answers={200: "It counts from now on."},
        answer_headers=_ETAG,
        errors=(412,),
    )
    @deed("setQuota")
    async def put(self, path: QuotaPath, headers: SetHeaders, body: QuotaLimits) -> Quota:
        """Set all of a quota: it says nothing any more about what is left out, or null.

        For that the default counts, and `"unlimited"` says that there is no limit whatever that
        says. It counts at once: what waits is judged by it, what runs goes on, and what a running
        execution holds beyond it only keeps it from growing. A runtime limit counts for what runs.
        """
        return self._tagged(await store_quota(self, path, body, headers.expected))

    @operation(
        "removeQuota",
        "Remove a quota",
        tag="administration",
        path=QuotaPath,
        headers=MatchHeaders,
        scopes=(Scope.ADMIN,),
        answers={204: "It is gone."},
        errors=(412,),
    )
    @deed("removeQuota")
    async def delete(self, path: QuotaPath, headers: MatchHeaders) -> None:
        """Remove a quota. For whoever has none left the default counts; without it, no limits."""
        await drop_quota(self, path, headers.expected)
        self.set_status(204)

    def _tagged(self, record: QuotaRecord) -> Quota:
        self.set_header("ETag", etag(record.version))
        return quota_document(record)

    def compute_etag(self) -> None:
        """Leave the header alone: it tells quotas apart, not answers."""


async def quota_list(handler: PortalHandler) -> tuple[Quota, ...]:
    """All quotas, the default first."""
    found = await handler.context.run(quotas.list_quotas, handler.context.database)
    found.sort(key=lambda each: (_ORDER.index(each.kind), each.name))
    return tuple(map(quota_document, found))


async def find_quota(handler: PortalHandler, path: QuotaPath) -> QuotaRecord | None:
    """One quota as it is now, if there is one."""
    context = handler.context
    return await context.run(quotas.get_quota, context.database, path.kind, path.stored_name)


async def store_quota(
    handler: PortalHandler, path: QuotaPath, limits: QuotaLimits, expected: Expected
) -> QuotaRecord:
    """Set a quota as the visitor wants it, and wake the master.

    Raises Refused, with 412 when what is there now is not as ``expected``.
    """
    handler.note(**limits.model_dump(exclude_none=True))
    if path.kind == "user":
        await _check_user(handler, path.name)
    context, by = handler.context, handler.visitor.name
    whose = (path.kind, path.stored_name)
    try:
        stored = await context.run(
            quotas.set_quota, context.database, *whose, limits.quota(), by, expected
        )
    except QuotaChanged:
        raise _changed_meanwhile() from None
    await context.link.wake()
    return stored


async def drop_quota(handler: PortalHandler, path: QuotaPath, expected: Expected) -> None:
    """Remove a quota, and wake the master; raises Refused, also when there is none."""
    context = handler.context
    try:
        removed = await context.run(
            quotas.remove_quota, context.database, path.kind, path.stored_name, expected
        )
    except QuotaChanged:
        raise _changed_meanwhile() from None
    if not removed:
        raise _unknown(path)
    await context.link.wake()


def _unknown(path: QuotaPath) -> Refused:
    whose = DEFAULT if path.kind == DEFAULT else f"{path.kind} {path.name!r}"
    return Refused(404, "Not found", f"There is no quota for {whose}.", field="name")


def _changed_meanwhile() -> Refused:
    return Refused(
        HTTPStatus.PRECONDITION_FAILED,
        "It was changed meanwhile",
        "The quota is not what If-Match or If-None-Match say: somebody has set or removed it. Read "
        "it again, and send its new ETag.",
        field="If-Match",
    )


async def _check_user(handler: PortalHandler, name: str) -> None:
    """Raise Refused for a name that the Hub would have changed at the login of its user.

    Its authenticators write names in lower case unless they were taught otherwise (see
    ``Authenticator.normalize_username``): then the Hub knows somebody who is called so.
    """
    if name == name.lower():
        return
    hub, token = handler.context.servers.hub, handler.hub_auth.api_token
    reply = await hub.call("GET", user_path(name), token)
    if reply.status != HTTPStatus.OK:
        raise Refused(
            UNPROCESSABLE,
            "There is no such user",
            f"name: is {shorten(name)!r}: JupyterHub writes the names of users in lower case, "
            f"and knows nobody who is called so: use {shorten(name.lower())!r}.",
            field="name",
        )


def etag(version: str) -> str:
    """As HTTP writes it."""
    return f'"{version}"'


def quota_document(record: QuotaRecord) -> Quota:
    """The document of one quota."""
    name = record.name or DEFAULT
    return Quota.of(record.kind, name, record.quota, record.changed_at, record.by_user)
