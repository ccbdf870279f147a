"""Own ZApps: a description that is pasted or uploaded, checked as one types, and launched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from zoe_core.protocol.rest import ProblemDocument
from zoe_core.zapp import Problem, zapp_document, zapp_json_schema
from zoe_hub.link import MasterAway
from zoe_hub.portal.api.addresses import LaunchForm
from zoe_hub.portal.auth import Scope
from zoe_hub.portal.deeds import deed
from zoe_hub.portal.launching import estimate, launch
from zoe_hub.portal.pages.ordering import sent_fields
from zoe_hub.portal.pages.rendering import PageHandler
from zoe_hub.portal.presenters.estimate import NOT_NOW
from zoe_hub.portal.presenters.expected import When, when
from zoe_hub.portal.presenters.gallery import Need, needs
from zoe_hub.portal.presenters.own import Told, example, read_description, told, written
from zoe_hub.portal.requests import id_in_query, read_form
from zoe_hub.refusal import Refused
from zoe_hub.submission import Order
from zoe_hub.views import described

_ABOUT_THE_FORM = frozenset({403, 409, 422, 429})


@dataclass(frozen=True, slots=True)
class _Checked:
    """What was found; without ``problems`` it can be launched, and ``when`` says when it starts."""

    problems: Sequence[Told]
    warnings: Sequence[Told] = ()
    when: When | None = None
    needs: Sequence[Need] = ()


_NOTHING = _Checked(())


class OwnHandler(PageHandler):
    """What the pages about own descriptions share."""

    async def prepare(self) -> None:
        """Let in only who may launch her own."""
        await super().prepare()
        if self.known:
            self.visitor.require(Scope.LAUNCH_OWN)

    async def check(self, text: str) -> _Checked:
        """Check a description as ``POST /zapps/validate`` does, and ask when it would start."""
        read = read_description(text)
        if read.document is None:
            return _Checked([Told("", read.problem)])
        requester, submission = self.visitor.requester(), self.context.submission
        problems, warnings = await submission.find_problems(requester, read.document)
        if problems:
            return _Checked(told(problems), told(warnings))
        try:
            checked = await submission.check(requester, Order(description=read.document))
        except Refused as refused:  # a launch asks for more than a description that is right
            return _Checked(told(refused.told), told(warnings))
        platform = await submission.platform.look()
        needed = needs(checked.zapp, platform.master.defaults)
        try:
            start = when((await estimate(self, [checked]))[0])
        except MasterAway:
            start = When(NOT_NOW, known=False)
        return _Checked((), told(warnings), start, needed)

    def write_problem(self, problem: ProblemDocument) -> None:
        """What was in a file is sent again as if it had been typed."""
        if self.request.files:
            self.request.body_arguments["description"] = [self.sent_text().encode()]
        super().write_problem(problem)

    def sent_text(self) -> str:
        """The description that was sent: that of the file, if one was chosen, or what was typed."""
        for file in self.request.files.get("file", ()):
            if file.filename and file.body:
                return file.body.decode("utf-8", errors="replace")
        return self.get_body_argument("description", "", strip=False)


class OwnPage(OwnHandler):
    """``/launch``."""

    async def get(self) -> None:
        """Show the form: empty, with the example, or as it was launched before (``again``)."""
        text, name = await self._proposed()
        await self._show(text, name, await self.check(text) if text else _NOTHING)

    async def _proposed(self) -> tuple[str, str]:
        again = id_in_query(self, "again")
        if again is not None:
            record = await self.find_execution(again)
            if record.zapp is None:
                zapp = described(record)  # with what was changed since
                document = record.description if zapp is None else zapp_document(zapp)
                return written(document), record.name
        if self.get_query_argument("example", ""):
            platform = await self.context.submission.platform.look()
            return written(example(platform.nodes)), ""
        return "", ""

    @deed("launch")
    async def post(self) -> None:
        """Launch, or check only (``do``), or show what is wrong."""
        text, name = self.sent_text(), self.get_body_argument("name", "")
        if self.get_body_argument("do", "launch") == "check":
            self.note("launch/check")
            await self._show(text, name, await self.check(text))
            return
        read = read_description(text)
        if read.document is None:
            await self._refuse(422, text, name, [Problem("", read.problem)])
            return
        key = read_form(LaunchForm, self).key
        try:
            record, _ = await launch(self, Order(description=read.document, name=name or None), key)
        except Refused as refused:
            if refused.status not in _ABOUT_THE_FORM:
                raise
            await self._refuse(refused.status, text, name, refused.told)
        else:
            self.redirect(f"{self.context.prefix}executions/{record.id}", status=303)

    async def _refuse(self, status: int, text: str, name: str, wrong: Sequence[Problem]) -> None:
        self.set_status(status)
        await self._show(text, name, _Checked(told(wrong)), refused=True)

    async def _show(
        self, text: str, name: str, checked: _Checked, *, refused: bool = False
    ) -> None:
        await self.render_page(
            "own.html",
            title="Launch your own",
            here="gallery",
            text=text,
            name=name,
            checked=checked,
            refused=refused,
            asked=bool(text),
            key=uuid4().hex,
            no_estimate=NOT_NOW,
            config=self.live_config(),
        )


class CheckOwn(OwnHandler):
    """``/launch/check``: the part of the form that changes while one types."""

    async def post(self) -> None:
        """Say what is wrong, or when it would start."""
        text = sent_fields(self).get("description", "")
        self._send(
            "own_check.html", {"checked": await self.check(text), "asked": bool(text.strip())}
        )


class OwnSchema(OwnHandler):
    """``/launch/schema.json``."""

    async def get(self) -> None:
        """Send the JSON schema of descriptions, for editors that know what to do with it."""
        self.set_header("Content-Type", "application/schema+json; charset=utf-8")
        self.finish(json.dumps(zapp_json_schema(), indent=2))
