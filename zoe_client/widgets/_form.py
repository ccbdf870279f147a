"""The form with which a ZApp is launched: checked as it is filled in, with the expected start."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeGuard
from uuid import uuid4

import anyio
from ipywidgets import HTML, Button, HBox, Layout, VBox

from zoe_client._async_client import AsyncClient
from zoe_client._async_execution import AsyncExecution
from zoe_client._errors import RequestRefused, Unavailable, ZoeError
from zoe_client._requests import Value
from zoe_client.display._blocks import Note, to_html
from zoe_client.display._html import tag
from zoe_client.widgets._fields import Field
from zoe_client.widgets._live import Action
from zoe_core.names import MAX_EXECUTION_NAME
from zoe_core.protocol import rest

QUIET = 0.4
"""Seconds without a change, after which it is asked when this would start."""

ENOUGH = 5.0
"""Seconds for which an answer to that is waited for."""

_ABOUT_THE_FORM = frozenset({400, 409, 422})

InBackground = Callable[[Action], Future[None] | None]


class LaunchForm(VBox):
    """The form of one ZApp. ``launched`` is called with what was launched.

    ``in_background`` is ``Live.in_background``; all that the form does it does there.
    """

    def __init__(
        self,
        client: AsyncClient,
        zapp: rest.ZAppDetail,
        in_background: InBackground,
        launched: Callable[[AsyncExecution], None],
        dismissed: Callable[[], None],
    ) -> None:
        self._client, self._zapp = client, zapp
        self._in_background, self._launched = in_background, launched
        self._asking: Future[None] | None = None
        self._busy = False
        self._key: str | None = None  # of a launch that may have been, as its answer was lost

        def changed() -> None:
            in_background(self._change)

        self.name_field = Field(
            "Name", "How you will find it in your list.", None, zapp.slug, changed
        )
        self.fields = [
            Field(each.label, each.description, each, "", changed) for each in zapp.parameters
        ]
        self._when, self._problem = HTML(), HTML()
        self.launch_button = Button(
            description="Launch", button_style="primary", icon="play", layout=Layout(width="auto")
        )
        self.launch_button.on_click(lambda _: in_background(self._launch))
        cancel = Button(description="Close", layout=Layout(width="auto"))
        cancel.on_click(lambda _: in_background(dismissed))
        title = tag("div", f"Launch {zapp.name}", class_="zoe-title")
        buttons = HBox(
            [self.launch_button, cancel, self._when], layout=Layout(align_items="center")
        )
        super().__init__([HTML(title), self.name_field, *self.fields, buttons, self._problem])
        self.add_class("zoe-form")
        self._change()

    @property
    def parameters(self) -> dict[str, Value]:
        """What is given, by key."""
        return {each.key: each.value for each in self.fields if each.key and each.value is not None}

    def _check(self) -> bool:
        """Check all that was entered; nothing may be launched before it is right."""
        for each in self.fields:
            each.check()
        long = len(str(self.name_field.value or "")) > MAX_EXECUTION_NAME
        wrong_name = f"has more than {MAX_EXECUTION_NAME} characters" if long else ""
        self.name_field.show_error(wrong_name)
        right = not any(each.error for each in (self.name_field, *self.fields))
        self.launch_button.disabled = not right or self._busy
        return right

    def _change(self) -> None:
        """Something else is entered: ask again when it would start, unless it is wrong."""
        self._problem.value = ""
        self._key = None
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
        if not self._check():
            self._tell_when("")
        elif self._zapp.available:
            self._asking = self._in_background(self._estimate)

    async def _estimate(self) -> None:
        await anyio.sleep(QUIET)
        entered = self.parameters
        request = rest.ExecutionRequest(zapp=self._zapp.slug, parameters=entered)
        told, refusal = "No estimate just now.", None
        try:
            with anyio.fail_after(ENOUGH):
                told = (await self._client.estimate_request(request))[0].text
        except RequestRefused as refused:
            if refused.problem.status in _ABOUT_THE_FORM:
                told, refusal = "", refused
        except (ZoeError, TimeoutError):
            pass
        if entered != self.parameters:  # of what is entered now it is asked too
            return
        self._tell_when(told)
        if refusal is not None:
            self._show(refusal, "This would be refused")

    def _tell_when(self, text: str) -> None:
        self._when.value = tag("span", text, class_="zoe-when") if text else ""

    async def _launch(self) -> None:
        if self._busy or not self._check():
            return
        self._busy = self.launch_button.disabled = True
        self._problem.value = ""
        try:
            await self._submit()
        finally:
            self._busy = False
            fields = (self.name_field, *self.fields)
            self.launch_button.disabled = any(each.error for each in fields)

    async def _submit(self) -> None:
        """Launch it, once also when the button has to be pressed again for an answer."""
        request = rest.ExecutionRequest(
            zapp=self._zapp.slug,
            name=str(self.name_field.value or "") or None,
            parameters=self.parameters,
        )
        self._key = key = self._key or uuid4().hex
        try:
            execution = await self._client.submit(request, idempotency_key=key)
        except ZoeError as error:
            if _is_answer(error):
                self._show(error, "It was not launched")
                self._key = None
            else:
                self._problem.value = to_html([Note(str(error), "wrong")], style=False)
        else:
            self._key = None
            self._launched(execution)

    def _show(self, refused: RequestRefused, what: str) -> None:
        """Put each problem next to its field, the others below."""
        problem = refused.problem
        found = problem.problems or (
            rest.FieldProblem(field=problem.field or "", message=problem.detail),
        )
        fields = {f"parameters.{each.key}": each for each in self.fields if each.key}
        fields["name"] = self.name_field
        left = [f"{what}."]
        for each in found:
            if each.field in fields:
                fields[each.field].show_error(each.message)
                self.launch_button.disabled = True
            else:
                left.append(f"{each.field} {each.message}" if problem.problems else each.message)
        if len(left) > 1:
            self._problem.value = to_html([Note("\n".join(left), "wrong")], style=False)


def _is_answer(error: ZoeError) -> TypeGuard[RequestRefused]:
    """Whether Zoe has decided against it; else it may have been launched."""
    return (
        isinstance(error, RequestRefused)
        and not isinstance(error, Unavailable)
        and error.problem.status < 500
    )
