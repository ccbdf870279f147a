"""The base of all pages: JupyterHub's own page template with our content, errors included."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader
from jupyterhub._data import DATA_FILES_PATH
from tornado.httputil import url_concat
from tornado.web import HTTPError

from zoe_core.cluster import ExecutionStatus
from zoe_core.protocol.rest import Execution, ProblemDocument
from zoe_hub.portal.auth import PortalHandler, Scope, Visitor
from zoe_hub.portal.presenters.endings import endings
from zoe_hub.portal.presenters.times import moment
from zoe_hub.portal.requests import id_in_query
from zoe_store import executions

TEMPLATES = Path(__file__).parents[2] / "templates"

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # Bootstrap's own icons are data
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


@lru_cache(maxsize=1)
def templates() -> Environment:
    """The templates: ours, then what we put over the Hub's, then the Hub's own.

    As in the Hub, ``templates/page.html`` is the Hub's own page whatever lies over it.
    """
    stock = FileSystemLoader(Path(DATA_FILES_PATH) / "templates")
    ours = FileSystemLoader([TEMPLATES / "portal", TEMPLATES / "hub"])
    loader = ChoiceLoader([ours, PrefixLoader({"templates": stock}), stock])
    return Environment(loader=loader, autoescape=True)


_LOOKED_AT = 50  # executions that run, the newest, which may be about to be ended


class PageHandler(PortalHandler):
    """A handler whose answers, and whose errors, are pages."""

    def set_default_headers(self) -> None:
        """Nothing runs or loads but our own files."""
        super().set_default_headers()
        self.set_header("Content-Security-Policy", CONTENT_POLICY)

    async def render_page(self, template: str, **names: object) -> None:
        """Send a page; it also says when the scheduler is away, and since when."""
        now = datetime.now(UTC)
        scheduler = await self.context.views.scheduler()
        seen = scheduler.seen_at
        presence = {
            "scheduler_away": scheduler.status == "away",
            "scheduler_seen": None if seen is None else moment(seen, now),
            "endings": endings(await self._running(), now),
        }
        self._send(template, presence | names)

    async def _running(self) -> Sequence[Execution]:
        """What the visitor has that runs: some of it may be about to be ended."""
        records = await self.context.run(
            executions.find,
            self.context.database,
            user=self.visitor.name,
            statuses=[ExecutionStatus.RUNNING],
            limit=_LOOKED_AT,
        )
        return await self.context.views.executions(records) if records else ()

    def write_problem(self, problem: ProblemDocument) -> None:
        """Show a problem as a page; a form that came at the wrong moment can be sent again."""
        sent: list[tuple[str, str]] = []
        if problem.status == 503 and self.request.method == "POST":
            arguments = self.request.body_arguments
            sent = [(name, text) for name in arguments for text in self.get_body_arguments(name)]
        self._send("error.html", {"title": problem.title, "problem": problem, "sent": sent})

    def older_than(self) -> int | None:
        """Before which execution a page of a list begins; raises HTTPError for what is none."""
        found = id_in_query(self, "before")
        if found is None and self.get_query_argument("before", None) is not None:
            raise HTTPError(404)
        return found

    def script_config(self) -> dict[str, object]:
        """What the scripts of every page need for their requests."""
        return {"xsrf": self.xsrf_token.decode("ascii")}

    def live_config(self, events: str = "events") -> dict[str, object]:
        """What the scripts of a live page need to know; ``events`` is its stream, in REST."""
        return {**self.script_config(), "events": f"{self.context.prefix}api/v1/{events}"}

    def _send(self, template: str, names: dict[str, object]) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(templates().get_template(template).render(self._frame() | names))

    def _frame(self) -> dict[str, object]:
        """What the Hub's page template reads, under the Hub's names."""
        hub = f"{self.context.base_url}hub/"
        user = self.current_user
        return {
            "base_url": hub,
            "prefix": self.context.base_url,
            "user": user,
            "parsed_scopes": _scopes_in_navigation(user) if user else (),
            "no_spawner_check": True,
            "login_url": url_concat(f"{hub}login", {"next": self.request.path}),
            "logout_url": f"{hub}logout",
            "static_url": lambda path, **_: f"{hub}static/{path}",
            "xsrf": self.xsrf_token.decode("ascii") if user else "",
            "api": f"{self.context.prefix}api/v1/",
        }


def _scopes_in_navigation(user: dict[str, Any]) -> list[str]:
    """The scopes that links of the navigation are for, as far as the visitor has them."""
    visitor = Visitor.from_model(user)
    linked = (Scope.STATUS, Scope.ADMIN, Scope.OPERATE_OTHERS)
    found = [str(scope) for scope in linked if visitor.may(scope)]
    # The portal's own login with the Hub does not ask for this one.
    return [*found, "admin-ui"] if user.get("admin") else found
