"""One execution as it goes: state, reasons for waiting, instances, log, links, and Stop."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from time import monotonic

import anyio
from ipywidgets import HTML, Button, Dropdown, HBox, Layout

from zoe_client._async_execution import AsyncExecution
from zoe_client._client import Client
from zoe_client._errors import NotFound, TimedOut, ZoeError
from zoe_client._execution import Execution
from zoe_client.display._blocks import Block, Note, Title, to_html
from zoe_client.display._words import STOPPABLE
from zoe_client.display.executions import (
    execution_blocks,
    facts,
    instances_table,
    title,
    waiting_note,
)
from zoe_client.widgets._live import AWAY, PAUSE, Live
from zoe_client.widgets._log import BLOCK, BLOCKS, LogView
from zoe_core.cluster import FINAL, ExecutionStatus
from zoe_core.protocol import rest

_MAIN = "the main program"


class ExecutionView(Live):
    """Shows an execution, by its id or as the client returned it, until it has ended.

    ``document`` is how it was last seen, None before that. ``client``: the default one finds Zoe by
    itself.
    """

    def __init__(
        self, execution: int | Execution | AsyncExecution, *, client: Client | None = None
    ) -> None:
        given = execution.asynchronous if isinstance(execution, Execution) else execution
        known = given if isinstance(given, AsyncExecution) else None
        self.execution_id = known.id if known else int(str(given))
        self.document = known.document if known else None
        self._stopping = self._complete = False
        self._kept: ExecutionStatus | None = None
        self._changed, self._unpainted = anyio.Event(), anyio.Event()
        self._make_parts()
        source = client.asynchronous if client else known._client if known else None
        super().__init__(source, [self._head, self._buttons, self._table, self._which, self._log])
        self.refresh()
        self._start()

    # --- what it does ---

    async def follow(self) -> None:
        """Follow state and log until both have ended."""
        execution = await self.patiently(partial(self._client.get, self.execution_id))
        self._see(execution.document)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._keep_painted)
            async with anyio.create_task_group() as followed:
                followed.start_soon(self._follow_state, execution)
                followed.start_soon(self._follow_log, execution.document)
            tasks.cancel_scope.cancel()
        self.refresh()
        self.keep_still()
        self._complete = True

    def wait(self, timeout: float | None = None) -> rest.Execution:
        """Return its document when it shows how it has ended, also to whoever saves the notebook.

        Raises TimedOut after ``timeout`` seconds, and ZoeError when it cannot be followed.
        """
        deadline = None if timeout is None else monotonic() + timeout
        try:
            while not self._complete:
                self._wait_until(deadline)
        except TimeoutError:
            raise TimedOut(
                f"Execution {self.execution_id} has not ended within {timeout:g} s."
            ) from None
        assert self.document is not None
        return self.document

    def _wait_until(self, deadline: float | None) -> None:
        """Wait while it is followed."""
        running = self._start()
        if running is None:
            raise ZoeError(f"Execution {self.execution_id} is not followed: its view was closed.")
        try:
            running.result(None if deadline is None else max(0.0, deadline - monotonic()))
        except CancelledError:  # nobody sees it any more, but somebody waits
            return
        if self._failure is not None:
            raise self._failure

    def ask_to_stop(self) -> None:
        """Have Zoe stop it, without asking anybody again."""
        self.in_background(self._stop)

    async def _stop(self) -> None:
        self._stopping = True
        self._ask(False)
        self.refresh()
        try:
            await self._client.stop(self.execution_id)
        except ZoeError:
            self._stopping = False
            self.refresh()
            raise

    async def _follow_state(self, execution: AsyncExecution) -> None:
        while not self._ended:
            with suppress(*AWAY):
                async for document in execution.watch():
                    self._see(document)
                return
            self._see((await self.patiently(execution.refresh)).document)

    async def _follow_log(self, document: rest.Execution) -> None:
        """Follow the log of the chosen instance, and of the next choice after it."""
        execution = AsyncExecution(self.telling("log"), document)
        read: str | None = None
        while True:
            chosen = self._chosen()
            if chosen is not None and chosen != read:
                read = chosen
                async with anyio.create_task_group() as reading:
                    reading.start_soon(self._read_log, execution, chosen)
                    while self._chosen() == chosen and not self._ended:
                        await self._change()
                    if self._chosen() != chosen:
                        reading.cancel_scope.cancel()
            elif self._ended:
                return
            else:
                await self._change()

    async def _read_log(self, execution: AsyncExecution, instance: str) -> None:
        """Read a log, with those of later attempts, to its end, however long Zoe is away."""
        try:
            while True:
                self._log.clear()
                self._touch()
                with suppress(*AWAY):
                    async for piece in execution.logs(instance, follow=True, tail=BLOCK * BLOCKS):
                        self._log.kept.add(piece)
                        self._touch()
                    return
                await self.patiently(partial(_look_at_log, execution, instance), "log")
        except NotFound:  # it never started, or its log was purged
            return
        finally:
            self._heard("log", None)

    async def _keep_painted(self) -> None:
        while True:
            await self._unpainted.wait()
            self._unpainted = anyio.Event()
            self.refresh()
            if self.document and self.document.status is not self._kept:
                self._kept = self.document.status
                self.keep_still()
            await anyio.sleep(PAUSE)

    # --- what it knows ---

    @property
    def _ended(self) -> bool:
        return self.document is not None and self.document.status in FINAL

    def _see(self, document: rest.Execution) -> None:
        self.document = document
        self._touch()

    def _touch(self) -> None:
        """Wake those who wait for a change, and have it painted soon."""
        self._changed.set()
        self._changed = anyio.Event()
        self._unpainted.set()

    async def _change(self) -> None:
        await self._changed.wait()

    def _chosen(self) -> str | None:
        """The instance whose log is shown."""
        instances = self.document.instances if self.document else ()
        if not self._which.value:
            return min((each.name for each in instances if each.monitor), default=None)
        return next((each.name for each in instances if each.name == self._which.value), None)

    # --- what it shows ---

    def blocks(self) -> Sequence[Block]:
        """The execution with the end of its log."""
        if self.document is None:
            return [Title(f"Execution {self.execution_id}", self.badges)]
        return execution_blocks(
            self.document, self._client.url, self.badges, self._log.kept.text.strip("\n")
        )

    def paint(self) -> None:
        """Show what is known now."""
        document = self.document
        if document is None:
            self._head.value = to_html(self.blocks(), style=False)
            return
        head: list[Block] = [title(document, self._client.url, self.badges)]
        if document.waiting is not None:
            head.append(waiting_note(document.waiting))
        elif document.reason:
            failed = document.status is ExecutionStatus.ERROR
            head.append(Note(document.reason, "wrong" if failed else ""))
        head.append(facts(document, self._client.url))
        self._head.value = to_html(head, style=False)
        table = [instances_table(document.instances)] if document.instances else []
        self._table.value = to_html(table, style=False) if table else ""
        self._offer_logs(document)
        self._offer_stop(document)
        self._log.refresh()

    def _offer_logs(self, document: rest.Execution) -> None:
        names = [each.name for each in document.instances]
        options = [(_MAIN, ""), *((each, each) for each in names)]
        if tuple(options) != tuple(self._which.options):
            chosen = self._which.value
            self._which.options = options
            self._which.value = chosen if chosen in names else ""
        self._which.layout.display = None if len(names) > 1 else "none"

    def _offer_stop(self, document: rest.Execution) -> None:
        can = document.status in STOPPABLE
        self._stop_button.layout.display = None if can else "none"
        self._stop_button.disabled = self._stopping
        self._stop_button.description = "Stopping" if self._stopping else "Stop"
        if not can:
            self._ask(False)

    def _ask(self, asked: bool) -> None:
        """Ask whether to stop it, or no more; a click may come when it has ended."""
        can = self.document is not None and self.document.status in STOPPABLE
        self._question.layout.display = "flex" if asked and can else "none"

    def _make_parts(self) -> None:
        self._head, self._table, self._log = HTML(), HTML(), LogView()
        self._which = Dropdown(
            options=[(_MAIN, "")],
            description="Log of",
            layout=Layout(display="none"),
            style={"description_width": "initial"},
        )
        self._which.observe(lambda _: self.in_background(self._choose), "value")
        self._stop_button = Button(
            description="Stop", icon="stop", layout=Layout(display="none", width="auto")
        )
        self._stop_button.on_click(lambda _: self.in_background(lambda: self._ask(True)))
        narrow = Layout(width="auto")
        yes = Button(description="Yes, stop it", button_style="danger", layout=narrow)
        yes.on_click(lambda _: self.in_background(self._stop))
        no = Button(description="No", layout=narrow)
        no.on_click(lambda _: self.in_background(lambda: self._ask(False)))
        sure = HTML("Stop this execution?")
        self._question = HBox([sure, yes, no], layout=Layout(display="none"))
        self._buttons = HBox([self._stop_button, self._question])

    def _choose(self) -> None:
        """Read another log; of an execution that has ended by following it once more."""
        self._touch()
        self._start()


async def _look_at_log(execution: AsyncExecution, instance: str) -> None:
    """Return when its log can be read."""
    async for _ in execution.logs(instance, tail=0):
        pass
