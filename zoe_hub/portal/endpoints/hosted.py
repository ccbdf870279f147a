"""What the host of an execution serves: its endpoints, and the way in from the portal.

It is another origin than the portal's, because what an instance shows is content of its owner. So
operators may open it, too. Nothing of the portal itself is served here, and its login is not known
here: see ``handover``.
"""

from __future__ import annotations

import re
import secrets
from typing import Any

from tornado.httputil import url_concat
from tornado.web import HTTPError

from zoe_core.protocol.rest import ProblemDocument
from zoe_hub.portal.auth import PortalHandler, Visitor
from zoe_hub.portal.endpoints.handler import EndpointProxy
from zoe_hub.portal.endpoints.handover import Handovers, browser_mark
from zoe_hub.portal.pages.rendering import PageHandler, templates
from zoe_hub.refusal import Refused

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
_PRINTABLE = re.compile(r"[!-~]+")
_MARK = re.compile(r"[0-9a-f]{64}")


class OnItsHost(PortalHandler):
    """A handler of the host of an execution."""

    @property
    def handovers(self) -> Handovers:
        """Who has been sent here, and who is here."""
        handovers: Handovers = self.settings["handovers"]
        return handovers

    @property
    def execution_id(self) -> int:
        """The execution whose host this is."""
        found = self.context.hosts.execution_of(self.request.host_name)
        assert found is not None  # or the request had not come here
        return found

    def check_host(self) -> None:
        """Nothing of another execution is here. Raises HTTPError (404)."""
        if self.path_kwargs["execution_id"] != str(self.execution_id):
            raise HTTPError(404)

    def cookie_name(self, kind: str) -> str:
        """The name of a cookie of ours, which never passes to an instance."""
        return f"{'__Host-' if self.context.hosts.secure else ''}service-zoe-{kind}"

    def keep_cookie(self, kind: str, value: str) -> None:
        """Set a cookie for this host alone, as long as the browser runs."""
        self.set_cookie(
            self.cookie_name(kind),
            value,
            path="/",
            secure=self.context.hosts.secure,
            httponly=True,
            samesite="Lax",
        )

    def write_problem(self, problem: ProblemDocument) -> None:
        """A page for people, which needs nothing else from here; a document for scripts."""
        if "text/html" not in self.request.headers.get("Accept", ""):
            PortalHandler.write_problem(self, problem)
            return
        self.set_header("Content-Security-Policy", _POLICY)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        portal = f"{self.context.hosts.main}{self.context.prefix}"
        template = templates().get_template("execution_host_error.html")
        self.finish(template.render(problem=problem, execution=self.execution_id, portal=portal))


class HostedEndpoint(OnItsHost, EndpointProxy):
    """An endpoint on the host of its execution."""

    async def prepare(self) -> None:
        """As on the portal's host."""
        self.check_host()
        await super().prepare()

    def hub_token(self) -> str | None:
        """What the visit stands for, or a token that a script has sent."""
        return self._visit_token() or self.sent_token()

    def sent_token(self) -> str | None:
        """The token of a script: what a visit sends besides its cookie is the application's own."""
        if self._visit_token() is not None:
            return None
        token: str | None = self.hub_auth.get_token(self, in_cookie=False)
        return token

    async def identify(self) -> dict[str, Any] | None:
        """Ask the Hub about the token; a page of another site may not use the cookie."""
        if self._visit_token() is not None:
            self.check_xsrf_cookie()
        token = self.hub_token()
        if not token:
            return None
        model: dict[str, Any] | None = await self.hub_auth.user_for_token(token, sync=False)
        return model

    def check_xsrf_cookie(self) -> None:
        """Links lead here from everywhere; all other requests come from here."""
        headers = self.request.headers
        visit = self.request.method in ("GET", "HEAD") and (
            headers.get("Sec-Fetch-Mode") == "navigate"
            and headers.get("Sec-Fetch-Dest", "document") == "document"
        )
        if not visit:
            super().check_xsrf_cookie()

    def may_open(self, visitor: Visitor, owner: str) -> bool:
        """Operators, too: what they see cannot act in their name."""
        return visitor.may_see(owner)

    def refuse_stranger(self) -> None:
        """Send a visit to the portal, which may know her."""
        mode = self.request.headers.get("Sec-Fetch-Mode", "navigate")
        if self.request.method not in ("GET", "HEAD") or mode != "navigate":
            raise self.stranger_refused()
        secret = self.get_cookie(self.cookie_name("browser")) or secrets.token_urlsafe(32)
        self.keep_cookie("browser", secret)
        portal = f"{self.context.hosts.main}{self.context.prefix}"
        asked = {"browser": browser_mark(secret), "next": self.request.uri or ""}
        self.redirect(url_concat(f"{portal}executions/{self.execution_id}/enter", asked))

    def _visit_token(self) -> str | None:
        visit = self.get_cookie(self.cookie_name("visit")) or ""
        return self.handovers.token_of(visit, self.execution_id)


class Arrival(OnItsHost):
    """Where somebody comes from the portal, with a ticket."""

    async def prepare(self) -> None:
        """Who she is, the ticket says."""
        self.check_host()

    async def get(self, execution_id: str) -> None:
        """Change the ticket for a cookie, and go where she wanted to go."""
        ticket = self.get_query_argument("ticket", "")
        secret = self.get_cookie(self.cookie_name("browser")) or ""
        visit, path = self.handovers.redeem(ticket, int(execution_id), secret)
        self.keep_cookie("visit", visit)
        self.redirect(path)


class NotServedHere(OnItsHost):
    """All that belongs to the portal, or to nobody."""

    async def prepare(self) -> None:
        """Whoever asks."""
        raise HTTPError(404)


class Entrance(PageHandler):
    """On the portal's host: hands somebody over whom the host of an execution has sent."""

    async def get(self, execution_id: str) -> None:
        """Send her back with a ticket, if she may see the execution."""
        record = await self.find_execution(int(execution_id))
        endpoints = f"{self.context.prefix}executions/{record.id}/"
        path = self.get_query_argument("next", "")
        if not path.startswith(f"{endpoints}endpoints/") or not _PRINTABLE.fullmatch(path):
            raise Refused(400, "Where to?", "This is no address of an endpoint.", field="next")
        browser = self.get_query_argument("browser", "")
        if not _MARK.fullmatch(browser):
            detail = "Nobody can say which browser this is. Open the endpoint's own address."
            raise Refused(400, "Who was sent?", detail, field="browser")
        token = self.hub_token()
        assert token is not None  # or nobody had been known
        handovers: Handovers = self.settings["handovers"]
        ticket = handovers.ticket(token, record.id, browser, path)
        host = self.context.hosts.origin(record.id)
        self.redirect(url_concat(f"{host}{endpoints}enter", {"ticket": ticket}))


class EndpointElsewhere(PageHandler):
    """An endpoint, asked for on the portal's host: it is on that of its execution."""

    async def prepare(self) -> None:
        """Whoever asks: who she is, the other host finds out."""

    def get(self, execution_id: str, **_: str) -> None:
        """Send her there."""
        host = self.context.hosts.origin(int(execution_id))
        self.redirect(f"{host}{self.request.uri}")

    head = get
