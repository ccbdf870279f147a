"""Sizes, changes and keeping in the hands of a program, and of `zoe keep`, with a real portal."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, update

from tests.support.submissions import submit
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.test_audit import ADMIN
from zoe_client import AsyncClient, Client, Conflict, InvalidRequest, NoAccess
from zoe_client.cli._completion import complete_running_server
from zoe_client.cli.zoe import zoe as command
from zoe_core.zapp import InstanceSize
from zoe_hub.portal.respawner import Respawner
from zoe_store import tables

GB = 2**30


def token_of(portal: Portal, user: str = "alice", scopes: tuple[str, ...] | None = None) -> str:
    return portal.headers(user, scopes)["Authorization"].removeprefix("token ")


@pytest.fixture
async def zoe(portal: Portal) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(portal.url, token_of(portal)) as zoe:
        yield zoe


def wishes(portal: Portal) -> list[dict[str, Any]]:
    with portal.database.transaction() as connection:
        return list(connection.scalars(select(tables.intents.c.arguments)))


async def test_a_launch_has_sizes_and_a_limit(portal: Portal, zoe: AsyncClient) -> None:
    sizes = {"worker": InstanceSize(memory=GB, cores=0.5)}

    launched = await zoe.launch("small", resources=sizes, runtime_limit=3600, workers=2)
    with Client(portal.url, token_of(portal)) as client:
        plain = await asyncio.to_thread(
            client.launch, "small", resources={"worker": {"memory": GB}}, runtime_limit=60
        )

    assert launched.document.resources == sizes
    assert (launched.document.runtime_limit, launched.parameters) == (3600, {"workers": 2})
    assert plain.document.resources == {"worker": InstanceSize(memory=GB)}
    assert plain.document.runtime_limit == 60
    with pytest.raises(InvalidRequest, match="nobody: is no service here"):
        await zoe.launch("small", resources={"nobody": {"memory": GB}})
    with pytest.raises(InvalidRequest, match="runtime_limit: is 0"):
        await zoe.estimate("small", runtime_limit=0)


async def test_what_is_given_is_changed_and_nothing_else(portal: Portal, zoe: AsyncClient) -> None:
    execution = await zoe.launch("small")

    await execution.change(priority="low", resources={"worker": {"cores": 0.5}})
    with Client(portal.url, token_of(portal)) as client:
        same = await asyncio.to_thread(client.change, execution.id, runtime_limit=7200)
        await asyncio.to_thread(same.change, runtime_limit=3600)

    assert same.id == execution.id
    assert wishes(portal) == [
        {"priority": "low", "resources": {"worker": {"cores": 0.5}}},
        {"runtime_limit": 7200},
        {"runtime_limit": 3600},
    ]
    with pytest.raises(InvalidRequest, match="at least one of priority"):
        await execution.change()
    with pytest.raises(InvalidRequest) as refused:
        await execution.change(runtime_limit=0)
    assert refused.value.problem.problems[0].field == "runtime_limit"


@pytest.fixture
def lab(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> int:
    """A Jupyter server of alice that runs, as far as the portal knows."""
    monkeypatch.setattr(Respawner, "start", lambda self: None)  # the Hub does not know it
    number = submit(portal.database, zapp="jupyter", server_name="lab", user="alice")
    begun = datetime.now(UTC) - timedelta(hours=1)
    with portal.database.transaction() as connection:
        mine = update(tables.executions).where(tables.executions.c.id == number)
        connection.execute(mine.values(status="running", started_at=begun))
    return number


async def test_a_server_is_kept_by_a_program_and_by_the_command(
    portal: Portal, zoe: AsyncClient, lab: int
) -> None:
    def keep(*arguments: str) -> Result:
        env = {"ZOE_URL": portal.url, "ZOE_TOKEN": token_of(portal)}
        return CliRunner().invoke(command, ["keep", *arguments], env=env)

    kept = await (await zoe.get(lab)).keep()
    told = await asyncio.to_thread(keep, str(lab))
    document = await asyncio.to_thread(keep, str(lab), "--json")
    job = await portal.launch()
    wrong = await asyncio.to_thread(keep, str(job["id"]))

    assert kept.id == lab
    assert told.stdout == f"Execution {lab} counts as used now.\n"
    assert f'"id": {lab}' in document.stdout
    assert (wrong.exit_code, "is no Jupyter server" in wrong.stderr) == (1, True)
    with Client(portal.url, token_of(portal)) as client:
        assert (await asyncio.to_thread(client.keep, lab)).id == lab
        with pytest.raises(Conflict):
            await asyncio.to_thread(client.keep, job["id"])


async def test_only_servers_are_offered_to_be_kept(
    portal: Portal, lab: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit(portal.database, user="alice")
    with portal.database.transaction() as connection:
        every = update(tables.executions).where(tables.executions.c.id == job)
        connection.execute(every.values(status="running", started_at=datetime.now(UTC)))
    monkeypatch.setenv("ZOE_URL", portal.url)
    monkeypatch.setenv("ZOE_TOKEN", token_of(portal))
    keep = command.commands["keep"]

    offered = await asyncio.to_thread(
        complete_running_server, click.Context(keep), keep.params[0], ""
    )

    assert [each.value for each in offered] == [str(lab)]


async def test_the_audit_log_is_read_page_by_page_and_as_a_file(
    portal: Portal, zoe: AsyncClient
) -> None:
    for number in range(55):
        await portal.launch(name=f"number {number}")
    with pytest.raises(InvalidRequest):
        await zoe.launch("small", workers="many")

    async with AsyncClient(portal.url, token_of(portal, "olga", ADMIN)) as admin:
        everything = [each async for each in admin.audit(action="launch")]
        refused = [each async for each in admin.audit(actor="alice", outcome="refused")]
        later = [each async for each in admin.audit(since=datetime.now(UTC) + timedelta(hours=1))]
        lines = "".join([each async for each in admin.audit_csv(action="launch")]).splitlines()

    assert len(everything) == 56
    assert [each.id for each in refused] == [everything[0].id]
    assert later == []
    assert [line.split(",")[0] for line in lines] == ["id", *(str(each.id) for each in everything)]
    with pytest.raises(NoAccess):
        await anext(zoe.audit())


async def test_administrators_see_users_and_usage_over_time(portal: Portal) -> None:
    await portal.launch()
    with Client(portal.url, token_of(portal, "olga", ADMIN)) as client:
        (user,) = await asyncio.to_thread(client.users)
        series = await asyncio.to_thread(
            lambda: client.usage_series(group_by="zapp", interval="week", top=3, user="*")
        )

    assert (user.name, user.waiting) == ("alice", 1)
    assert (series.group_by, series.interval) == ("zapp", "week")
    assert {each.weekday() for each in series.starts} == {0}
