"""Quotas over REST: what each user may hold at a time, for the administrator."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from pydantic import Field, model_validator

from zoe_core.names import shorten
from zoe_core.protocol.rest import Request
from zoe_core.protocol.rest_admin import Quota, QuotaKind, QuotaLimits, Quotas
from zoe_hub.portal.auth import ApiHandler, Scope
from zoe_hub.portal.hub_rest import user_path
from zoe_hub.portal.operations import operation
from zoe_hub.refusal import UNPROCESSABLE, Refused
from zoe_store import quotas
from zoe_store.quotas import QuotaRecord

DEFAULT = "default"
"""The name of the quota of that kind, which has none in the store."""

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
        found = await self.context.run(quotas.list_quotas, self.context.database)
        found.sort(key=lambda each: (_ORDER.index(each.kind), each.name))
        return Quotas(items=tuple(map(_document, found)))


class OneQuota(ApiHandler):
    """``/quotas/{kind}/{name}``."""

    @operation(
        "setQuota",
        "Set a quota",
        tag="administration",
        path=QuotaPath,
        body=QuotaLimits,
        response=Quota,
        scopes=(Scope.ADMIN,),
        answers={200: "It counts from now on."},
    )
    async def put(self, path: QuotaPath, body: QuotaLimits) -> Quota:
        """Set all of a quota: it says nothing any more about what is left out, or null.

        For that the default counts, and `"unlimited"` says that there is no limit whatever that
        says. It counts at once: what waits is judged by it, what runs goes on, and what a running
        execution holds beyond it only keeps it from growing. A runtime limit counts for what runs.
        """
        if path.kind == "user":
            await self._check_user(path.name)
        stored = await self.context.run(
            quotas.set_quota,
            self.context.database,
            path.kind,
            path.stored_name,
            body.quota(),
            self.visitor.name,
        )
        await self.context.link.wake()
        return _document(stored)

    async def _check_user(self, name: str) -> None:
        """Raise Refused for a name that the Hub would have changed at the login of its user.

        Its authenticators write names in lower case unless they were taught otherwise (see
        ``Authenticator.normalize_username``): then the Hub knows somebody who is called so.
        """
        if name == name.lower():
            return
        hub, token = self.context.servers.hub, self.hub_auth.api_token
        reply = await hub.call("GET", user_path(name), token)
        if reply.status != HTTPStatus.OK:
            raise Refused(
                UNPROCESSABLE,
                "There is no such user",
                f"name: is {shorten(name)!r}: JupyterHub writes the names of users in lower case, "
                f"and knows nobody who is called so: use {shorten(name.lower())!r}.",
                field="name",
            )

    @operation(
        "removeQuota",
        "Remove a quota",
        tag="administration",
        path=QuotaPath,
        scopes=(Scope.ADMIN,),
        answers={204: "It is gone."},
    )
    async def delete(self, path: QuotaPath) -> None:
        """Remove a quota. For whoever has none left the default counts; without it, no limits."""
        removed = await self.context.run(
            quotas.remove_quota, self.context.database, path.kind, path.stored_name
        )
        if not removed:
            whose = DEFAULT if path.kind == DEFAULT else f"{path.kind} {path.name!r}"
            raise Refused(404, "Not found", f"There is no quota for {whose}.", field="name")
        await self.context.link.wake()
        self.set_status(204)


def _document(record: QuotaRecord) -> Quota:
    name = record.name or DEFAULT
    return Quota.of(record.kind, name, record.quota, record.changed_at, record.by_user)
