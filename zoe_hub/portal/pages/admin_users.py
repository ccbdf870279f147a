"""Users, what they hold, and the quotas that say how much they may hold."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlencode

from zoe_core.protocol.rest_admin import Quota
from zoe_hub.portal.api.quotas import (
    QuotaPath,
    drop_quota,
    find_quota,
    quota_document,
    quota_list,
    store_quota,
)
from zoe_hub.portal.api.users import user_list
from zoe_hub.portal.deeds import deed
from zoe_hub.portal.pages.admin import AdminPage, live_of_all
from zoe_hub.portal.presenters import admin_quotas, admin_users
from zoe_hub.portal.requests import read_form, read_query
from zoe_hub.refusal import UNPROCESSABLE, Refused
from zoe_store.quotas import NOTHING, Expected, whatever


class UsersPage(AdminPage):
    """``/admin/users``."""

    tab = "users"

    async def get(self) -> None:
        """Show the quotas, and the users, also only those that a search finds."""
        wanted = self.get_query_argument("find", "")[:255]
        users = await user_list(self)
        found = admin_users.matching(users, wanted)
        shown = admin_users.rows(found, self.context.prefix, datetime.now(UTC))
        await self.render_admin(
            "admin_users.html",
            "Users and quotas",
            quotas=[(admin_quotas.row(each), _address(each)) for each in await quota_list(self)],
            users=shown[: admin_users.SHOWN],
            more=max(0, len(shown) - admin_users.SHOWN),
            known=len(users),
            find=wanted,
            config=live_of_all(self),
        )


class _QuotaForm(AdminPage):
    """The form of one quota, which is there or is to be.

    It sends the version of the quota that it was shown with: what somebody else has stored since
    then is shown before it is replaced.
    """

    tab = "users"

    def expected(self) -> Expected:
        """The quota that was shown; whoever sends no version replaces any."""
        shown = self.get_body_argument("version", None)
        return whatever if shown is None else lambda version: version == shown

    async def show(
        self,
        path: QuotaPath,
        given: dict[str, str] | None = None,
        errors: dict[str, str] | None = None,
        problems: tuple[str, ...] = (),
    ) -> None:
        """Show what was entered, or the quota as it is now."""
        found = await find_quota(self, path)
        now = {"version": found.version if found else NOTHING}
        if given is None:
            given = admin_quotas.as_entered(quota_document(found) if found else None)
        shown = admin_quotas.form(
            path.kind,
            path.name,
            now | given,
            exists=found is not None,
            errors=errors,
            problems=problems,
        )
        await self.render_admin("admin_quota.html", shown.title, form=shown)

    async def show_newer(self, path: QuotaPath, given: dict[str, str] | None, why: str) -> None:
        """Show the form with the newer version, and who made that."""
        self.note(why=why)
        self.set_status(HTTPStatus.CONFLICT)
        found = await find_quota(self, path)
        said = admin_quotas.changed_meanwhile(quota_document(found) if found else None)
        if given is not None:
            given = given | {"version": found.version if found else NOTHING}
        await self.show(path, given, {}, (said,))


class QuotaPage(_QuotaForm):
    """``/admin/quota``."""

    async def get(self) -> None:
        """Show the form, with the quota as it is now."""
        await self.show(read_query(QuotaPath, self))

    @deed("setQuota")
    async def post(self) -> None:
        """Set the quota, and show all; or show what is wrong in the form."""
        path = read_form(QuotaPath, self)
        self.note(f"quotas/{path.kind}/{path.name}")
        given = {name: self.get_body_argument(name) for name in self.request.body_arguments}
        entered = admin_quotas.read(given)
        if entered.errors:
            self.note(why="; ".join(f"{name}: {said}" for name, said in entered.errors.items()))
            self.set_status(UNPROCESSABLE)
            await self.show(path, given, entered.errors)
            return
        try:
            await store_quota(self, path, entered.limits, self.expected())
        except Refused as refused:
            await self._refuse(path, given, refused)
        else:
            self.redirect(f"{self.context.prefix}admin/users", status=303)

    async def _refuse(self, path: QuotaPath, given: dict[str, str], refused: Refused) -> None:
        match refused.status:
            case HTTPStatus.PRECONDITION_FAILED:
                await self.show_newer(path, given, refused.title)
            case HTTPStatus.UNPROCESSABLE_ENTITY:
                self.note(why=refused.detail)
                self.set_status(UNPROCESSABLE)
                await self.show(path, given, {}, (refused.detail,))
            case _:
                raise refused


class RemoveQuota(_QuotaForm):
    """``/admin/quota/remove``."""

    @deed("removeQuota")
    async def post(self) -> None:
        """Remove the quota, and show the others; or show what it is by now."""
        path = read_form(QuotaPath, self)
        self.note(f"quotas/{path.kind}/{path.name}")
        try:
            await drop_quota(self, path, self.expected())
        except Refused as refused:
            if refused.status != HTTPStatus.PRECONDITION_FAILED:
                raise
            await self.show_newer(path, None, refused.title)
        else:
            self.redirect(f"{self.context.prefix}admin/users", status=303)


def _address(quota: Quota) -> str:
    return urlencode({"kind": quota.kind, "name": quota.name})
