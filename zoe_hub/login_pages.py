"""The Hub's pages of the ZoeAuthenticator: one-time link, invitations, own password."""

import time
from http import HTTPStatus
from typing import Any

from jupyterhub import orm
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.utils import new_token, url_path_join
from tornado import web
from tornado.httputil import url_concat

from zoe_hub.authenticator import Proven, ZoeAuthenticator
from zoe_hub.passwords import MIN_LENGTH, Invitation, PasswordError, check_choice
from zoe_hub.permissions import ADMIN_GROUP


class _Page(BaseHandler):
    """A page with a form: its GET changes nothing, its POST is protected against forgery."""

    authenticator: ZoeAuthenticator

    def set_default_headers(self) -> None:
        """No link may leave in a Referer, or stay in a cache."""
        super().set_default_headers()
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")

    async def show(self, template: str, problem: str = "", **names: Any) -> None:
        """Answer with the page; with a `problem`, as a 400 that says so."""
        if problem:
            self.set_status(HTTPStatus.BAD_REQUEST)
        html = await self.render_template(
            template,
            problem=problem,
            min_length=MIN_LENGTH,
            xsrf=self.xsrf_token.decode("ascii"),
            **names,
        )
        self.finish(html)

    def chosen_password(self) -> str:
        """The new password of the form. Raises PasswordError."""
        password = self.get_body_argument("new_password", "", strip=False)
        check_choice(password, self.get_body_argument("repeated", "", strip=False))
        return password

    async def enter(self, name: str, *, admin: bool | None = None) -> Any:
        """Log somebody in whom a link has proven, and return the user."""
        user = await self.login_user(Proven(username=name, admin=admin))
        if user is None:
            raise web.HTTPError(403, f"The user {name} may not log in.")
        self._jupyterhub_user = user
        return user


class LoginLinkPage(_Page):
    """/zoe-login: the administrator's one-time link. Opening it does not use it up."""

    async def get(self) -> None:
        """Ask whether to log in: programs that preview links send no forms."""
        token = self.get_query_argument("token", "")
        if not self.authenticator.link.is_valid(token, time.time()):
            raise self._refusal()
        await self.show("zoe-login.html", token=token, username=self.authenticator.administrator)

    async def post(self) -> None:
        """Use the link up and log the administrator in."""
        if not self.authenticator.link.use(self.get_body_argument("token", ""), time.time()):
            raise self._refusal()
        user = await self.enter(self.authenticator.administrator, admin=True)
        self._join_administrators(user.orm_user)
        self.redirect(self.get_next_url(user))

    def _join_administrators(self, user: orm.User) -> None:
        group = orm.Group.find(self.db, ADMIN_GROUP)
        if group is not None and group not in user.groups:
            group.users.append(user)
            self.db.commit()

    def _refusal(self) -> web.HTTPError:
        return web.HTTPError(
            403,
            "This login link is wrong, used or too old. "
            "Log in with your password, or restart Zoe: it prints a new link.",
        )


class InvitationPage(_Page):
    """/invitation: somebody who was invited chooses her password."""

    async def get(self) -> None:
        """Ask for the password."""
        token = self.get_query_argument("token", "")
        await self._ask(token, self._invitation(token))

    async def post(self) -> None:
        """Set the password, which uses the invitation up, and log her in."""
        token = self.get_body_argument("token", "")
        invitation = self._invitation(token)
        try:
            password = self.chosen_password()
        except PasswordError as error:
            await self._ask(token, invitation, problem=str(error))
            return
        await self.authenticator.set_password(invitation.user, password)
        user = await self.enter(invitation.user)
        self.redirect(self.get_next_url(user))

    async def _ask(self, token: str, invitation: Invitation, problem: str = "") -> None:
        await self.show("zoe-invitation.html", problem, token=token, username=invitation.user)

    def _invitation(self, token: str) -> Invitation:
        found = self.authenticator.passwords.invitation(token, time.time())
        if found is None:
            raise web.HTTPError(
                403,
                "This invitation is wrong, used or too old. Ask the administrator for a new one.",
            )
        return found


class PasswordPage(_Page):
    """/password: a user sets or changes her own password."""

    @web.authenticated
    async def get(self) -> None:
        """Ask for it, and for the one she has."""
        await self._ask()

    @web.authenticated
    async def post(self) -> None:
        """Set it; other browsers that are logged in as her are logged out."""
        name = self.current_user.name
        if self._has_password():
            current = self.get_body_argument("current_password", "", strip=False)
            address = self.request.remote_ip or ""
            if not await self.authenticator.verify(name, current, address):
                await self._ask(problem="The current password is wrong.")
                return
        try:
            password = self.chosen_password()
        except PasswordError as error:
            await self._ask(problem=str(error))
            return
        await self.authenticator.set_password(name, password)
        self.current_user.cookie_id = new_token()
        self.db.commit()
        self.set_login_cookie(self.current_user)
        await self.show("zoe-password.html", done=True)

    async def _ask(self, problem: str = "") -> None:
        await self.show(
            "zoe-password.html",
            problem,
            has_password=self._has_password(),
        )

    def _has_password(self) -> bool:
        return self.authenticator.passwords.has_password(self.current_user.name)


class InvitePage(_Page):
    """/invite: an administrator invites somebody to choose a password, her first or a new one."""

    @web.authenticated
    @needs_scope("admin:users")
    async def get(self) -> None:
        """Ask for the user's name."""
        await self._show(username=self.get_query_argument("name", ""))

    @web.authenticated
    @needs_scope("admin:users")
    async def post(self) -> None:
        """Show the link to send to her: once, because only its hash is kept."""
        name = self.authenticator.normalize_username(self.get_body_argument("name", ""))
        if not self.authenticator.validate_username(name):
            problem = (
                f"“{name}” cannot be a user name. It begins with a letter and goes on with "
                "letters, digits, “.”, “_” or “-”, at most 32 in all, in lower case."
            )
            await self._show(problem, username=name)
            return
        expires = time.time() + self.authenticator.invitation_lifetime
        token = self.authenticator.passwords.invite(name, expires)
        self.log.info("%s has invited %s", self.current_user.name, name)
        page = url_path_join(self.hub.base_url, "invitation")
        link = url_concat(f"{self.request.protocol}://{self.request.host}{page}", {"token": token})
        days = self.authenticator.invitation_lifetime // (24 * 3600)
        await self._show(username=name, link=link, days=days)

    async def _show(self, problem: str = "", **names: Any) -> None:
        one_system_user = self.authenticator.backend == "process"
        await self.show("zoe-invite.html", problem, one_system_user=one_system_user, **names)


handlers = [
    (r"/zoe-login", LoginLinkPage),
    (r"/invitation", InvitationPage),
    (r"/password", PasswordPage),
    (r"/invite", InvitePage),
]
