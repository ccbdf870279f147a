"""One execution, for programs with an event loop."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import anyio

from zoe_client._connection import read_document
from zoe_client._errors import ExecutionFailed, TimedOut
from zoe_client._streams import NOT_STORED, follow_events, follow_log, read_text
from zoe_core.cluster import FINAL, ExecutionStatus
from zoe_core.protocol import rest
from zoe_core.protocol.rest_use import ExecutionUse

if TYPE_CHECKING:
    from zoe_client._async_client import AsyncClient
    from zoe_client._requests import Priority, Sizes

LAST_LINES = 20
"""Lines of the log that tell how an execution has failed."""


class Described:
    """What is known of an execution without asking: ``document`` is how it was last seen."""

    document: rest.Execution

    @property
    def id(self) -> int:
        """Its number, the same for ever."""
        return self.document.id

    @property
    def name(self) -> str:
        """What it is called; not only it may be."""
        return self.document.name

    @property
    def zapp(self) -> str | None:
        """The slug of its ZApp; None for a description of the user's own."""
        return self.document.zapp

    @property
    def user(self) -> str:
        """Whose it is."""
        return self.document.user

    @property
    def parameters(self) -> dict[str, Any]:
        """Those that were given."""
        return self.document.parameters

    @property
    def server_name(self) -> str | None:
        """The JupyterHub server that it is, or None."""
        return self.document.server_name

    @property
    def submitted_at(self) -> datetime:
        """When it was asked for."""
        return self.document.submitted_at

    @property
    def started_at(self) -> datetime | None:
        """When it came to run."""
        return self.document.started_at

    @property
    def ended_at(self) -> datetime | None:
        """When it had ended."""
        return self.document.ended_at

    @property
    def reason(self) -> str | None:
        """Why it has ended, or does."""
        return self.document.reason

    @property
    def instances(self) -> tuple[rest.Instance, ...]:
        """Its instances as they were last seen."""
        return self.document.instances

    @property
    def ended(self) -> bool:
        """Whether it was seen to have ended."""
        return self.document.status in FINAL

    def __eq__(self, other: object) -> bool:
        """Whether it is the same and was seen in the same state."""
        return isinstance(other, Described) and self.document == other.document

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}: {self.name}, {self.document.status}>"


