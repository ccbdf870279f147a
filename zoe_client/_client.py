"""The client of Zoe's REST interface, for programs without an event loop, and for notebooks.

Each method does what its namesake of :class:`zoe_client.AsyncClient` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, Self, Unpack

import httpx

from zoe_client import _bridge
from zoe_client._async_client import AsyncClient
from zoe_client._async_execution import AsyncExecution
from zoe_client._execution import Execution
from zoe_client._requests import Deeds, Limit, Priority, Sizes, Value
from zoe_client._streams import OnTrouble
from zoe_core.protocol import rest, rest_admin, rest_platform


class Client:
    """A connection to Zoe. Inside a notebook of the Hub it needs no arguments.

    See :class:`zoe_client.AsyncClient` for them; ``on_trouble`` is called by another thread. May be
    used by several threads.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        on_trouble: OnTrouble | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.asynchronous = AsyncClient(url, token, on_trouble=on_trouble, transport=transport)
        self.url = self.asynchronous.url

    # --- the gallery ---

    def info(self) -> rest_platform.Info:
        """What answers, whether its scheduler is there, and who you are."""
        return _bridge.call(self.asynchronous.info)

    def zapps(self) -> tuple[rest.ZAppSummary, ...]:
        """The gallery, as far as you may launch it."""
        return _bridge.call(self.asynchronous.zapps)

    def zapp(self, slug: str) -> rest.ZAppDetail:
        """One ZApp with its README and its parameters."""
        return _bridge.call(self.asynchronous.zapp, slug)

    def validate(self, description: Mapping[str, Any]) -> rest.Validation:
        """What is wrong with a description of your own, and what is odd."""
        return _bridge.call(self.asynchronous.validate, description)

    def estimate(
        self,
        slug: str,
        /,
        *alternatives: Mapping[str, Value],
        resources: Sizes | None = None,
        runtime_limit: int | None = None,
        **parameters: Value,
    ) -> tuple[rest.Estimate, ...]:
        """When it would start if it were launched now: with ``parameters``, then each alternative.

        Nothing is launched. ``resources`` and ``runtime_limit`` are those of ``launch``. For a
        parameter that has the name of an argument use ``estimate_request``.
        """

        async def ask() -> tuple[rest.Estimate, ...]:
            return await self.asynchronous.estimate(
                slug, *alternatives, resources=resources, runtime_limit=runtime_limit, **parameters
            )

        return _bridge.call(ask)

    def estimate_request(self, request: rest.ExecutionRequest) -> tuple[rest.Estimate, ...]:
        """When it would start if a document were submitted now; see ``estimate``.

        An ``EstimateRequest`` may have alternatives too.
        """
        return _bridge.call(self.asynchronous.estimate_request, request)

    # --- executions ---

    def launch(
        self,
        slug: str,
        /,
        name: str | None = None,
        *,
        resources: Sizes | None = None,
        runtime_limit: int | None = None,
        idempotency_key: str | None = None,
        **parameters: Value,
    ) -> Execution:
        """Launch a ZApp of the gallery with these parameters, by alias or name.

        ``resources``: other sizes than the ZApp's, such as ``{"main": {"memory": 2**30}}``, which
        needs a scope. ``runtime_limit``: end it so many seconds after its start.

        It is launched once, also when the request has to be repeated; give ``idempotency_key`` to
        be able to repeat it from another process. For a parameter that has the name of an argument
        use ``submit``.
        """

        async def ask() -> AsyncExecution:
            return await self.asynchronous.launch(
                slug,
                name,
                resources=resources,
                runtime_limit=runtime_limit,
                idempotency_key=idempotency_key,
                **parameters,
            )

        return Execution(_bridge.call(ask))

    def run(
        self,
        description: Mapping[str, Any],
        /,
        name: str | None = None,
        *,
        resources: Sizes | None = None,
        runtime_limit: int | None = None,
        idempotency_key: str | None = None,
    ) -> Execution:
        """Launch a ZApp of your own, once; see ``launch``."""

        async def ask() -> AsyncExecution:
            return await self.asynchronous.run(
                description,
                name,
                resources=resources,
                runtime_limit=runtime_limit,
                idempotency_key=idempotency_key,
            )

        return Execution(_bridge.call(ask))

    def submit(
        self, request: rest.ExecutionRequest, *, idempotency_key: str | None = None
    ) -> Execution:
        """Launch what a document asks for, once; see ``launch``."""

        async def ask() -> AsyncExecution:
            return await self.asynchronous.submit(request, idempotency_key=idempotency_key)

        return Execution(_bridge.call(ask))

    def executions(
        self,
        *,
        status: Iterable[str] = (),
        name: str | None = None,
        user: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Execution]:
        """Executions that match all that is given, newest first; pages are fetched as needed.

        ``user``: somebody else's, or ``*`` for everybody's, which needs a scope. ``since`` and
        ``until`` are about their submission.
        """
        found = self.asynchronous.executions(
            status=status, name=name, user=user, since=since, until=until
        )
        return map(Execution, _bridge.iterate(found))

    def get(self, execution_id: int) -> Execution:
        """One execution with its instances, endpoints, and why it waits."""
        return Execution(_bridge.call(self.asynchronous.get, execution_id))

    def stop(self, execution_id: int) -> Execution:
        """Ask for the end of an execution; returns at once."""
        return Execution(_bridge.call(self.asynchronous.stop, execution_id))

    def change(
        self,
        execution_id: int,
        *,
        priority: Priority | None = None,
        runtime_limit: int | None = None,
        resources: Sizes | None = None,
    ) -> Execution:
        """Ask for an execution to be other than it is, in what is given; returns at once.

        ``runtime_limit``: seconds from its start, not from now. ``resources``: as for ``launch``,
        while it waits. Raises Conflict when it is too late.
        """

        async def ask() -> AsyncExecution:
            return await self.asynchronous.change(
                execution_id, priority=priority, runtime_limit=runtime_limit, resources=resources
            )

        return Execution(_bridge.call(ask))

    def keep(self, execution_id: int) -> Execution:
        """Have a Jupyter server count as used now, so that it is not ended because it idles.

        Raises Conflict for what is none, or does not run.
        """
        return Execution(_bridge.call(self.asynchronous.keep, execution_id))

    def logs(
        self,
        execution_id: int,
        instance: str | None = None,
        *,
        follow: bool = False,
        tail: int | None = None,
    ) -> Iterator[str]:
        """The log of an instance, piece by piece; see ``Execution.logs``."""
        return _bridge.iterate(
            self.asynchronous.logs(execution_id, instance, follow=follow, tail=tail)
        )

    def events(self, *, after: int | None = None, user: str | None = None) -> Iterator[rest.Event]:
        """What happens to your executions from now on, or after that event; for ever."""
        return _bridge.iterate(self.asynchronous.events(after=after, user=user))

    def watch(self, *, user: str | None = None) -> Iterator[rest.Execution]:
        """Each execution of yours as it is after something has happened to it; for ever."""
        return _bridge.iterate(self.asynchronous.watch(user=user))

    # --- the cluster ---

    def queue(self) -> rest_platform.Queue:
        """What waits, in the order in which it is decided on."""
        return _bridge.call(self.asynchronous.queue)

    def cluster(self) -> rest_platform.Cluster:
        """The nodes as they were last seen."""
        return _bridge.call(self.asynchronous.cluster)

    # --- for administrators ---

    def findings(self) -> rest_admin.Findings:
        """What an administrator should know of; takes seconds, as all nodes are asked."""
        return _bridge.call(self.asynchronous.findings)

    def quotas(self) -> tuple[rest_admin.Quota, ...]:
        """All quotas: the default, those of groups, those of users."""
        return _bridge.call(self.asynchronous.quotas)

    def quota(self, kind: rest_admin.QuotaKind, name: str) -> tuple[rest_admin.Quota, str | None]:
        """One quota, and its tag, for ``if_match``. Raises NotFound.

        The name of the default one is ``default``.
        """
        return _bridge.call(self.asynchronous.quota, kind, name)

    def set_quota(
        self,
        kind: rest_admin.QuotaKind,
        name: str,
        limits: Mapping[str, Limit],
        if_match: str | None = None,
        if_none_match: Literal["*"] | None = None,
    ) -> rest_admin.Quota:
        """Set a quota as a whole; ``limits`` as in ``QuotaLimits``, ``"unlimited"`` included.

        Raises Changed, and does nothing, unless it still has the tag ``if_match``, if given, or,
        with ``if_none_match="*"``, when there is one already.
        """
        set_quota = self.asynchronous.set_quota
        return _bridge.call(set_quota, kind, name, limits, if_match, if_none_match)

    def remove_quota(
        self, kind: rest_admin.QuotaKind, name: str, if_match: str | None = None
    ) -> None:
        """Remove a quota. Raises NotFound, and Changed as ``set_quota``."""
        _bridge.call(self.asynchronous.remove_quota, kind, name, if_match)

    def drains(self) -> tuple[rest_admin.Drain, ...]:
        """The nodes that are drained."""
        return _bridge.call(self.asynchronous.drains)

    def drain(self, node: str) -> rest_platform.Node:
        """Let nothing new start on a node."""
        return _bridge.call(self.asynchronous.drain, node)

    def undrain(self, node: str) -> None:
        """Let things start on a node again, or when it is back. Raises NotFound."""
        _bridge.call(self.asynchronous.undrain, node)

    def usage(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        group_by: str = "user",
        *,
        user: str | None = None,
    ) -> rest_admin.UsageReport:
        """What was held in that time: by ``user``, ``group``, ``zapp`` or ``day``."""

        async def ask() -> rest_admin.UsageReport:
            return await self.asynchronous.usage(since, until, group_by, user=user)

        return _bridge.call(ask)

    def usage_series(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        group_by: str = "user",
        *,
        interval: str = "day",
        top: int | None = None,
        user: str | None = None,
    ) -> rest_admin.UsageSeries:
        """What was held in each ``day``, ``week`` or ``month``: by ``user``, ``group`` or ``zapp``.

        ``top``: how many of these have rows of their own, ten unless it is given.
        """

        async def ask() -> rest_admin.UsageSeries:
            series = self.asynchronous.usage_series
            return await series(since, until, group_by, interval=interval, top=top, user=user)

        return _bridge.call(ask)

    def users(self) -> tuple[rest_admin.UserUse, ...]:
        """What each user holds now, and the quota that counts for her."""
        return _bridge.call(self.asynchronous.users)

    def audit(self, **which: Unpack[Deeds]) -> Iterator[rest_admin.AuditEntry]:
        """What people did or were refused, newest first; pages are fetched as needed."""
        return _bridge.iterate(self.asynchronous.audit(**which))

    def audit_csv(self, **which: Unpack[Deeds]) -> Iterator[str]:
        """The same as a file for spreadsheets, piece by piece; its first line has the titles."""
        return _bridge.iterate(self.asynchronous.audit_csv(**which))

    def purge(self, execution_id: int) -> None:
        """Remove all that is kept of an execution that has ended, but what it used."""
        _bridge.call(self.asynchronous.purge, execution_id)

    # --- ends ---

    def close(self) -> None:
        """Close the connections."""
        _bridge.call(self.asynchronous.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
