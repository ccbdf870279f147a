"""Users over REST: what each holds now, against her quota, for the administrator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from zoe_core.amount import MILLICORES_PER_CORE, Amount
from zoe_core.cluster import Quota, Quotas
from zoe_core.protocol.rest import Resources
from zoe_core.protocol.rest_admin import QuotaLimits, Users, UserUse
from zoe_hub.portal.auth import ApiHandler, PortalHandler, Scope
from zoe_hub.portal.operations import operation
from zoe_store.quotas import read_quotas
from zoe_store.users import UserRecord, users


class ListUsers(ApiHandler):
    """``/users``."""

    @operation(
        "listUsers",
        "List what users hold",
        tag="administration",
        response=Users,
        scopes=(Scope.ADMIN,),
        answers={200: "Everybody who launched something or has a quota, by name."},
    )
    async def get(self) -> Users:
        """List what each user holds now, and the quota that counts for her.

        Accounts are JupyterHub's: who never launched anything and has no quota is not here.
        """
        return Users(items=await user_list(self))


async def user_list(handler: PortalHandler) -> tuple[UserUse, ...]:
    """The users, by name."""
    context = handler.context
    known = await context.run(users, context.database)
    return documents(known, await context.run(read_quotas, context.database))


def documents(known: Iterable[UserRecord], quotas: Quotas) -> tuple[UserUse, ...]:
    """The documents of these users, and of those who only have a quota, by name."""
    records: Mapping[str, UserRecord] = {each.name: each for each in known}
    names = sorted({*records, *quotas.users})
    return tuple(_document(name, records.get(name), quotas) for name in names)


def _document(name: str, record: UserRecord | None, quotas: Quotas) -> UserUse:
    groups = record.groups if record else ()
    limits = _limits(quotas.of(name, groups))
    own = name in quotas.users
    if record is None:
        return UserUse(name=name, held=Resources.of(Amount()), own_quota=own, quota=limits)
    return UserUse(
        name=name,
        groups=groups,
        last_submitted_at=record.last_submitted_at,
        up=record.up,
        waiting=record.waiting,
        held=Resources.of(record.held),
        own_quota=own,
        quota=limits,
    )


def _limits(quota: Quota) -> QuotaLimits:
    cores = None if quota.millicores is None else quota.millicores / MILLICORES_PER_CORE
    return QuotaLimits(
        executions=quota.executions,
        memory=quota.memory,
        cores=cores,
        gpus=quota.gpus,
        runtime_limit=quota.runtime_limit,
        weight=quota.weight,
    )
