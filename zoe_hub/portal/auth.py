"""Who is asking, and what she may do: the base of every handler of the portal.

Login, users, groups and tokens are JupyterHub's. A browser comes with the cookie of the Hub's
OAuth, a script with a token of the Hub; both end up as the same :class:`Visitor`. The check
against forged requests (XSRF) is the Hub's too: it is part of identifying a cookie, and tokens are
exempt from it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from jupyterhub.services.auth import HubOAuth, HubOAuthenticated, check_scopes
from tornado.web import HTTPError, RequestHandler

from zoe_core.protocol.rest import ProblemDocument
from zoe_hub.portal.context import PortalContext
from zoe_hub.portal.deeds import action_of, tell_refused
from zoe_hub.portal.problems import HubAway, explain_failure
from zoe_hub.refusal import Refused
from zoe_hub.submission import Requester
from zoe_store import executions
from zoe_store.executions import ExecutionRecord


class Scope(StrEnum):
    """The custom scopes of JupyterHub that Zoe asks for."""

    LAUNCH = "custom:zoe:launch"
    LAUNCH_OWN = "custom:zoe:launch-own"
    PRIORITY = "custom:zoe:priority"
    RESOURCES = "custom:zoe:resources"
    GALLERY_FULL = "custom:zoe:gallery-full"
    STATUS = "custom:zoe:status"
    DELETE = "custom:zoe:delete"
    OPERATE_OTHERS = "custom:zoe:operate-others"
    ADMIN = "custom:zoe:admin"


CHANGING = (Scope.LAUNCH, Scope.LAUNCH_OWN, Scope.OPERATE_OTHERS)
"""One of these is needed to stop or change an execution: a token without them only looks."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever sent the request; ``kind`` is ``user`` or ``service``, as the Hub calls them."""

    name: str
    kind: str
    groups: frozenset[str]
    scopes: frozenset[str]

    @classmethod
    def from_model(cls, model: Mapping[str, Any]) -> Visitor:
        """Read the Hub's model of a user or a service."""
        return cls(
            name=model["name"],
            kind=model.get("kind", "user"),
            groups=frozenset(model.get("groups", ())),
            scopes=frozenset(model.get("scopes", ())),
        )

    def may(self, scope: Scope) -> bool:
        """Whether the visitor holds ``scope`` without a filter."""
        return bool(check_scopes(str(scope), set(self.scopes)))

    @property
    def operates_others(self) -> bool:
        """Whether she may see and stop what belongs to others."""
        return self.may(Scope.OPERATE_OTHERS) or self.may(Scope.ADMIN)

    def may_see(self, owner: str) -> bool:
        """Whether she may see an execution of ``owner``."""
        return self.name == owner or self.operates_others

    def require(self, *scopes: Scope) -> None:
        """Raise Refused (403) unless she holds one of ``scopes``."""
        if not any(map(self.may, scopes)):
            raise Refused(
                403,
                "Not allowed",
                f"This needs the scope {' or '.join(scopes)}, which you or your token do not have. "
                "Ask the administrator, or make a token with it.",
            )

    def requester(self) -> Requester:
        """The visitor as somebody who asks for an execution."""
        return Requester(
            name=self.name,
            groups=self.groups,
            whole_gallery=self.may(Scope.GALLERY_FULL),
            may_prioritize=self.may(Scope.PRIORITY),
            may_resize=self.may(Scope.RESOURCES),
        )


