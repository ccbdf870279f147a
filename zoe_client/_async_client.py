"""The client of Zoe's REST interface, for programs with an event loop."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, Self, Unpack
from urllib.parse import urljoin
from uuid import uuid4

import httpx

from zoe_client._async_execution import AsyncExecution
from zoe_client._connection import Connection, read, read_document
from zoe_client._requests import (
    Deeds,
    Limit,
    Priority,
    Sizes,
    Value,
    deeds,
    given,
    iso,
    matching,
    quota_path,
    quoted,
    wished,
)
from zoe_client._settings import find_settings
from zoe_client._streams import NOT_STORED, OnTrouble, follow_events, read_text
from zoe_core.protocol import rest, rest_admin, rest_platform


class AsyncClient:
    """A connection to Zoe. Inside a notebook of the Hub it needs no arguments.

    ``url`` is where the portal's pages begin (``https://hub.example.org/services/zoe/``);
    ``token`` is a token of JupyterHub. All methods raise ZoeError; see the exceptions of the
    package. What cannot be answered just now is asked again for half a minute; what is followed
    goes on over interruptions, of which ``on_trouble`` is told: a sentence, and None when it is
    over. ``transport`` replaces the network, as httpx does it.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        on_trouble: OnTrouble | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        settings = find_settings(url, token, os.environ)
        self.url = settings.url
        self.on_trouble: OnTrouble = on_trouble or (lambda _: None)
        self.connection = Connection(settings, transport)

    # --- the gallery ---

    async def info(self) -> rest_platform.Info:
        """What answers, whether its scheduler is there, and who you are."""
        return await self.connection.get("/info", rest_platform.Info)

    async def zapps(self) -> tuple[rest.ZAppSummary, ...]:
        """The gallery, as far as you may launch it."""
        return (await self.connection.get("/zapps", rest.ZAppList)).items

    async def zapp(self, slug: str) -> rest.ZAppDetail:
        """One ZApp with its README and its parameters."""
        return await self.connection.get(f"/zapps/{quoted(slug)}", rest.ZAppDetail)

    async def validate(self, description: Mapping[str, Any]) -> rest.Validation:
        """What is wrong with a description of your own, and what is odd."""
        body = {"description": dict(description)}
        answer = await self.connection.send("POST", "/zapps/validate", json=body)
        return read(answer, rest.Validation)

    async def estimate(
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
        body = {
            "zapp": slug,
            "parameters": parameters,
            "alternatives": [dict(each) for each in alternatives],
            **wished(resources, runtime_limit),
        }
        return await self._estimate(body)

    async def estimate_request(self, request: rest.ExecutionRequest) -> tuple[rest.Estimate, ...]:
        """When it would start if a document were submitted now; see ``estimate``.

        An ``EstimateRequest`` may have alternatives too.
        """
        return await self._estimate(request.model_dump(exclude_none=True))

    async def _estimate(self, body: Mapping[str, Any]) -> tuple[rest.Estimate, ...]:
        answer = await self.connection.send("POST", "/estimate", json=body)
        return read(answer, rest.Estimates).items

    # --- executions ---

    async def launch(
        self,
        slug: str,
        /,
        name: str | None = None,
        *,
        resources: Sizes | None = None,
        runtime_limit: int | None = None,
        idempotency_key: str | None = None,
        **parameters: Value,
    ) -> AsyncExecution:
        """Launch a ZApp of the gallery with these parameters, by alias or name.

        ``resources``: other sizes than the ZApp's, such as ``{"main": {"memory": 2**30}}``, which
        needs a scope. ``runtime_limit``: end it so many seconds after its start.

        It is launched once, also when the request has to be repeated; give ``idempotency_key`` to
        be able to repeat it from another process. For a parameter that has the name of an argument
        use ``submit``.
        """
        body = {"zapp": slug, "name": name, "parameters": parameters}
        body |= wished(resources, runtime_limit)
        return await self._launch(body, idempotency_key)

    async def run(
        self,
        description: Mapping[str, Any],
        /,
        name: str | None = None,
        *,
        resources: Sizes | None = None,
        runtime_limit: int | None = None,
        idempotency_key: str | None = None,
    ) -> AsyncExecution:
        """Launch a ZApp of your own, once; see ``launch``."""
        body = {"description": dict(description), "name": name}
        body |= wished(resources, runtime_limit)
        return await self._launch(body, idempotency_key)

    async def submit(
        self, request: rest.ExecutionRequest, *, idempotency_key: str | None = None
    ) -> AsyncExecution:
        """Launch what a document asks for, once; see ``launch``."""
        body = request.model_dump(exclude_none=True)
        return await self._launch(body, idempotency_key)

    async def _launch(self, body: Mapping[str, Any], key: str | None) -> AsyncExecution:
        headers = {"Idempotency-Key": key or uuid4().hex}
        answer = await self.connection.send("POST", "/executions", json=body, headers=headers)
        return AsyncExecution(self, read(answer, rest.Execution))

    async def executions(
        self,
        *,
        status: Iterable[str] = (),
        name: str | None = None,
        user: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> AsyncGenerator[AsyncExecution, None]:
        """Executions that match all that is given, newest first; pages are fetched as needed.

        ``user``: somebody else's, or ``*`` for everybody's, which needs a scope. ``since`` and
        ``until`` are about their submission.
        """
        query = given(
            status=[status] if isinstance(status, str) else list(status),
            name=name,
            user=user,
            since=iso(since),
            until=iso(until),
        )
        while True:
            page = await self.connection.get("/executions", rest.ExecutionList, query)
            for each in page.items:
                yield AsyncExecution(self, each)
            if page.next is None:
                return
            query["cursor"] = page.next

    async def get(self, execution_id: int) -> AsyncExecution:
        """One execution with its instances, endpoints, and why it waits."""
        document = await self.connection.get(f"/executions/{execution_id}", rest.Execution)
        return AsyncExecution(self, document)

    async def stop(self, execution_id: int) -> AsyncExecution:
        """Ask for the end of an execution; returns at once."""
        answer = await self.connection.send("DELETE", f"/executions/{execution_id}")
        return AsyncExecution(self, read(answer, rest.Execution))

    async def change(
        self,
        execution_id: int,
        *,
        priority: Priority | None = None,
        runtime_limit: int | None = None,
        resources: Sizes | None = None,
    ) -> AsyncExecution:
        """Ask for an execution to be other than it is, in what is given; returns at once.

        ``runtime_limit``: seconds from its start, not from now. ``resources``: as for ``launch``,
        while it waits. Raises Conflict when it is too late.
        """
        body = given(priority=priority) | wished(resources, runtime_limit)
        answer = await self.connection.send("PATCH", f"/executions/{execution_id}", json=body)
        return AsyncExecution(self, read(answer, rest.Execution))

    async def keep(self, execution_id: int) -> AsyncExecution:
        """Have a Jupyter server count as used now, so that it is not ended because it idles.

        Raises Conflict for what is none, or does not run.
        """
        answer = await self.connection.send("POST", f"/executions/{execution_id}/keep")
        return AsyncExecution(self, read(answer, rest.Execution))

    async def logs(
        self,
        execution_id: int,
        instance: str | None = None,
        *,
        follow: bool = False,
        tail: int | None = None,
    ) -> AsyncGenerator[str, None]:
        """The log of an instance, piece by piece; see ``AsyncExecution.logs``."""
        execution = await self.get(execution_id)
        async with aclosing(execution.logs(instance, follow=follow, tail=tail)) as pieces:
            async for piece in pieces:
                yield piece

    async def events(
        self, *, after: int | None = None, user: str | None = None
    ) -> AsyncGenerator[rest.Event, None]:
        """What happens to your executions from now on, or after that event; for ever.

        ``user``: somebody else's executions, or ``*`` for everybody's, which needs a scope.
        """
        stream = follow_events(self.connection, "/events", given(user=user), self.on_trouble, after)
        async with aclosing(stream) as told:
            async for each in told:
                if each.event not in NOT_STORED:
                    yield read_document(each.data, rest.Event, self.url)

    async def watch(self, *, user: str | None = None) -> AsyncGenerator[rest.Execution, None]:
        """Each execution of yours as it is after something has happened to it; for ever."""
        stream = follow_events(self.connection, "/events", given(user=user), self.on_trouble)
        async with aclosing(stream) as told:
            async for each in told:
                if each.event == "execution":
                    yield read_document(each.data, rest.Execution, self.url)

    # --- the cluster ---

    async def queue(self) -> rest_platform.Queue:
        """What waits, in the order in which it is decided on."""
        return await self.connection.get("/queue", rest_platform.Queue)

    async def cluster(self) -> rest_platform.Cluster:
        """The nodes as they were last seen."""
        return await self.connection.get("/cluster", rest_platform.Cluster)

    # --- for administrators ---

    async def findings(self) -> rest_admin.Findings:
        """What an administrator should know of; takes seconds, as all nodes are asked."""
        return await self.connection.get("/findings", rest_admin.Findings)

    async def quotas(self) -> tuple[rest_admin.Quota, ...]:
        """All quotas: the default, those of groups, those of users."""
        return (await self.connection.get("/quotas", rest_admin.Quotas)).items

    async def quota(
        self, kind: rest_admin.QuotaKind, name: str
    ) -> tuple[rest_admin.Quota, str | None]:
        """One quota, and its tag, for ``if_match``. Raises NotFound.

        The name of the default one is ``default``.
        """
        unpacked = {"Accept-Encoding": "identity"}  # proxies that compress an answer change its tag
        answer = await self.connection.send("GET", quota_path(kind, name), headers=unpacked)
        return read(answer, rest_admin.Quota), answer.headers.get("ETag")

    async def set_quota(
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
        path, headers = quota_path(kind, name), matching(if_match, if_none_match)
        answer = await self.connection.send("PUT", path, json=dict(limits), headers=headers)
        return read(answer, rest_admin.Quota)

    async def remove_quota(
        self, kind: rest_admin.QuotaKind, name: str, if_match: str | None = None
    ) -> None:
        """Remove a quota. Raises NotFound, and Changed as ``set_quota``."""
        await self.connection.remove(quota_path(kind, name), headers=matching(if_match))

    async def drains(self) -> tuple[rest_admin.Drain, ...]:
        """The nodes that are drained."""
        return (await self.connection.get("/drains", rest_admin.Drains)).items

    async def drain(self, node: str) -> rest_platform.Node:
        """Let nothing new start on a node."""
        body = {"draining": True}
        answer = await self.connection.send("PATCH", f"/nodes/{quoted(node)}", json=body)
        return read(answer, rest_platform.Node)

    async def undrain(self, node: str) -> None:
        """Let things start on a node again, or when it is back. Raises NotFound."""
        await self.connection.remove(f"/drains/{quoted(node)}")

    async def usage(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        group_by: str = "user",
        *,
        user: str | None = None,
    ) -> rest_admin.UsageReport:
        """What was held in that time: by ``user``, ``group``, ``zapp`` or ``day``."""
        query = given(group_by=group_by, user=user, **{"from": iso(since), "to": iso(until)})
        return await self.connection.get("/usage", rest_admin.UsageReport, query)

    async def usage_series(
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
        query = given(group_by=group_by, interval=interval, top=top, user=user)
        query |= given(**{"from": iso(since), "to": iso(until)})
        return await self.connection.get("/usage/series", rest_admin.UsageSeries, query)

    async def users(self) -> tuple[rest_admin.UserUse, ...]:
        """What each user holds now, and the quota that counts for her."""
        return (await self.connection.get("/users", rest_admin.Users)).items

    async def audit(self, **which: Unpack[Deeds]) -> AsyncGenerator[rest_admin.AuditEntry, None]:
        """What people did or were refused, newest first; pages are fetched as needed."""
        query = deeds(which)
        while True:
            page = await self.connection.get("/audit", rest_admin.AuditLog, query)
            for each in page.items:
                yield each
            if page.next is None:
                return
            query["cursor"] = page.next

    def audit_csv(self, **which: Unpack[Deeds]) -> AsyncGenerator[str, None]:
        """The same as a file for spreadsheets, piece by piece; its first line has the titles."""
        return read_text(self.connection, "/audit.csv", deeds(which))

    async def purge(self, execution_id: int) -> None:
        """Remove all that is kept of an execution that has ended, but what it used."""
        await self.connection.remove(f"/executions/{execution_id}", {"purge": True})

    # --- ends ---

    def absolute(self, path: str) -> str:
        """The whole address of a path on the portal, such as ``Execution.url``."""
        return urljoin(self.url, path)

    async def close(self) -> None:
        """Close the connections."""
        await self.connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