class AsyncExecution(Described):
    """An execution and the client that knows it."""

    def __init__(self, client: AsyncClient, document: rest.Execution) -> None:
        self._client = client
        self.document = document

    @property
    def status(self) -> ExecutionStatus:
        """As last seen."""
        return self.document.status

    @property
    def waiting(self) -> rest.Waiting | None:
        """Why it does not run yet, as last seen."""
        return self.document.waiting

    @property
    def endpoints(self) -> dict[str, str]:
        """Whole addresses by name, as last seen; those of equal names by name and instance."""
        return addresses(self._client, self.document)

    @property
    def url(self) -> str:
        """The whole address of its page."""
        return self._client.absolute(self.document.url)

    async def refresh(self) -> Self:
        """See how it is now."""
        self.document = (await self._client.get(self.id)).document
        return self

    async def stop(self) -> Self:
        """Ask for its end; returns at once."""
        self.document = (await self._client.stop(self.id)).document
        return self

    async def change(
        self,
        *,
        priority: Priority | None = None,
        runtime_limit: int | None = None,
        resources: Sizes | None = None,
    ) -> Self:
        """Ask for it to be other than it is, in what is given; returns at once.

        ``runtime_limit``: seconds from its start, not from now. ``resources``: as for ``launch``,
        while it waits. Raises Conflict when it is too late.
        """
        changed = await self._client.change(
            self.id, priority=priority, runtime_limit=runtime_limit, resources=resources
        )
        self.document = changed.document
        return self

    async def keep(self) -> Self:
        """Have a Jupyter server count as used now, so that it is not ended because it idles.

        Raises Conflict for what is none, or does not run.
        """
        self.document = (await self._client.keep(self.id)).document
        return self

    async def use(self) -> ExecutionUse:
        """What its instances have used so far, as it is measured; nothing once it has ended."""
        return await self._client.connection.get(f"/executions/{self.id}/use", ExecutionUse)

    async def wait(self, timeout: float | None = None) -> Self:
        """Return when it has ended. Raises TimedOut after ``timeout`` seconds."""
        with anyio.move_on_after(timeout) as scope:
            async with aclosing(self.watch()) as seen:
                async for _ in seen:
                    pass
        if scope.cancelled_caught:
            raise TimedOut(f"Execution {self.id} has not ended within {timeout:g} s.")
        return self

    async def result(self, timeout: float | None = None) -> str:
        """Wait for its end and return the log of its monitor, the main program.

        Raises ExecutionFailed, and TimedOut after ``timeout`` seconds.
        """
        await self.wait(timeout)
        failed = self.document.status is ExecutionStatus.ERROR
        pieces = deque[str]()
        async with aclosing(self.logs(tail=LAST_LINES if failed else None)) as log:
            async for piece in log:
                pieces.append(piece)
        if failed:
            raise ExecutionFailed(self.document, "".join(pieces))
        return "".join(pieces)

    async def watch(self) -> AsyncGenerator[rest.Execution, None]:
        """Its document now, and at each change, until it has ended.

        A change may also be in the reasons why it waits.
        """
        path, last = f"/executions/{self.id}/events", None
        stream = follow_events(self._client.connection, path, {}, self._client.on_trouble)
        async with aclosing(stream) as told:
            async for each in told:
                if each.event != "execution":
                    continue
                self.document = read_document(each.data, rest.Execution, self._client.url)
                if self.document != last:
                    last = self.document
                    yield self.document
        if not self.ended:  # its end was told, but the connection broke before the document came
            yield (await self.refresh()).document

    async def events(self) -> AsyncGenerator[rest.Event, None]:
        """What has happened and happens to it, from its first event to its end."""
        path = f"/executions/{self.id}/events"
        stream = follow_events(self._client.connection, path, {}, self._client.on_trouble)
        async with aclosing(stream) as told:
            async for each in told:
                if each.event not in NOT_STORED:
                    yield read_document(each.data, rest.Event, self._client.url)

    async def logs(
        self, instance: str | None = None, *, follow: bool = False, tail: int | None = None
    ) -> AsyncGenerator[str, None]:
        """The log of an instance, piece by piece: by default of the monitor, the main program.

        ``follow``: wait for it to start, and go on until the execution ends, with the log of each
        attempt when it is started again; over interruptions nothing is lost or doubled. ``tail``:
        only its last lines, and what follows them.
        """
        name = await self._instance(instance, wait=follow)
        if name is None:
            return
        connection = self._client.connection
        path = f"/executions/{self.id}/instances/{name}/logs"
        if follow:
            again = partial(self._comes_again, name)
            log = follow_log(connection, path, self._client.on_trouble, again, tail)
        else:
            log = read_text(connection, path, {} if tail is None else {"tail": tail})
        async with aclosing(log) as pieces:
            async for piece in pieces:
                yield piece

    async def _comes_again(self, name: str, attempt: int) -> bool:
        """Wait for another attempt at an instance; False: the execution has ended without one."""
        async with aclosing(self.watch()) as seen:
            async for document in seen:
                if any(each.name == name and each.attempt > attempt for each in document.instances):
                    return True
        return False

    async def _instance(self, name: str | None, *, wait: bool) -> str | None:
        """The name to ask for: that of the monitor if none is given, None when it never was there.

        ``wait``: until there is such an instance, or the execution has ended.
        """
        await self.refresh()
        if wait and not self.ended and _found(self.document, name) is None:
            async with aclosing(self.watch()) as seen:
                async for document in seen:
                    if _found(document, name) is not None:
                        break
        return name or _found(self.document, None)


def addresses(client: AsyncClient, document: rest.Execution) -> dict[str, str]:
    """The whole addresses of endpoints."""
    names = [each.name for each in document.endpoints]
    return {
        each.name if names.count(each.name) == 1 else f"{each.name} of {each.instance}": (
            client.absolute(each.url)
        )
        for each in document.endpoints
    }


def _found(document: rest.Execution, name: str | None) -> str | None:
    """An instance: of that name, or else the first whose end is that of the execution."""
    named = (each.name for each in document.instances if (name or each.name) == each.name)
    monitors = (each.name for each in document.instances if each.monitor)
    return min(named if name else monitors, default=None)
