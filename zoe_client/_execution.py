"""One execution, for programs without an event loop, and for notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

from zoe_client import _bridge
from zoe_client._async_execution import AsyncExecution, Described
from zoe_core.cluster import ExecutionStatus
from zoe_core.protocol import rest
from zoe_core.protocol.rest_use import ExecutionUse

if TYPE_CHECKING:
    from zoe_client._requests import Priority, Sizes


class Execution(Described):
    """An execution and the client that knows it.

    ``status``, ``waiting`` and ``endpoints`` ask Zoe unless it has ended; all else is as it was
    last seen, in ``document``.
    """

    def __init__(self, asynchronous: AsyncExecution) -> None:
        self.asynchronous = asynchronous

    @property
    def document(self) -> rest.Execution:  # type: ignore[override]  # kept by the other face
        """How it was last seen."""
        return self.asynchronous.document

    @property
    def status(self) -> ExecutionStatus:
        """Where it is in its life, now."""
        return self._now().status

    @property
    def waiting(self) -> rest.Waiting | None:
        """Why it does not run yet: its position, reasons, what is ahead. None when it does."""
        return self._now().waiting

    @property
    def endpoints(self) -> dict[str, str]:
        """Addresses to open in a browser, by name; those of equal names by name and instance."""
        return self._now().endpoints

    @property
    def url(self) -> str:
        """The whole address of its page."""
        return self.asynchronous.url

    def refresh(self) -> Self:
        """See how it is now."""
        _bridge.call(self.asynchronous.refresh)
        return self

    def stop(self) -> Self:
        """Ask for its end; returns at once."""
        _bridge.call(self.asynchronous.stop)
        return self

    def change(
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

        async def ask() -> None:
            change = self.asynchronous.change
            await change(priority=priority, runtime_limit=runtime_limit, resources=resources)

        _bridge.call(ask)
        return self

    def keep(self) -> Self:
        """Have a Jupyter server count as used now, so that it is not ended because it idles.

        Raises Conflict for what is none, or does not run.
        """
        _bridge.call(self.asynchronous.keep)
        return self

    def use(self) -> ExecutionUse:
        """What its instances have used so far, as it is measured; nothing once it has ended."""
        return _bridge.call(self.asynchronous.use)

    def wait(self, timeout: float | None = None) -> Self:
        """Return when it has ended. Raises TimedOut after ``timeout`` seconds."""
        _bridge.call(self.asynchronous.wait, timeout)
        return self

    def result(self, timeout: float | None = None) -> str:
        """Wait for its end and return the log of its monitor, the main program.

        Raises ExecutionFailed, and TimedOut after ``timeout`` seconds.
        """
        return _bridge.call(self.asynchronous.result, timeout)

    def watch(self) -> Iterator[rest.Execution]:
        """Its document now, and at each change, until it has ended.

        A change may also be in the reasons why it waits.
        """
        return _bridge.iterate(self.asynchronous.watch())

    def events(self) -> Iterator[rest.Event]:
        """What has happened and happens to it, from its first event to its end."""
        return _bridge.iterate(self.asynchronous.events())

    def logs(
        self, instance: str | None = None, *, follow: bool = False, tail: int | None = None
    ) -> Iterator[str]:
        """The log of an instance, piece by piece: by default of the monitor, the main program.

        ``follow``: wait for it to start, and go on until the execution ends, with the log of each
        attempt when it is started again; over interruptions nothing is lost or doubled. ``tail``:
        only its last lines, and what follows them.
        """
        return _bridge.iterate(self.asynchronous.logs(instance, follow=follow, tail=tail))

    def _now(self) -> AsyncExecution:
        if not self.ended:
            self.refresh()
        return self.asynchronous
