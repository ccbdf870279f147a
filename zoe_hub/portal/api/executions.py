"""Executions over REST: launch, list, look at one, end one."""

from __future__ import annotations

from datetime import UTC, datetime

from zoe_core.protocol.rest import (
    Execution,
    ExecutionChange,
    ExecutionList,
    ExecutionRequest,
)
from zoe_hub.portal.api.addresses import (
    EVERYBODY,
    ExecutionPath,
    ExecutionQuery,
    IdempotencyHeaders,
)
from zoe_hub.portal.api.cursor import read_cursor, write_cursor
from zoe_hub.portal.api.purge import EndQuery, remove
from zoe_hub.portal.auth import CHANGING, ApiHandler, Scope, Visitor
from zoe_hub.portal.changing import change
from zoe_hub.portal.deeds import deed
from zoe_hub.portal.launching import launch, order_of
from zoe_hub.portal.operations import operation
from zoe_hub.refusal import Refused
from zoe_store import executions


class Executions(ApiHandler):
    """``/executions``."""

    @operation(
        "launch",
        "Launch a ZApp",
        tag="executions",
        headers=IdempotencyHeaders,
        body=ExecutionRequest,
        response=Execution,
        answers={
            201: "It is stored and waits for its turn.",
            200: "It was stored before with this Idempotency-Key; nothing was done.",
        },
        answer_headers={"Location": "The address of the execution."},
        errors=(409, 429),
    )
    @deed("launch")
    async def post(self, headers: IdempotencyHeaders, body: ExecutionRequest) -> Execution:
        """Launch a ZApp of the gallery (`zapp`, with the scope custom:zoe:launch) or a description
        of your own (`description`, with custom:zoe:launch-own). A ZApp that is a Jupyter server
        becomes a named server of yours, which needs the scope servers!user as well.
        """
        order = order_of(body)
        record, new = await launch(self, order, headers.idempotency_key)
        self.set_status(201 if new else 200)
        self.set_header("Location", f"{self.context.prefix}api/v1/executions/{record.id}")
        views = self.context.views
        return await views.submitted(record) if new else await views.execution(record)

    @operation(
        "listExecutions",
        "List executions",
        tag="executions",
        query=ExecutionQuery,
        response=ExecutionList,
        answers={200: "One page, newest first."},
    )
    async def get(self, query: ExecutionQuery) -> ExecutionList:
        """List executions, newest first. `next` is the cursor of the page that follows."""
        records = await self.context.run(
            executions.find,
            self.context.database,
            user=owner(self.visitor, query.user),
            statuses=query.status,
            name=query.name,
            since=query.since,
            until=query.until,
            before=read_cursor(query.cursor) if query.cursor else None,
            limit=query.limit + 1,
        )
        page = records[: query.limit]
        more = len(records) > query.limit
        return ExecutionList(
            items=await self.context.views.executions(page),
            next=write_cursor(page[-1].id) if more else None,
        )


class OneExecution(ApiHandler):
    """``/executions/{execution_id}``."""

    @operation(
        "getExecution",
        "Look at an execution",
        tag="executions",
        path=ExecutionPath,
        response=Execution,
        answers={200: "The execution."},
    )
    async def get(self, path: ExecutionPath) -> Execution:
        """Look at an execution: its instances, its endpoints, and why it waits."""
        return await self.context.views.execution(await self.find_execution(path.execution_id))

    @operation(
        "changeExecution",
        "Change an execution",
        tag="executions",
        path=ExecutionPath,
        body=ExecutionChange,
        response=Execution,
        answers={202: "It is asked for; the events tell when it is so."},
        errors=(409,),
    )
    @deed("changeExecution")
    async def patch(self, path: ExecutionPath, body: ExecutionChange) -> Execution:
        """Change the priority and the runtime limit of an execution that has not ended, and the
        memory and cores of one that waits. Within the quota of its user. High priority needs the
        scope custom:zoe:priority, memory and cores need custom:zoe:resources.
        """
        self.note(**body.document())
        record = await self.find_execution(path.execution_id)
        await change(self, record, body)
        self.set_status(202)
        return await self.context.views.execution(await self.find_execution(record.id))

    @operation(
        "endExecution",
        "End an execution",
        tag="executions",
        path=ExecutionPath,
        query=EndQuery,
        response=Execution,
        answers={202: "It will end, or be removed; nothing happens when it has ended already."},
        errors=(409,),
    )
    @deed("endExecution")
    async def delete(self, path: ExecutionPath, query: EndQuery) -> Execution:
        """Ask for the end of an execution, which stays in the list. With `purge`, ask for the
        removal of one that has ended, with its events, instances and logs; what it used stays in
        the usage. That needs the scope custom:zoe:delete. The scheduler does both in a moment, but
        removes nothing that had an instance on a node that is away until that is back.
        """
        record = await self.find_execution(path.execution_id)
        if query.purge:
            self.note(purge=True)
            await remove(self, record)
        else:
            await terminate(self, record.id)
            record = await self.find_execution(record.id)
        self.set_status(202)
        return await self.context.views.execution(record)


async def terminate(handler: ApiHandler, execution_id: int) -> None:
    """Record the wish of the visitor to end an execution, and wake the master.

    Raises Refused for a visitor who only looks.
    """
    handler.visitor.require(*CHANGING)
    name = handler.visitor.name
    await handler.context.run(
        executions.request_termination,
        handler.context.database,
        execution_id,
        name,
        f"{name} ended it.",
        datetime.now(UTC),
    )
    await handler.context.link.wake()


def owner(visitor: Visitor, asked: str | None) -> str | None:
    """Whose executions are meant, None for everybody's; raises Refused when that is not allowed."""
    if asked is None or asked == visitor.name:
        return visitor.name
    if not visitor.operates_others:
        raise Refused(
            403,
            "Not allowed",
            f"user: to see the executions of others you need the scope {Scope.OPERATE_OTHERS}",
            field="user",
        )
    return None if asked == EVERYBODY else asked