class PortalHandler(HubOAuthenticated, RequestHandler):
    """Identifies the visitor before any method runs, and turns every error into a problem.

    Subclasses say what happens to somebody unknown (``refuse_stranger``) and how a problem is shown
    (``write_problem``).
    """

    visitor: Visitor
    shown_of: str | None = None
    """Whose executions an answer shows that stays open; ``EVERYBODY`` of all."""
    known = False
    """Whether ``visitor`` is set."""
    deed_target: str | None = None
    deed_detail: Mapping[str, Any] = MappingProxyType({})

    def note(self, target: str | None = None, **detail: Any) -> None:
        """Tell the audit log what a deed is about, such as ``executions/42``, and what it is."""
        self.deed_target = target or self.deed_target
        self.deed_detail = {**self.deed_detail, **detail}

    @property
    def hub_auth(self) -> HubOAuth:
        """The one that the application was made with."""
        hub_auth: HubOAuth = self.settings["hub_auth"]
        return hub_auth

    @property
    def context(self) -> PortalContext:
        """What all handlers share."""
        context: PortalContext = self.settings["zoe"]
        return context

    def set_default_headers(self) -> None:
        """Our own pages are never framed, never sniffed, and load nothing from elsewhere."""
        self.set_header("Content-Security-Policy", "frame-ancestors 'none'")
        self.set_header("X-Frame-Options", "DENY")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")
        self.clear_header("Server")

    async def prepare(self) -> None:
        """Identify the visitor; sets ``self.visitor`` or answers at once."""
        model = await self.ask_hub()
        if model is None:
            await self._know_whose_form()
            self.refuse_stranger()
            return
        self._know(model)
        self._check_access(model)
        self.current_user = model  # what the Hub's templates read

    async def ask_hub(self) -> dict[str, Any] | None:
        """The Hub's model of the visitor, without blocking; None when she is unknown."""
        return await _said_by_hub(self.identify())

    def _know(self, model: dict[str, Any]) -> None:
        """From now on the audit log has a name for what is refused, too."""
        self.visitor = Visitor.from_model(model)
        self.known = True

    async def _know_whose_form(self) -> None:
        """Whose login a forged or stale form came with: she is told of, and not let in."""
        token = self.hub_token()
        if token is None or action_of(self) is None:
            return
        session_id = self.hub_auth.get_session_id(self)
        asking = self.hub_auth.user_for_token(token, session_id=session_id, sync=False)
        model = await _said_by_hub(asking)
        if model is not None:
            self._know(model)

    async def identify(self) -> dict[str, Any] | None:
        """Ask the Hub about the cookie or token of this request."""
        model: dict[str, Any] | None = await self.hub_auth.get_user(self, sync=False)
        return model

    def hub_token(self) -> str | None:
        """The Hub's token by which the visitor is known, or would be: that of her cookie."""
        cookie = self.get_signed_cookie(self.hub_auth.cookie_name)
        return self.sent_token() or (cookie.decode("ascii", "replace") if cookie else None)

    def sent_token(self) -> str | None:
        """The Hub's token in a header or in the address; another one there is an application's."""
        if not getattr(self, "_token_authenticated", False):  # which ``hub_auth`` sets
            return None
        token: str | None = self.hub_auth.get_token(self, in_cookie=False)
        return token

    def may_go_on(self, visitor: Visitor) -> bool:
        """Whether what is open may stay so for the visitor as she is now."""
        needed = self.hub_scopes
        model = {"scopes": list(visitor.scopes)}
        if needed and not self.hub_auth.check_scopes(needed, model):
            return False
        return self.shown_of is None or visitor.may_see(self.shown_of)

    def _check_access(self, model: dict[str, Any]) -> None:
        needed = self.hub_scopes
        if needed and not self.hub_auth.check_scopes(needed, model):
            raise Refused(
                403, "Not allowed", f"Your token needs the scope {' or '.join(sorted(needed))}."
            )

    def get_current_user(self) -> dict[str, Any] | None:
        """Never ask the Hub here: that would block; ``prepare`` has asked."""
        return None

    def refuse_stranger(self) -> None:
        """Answer somebody whom the Hub does not know: a visit leads to the login."""
        mode = self.request.headers.get("Sec-Fetch-Mode", "navigate")
        if self.request.method in ("GET", "HEAD") and mode == "navigate":
            self.redirect(self.get_login_url())
            return
        raise self.stranger_refused()

    def stranger_refused(self) -> Refused:
        """The reason why a request has no visitor: no login, or a forged or stale form."""
        if self.get_signed_cookie(self.hub_auth.cookie_name):
            try:
                self.check_xsrf_cookie()
            except HTTPError:
                return Refused(
                    403,
                    "The form is stale",
                    "The XSRF token is missing or does not match your login. Reload the page; "
                    "scripts send the header X-XSRFToken, or a token of JupyterHub instead.",
                    field="_xsrf",
                )
        return Refused(
            401,
            "Who are you?",
            "Log in with the browser, or send the header 'Authorization: token …' with a token of "
            "JupyterHub that is still valid.",
        )

    async def find_execution(self, execution_id: int) -> ExecutionRecord:
        """An execution that the visitor may see.

        Others' are as unknown as those that do not exist, so that an id tells nothing.
        """
        record = await self.context.run(executions.get, self.context.database, execution_id)
        if record is None or not self.visitor.may_see(record.user):
            raise Refused(
                404, "Not found", f"You have no execution {execution_id}.", field="execution_id"
            )
        self.shown_of = record.user
        return record

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Leave the log to ``explain_failure``, which knows what is worth a line."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Send the problem that an exception means."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        failure = explain_failure(error, status_code, f"{self.request.method} {self.request.path}")
        self.set_status(failure.document.status)
        tell_refused(self, failure.document)
        if failure.retry_after is not None:
            self.set_header("Retry-After", str(failure.retry_after))
        if failure.document.status == 405:
            self.set_header("Allow", ", ".join(self._methods()))
        if failure.document.status == 401:
            self.set_header("WWW-Authenticate", 'Bearer realm="zoe"')
        self.write_problem(failure.document)

    def _methods(self) -> list[str]:
        """The methods that this handler has of its own."""
        return [
            each
            for each in self.SUPPORTED_METHODS
            if getattr(type(self), each.lower()) is not getattr(RequestHandler, each.lower())
        ]

    def write_problem(self, problem: ProblemDocument) -> None:
        """Show a problem; pages override this with a page."""
        self.set_header("Content-Type", "application/problem+json")
        self.finish(problem.model_dump_json(exclude_none=True))


async def _said_by_hub(asking: Awaitable[dict[str, Any] | None]) -> dict[str, Any] | None:
    try:
        return await asking
    except HTTPError as error:
        if error.status_code >= 500:
            raise HubAway(error.log_message) from error
        raise


class ApiHandler(PortalHandler):
    """The base of REST handlers: a stranger gets a problem, never a redirect."""

    def refuse_stranger(self) -> None:
        """Refuse with 401, or 403 for a forged request."""
        raise self.stranger_refused()
