"""Gangs that are not whole in time, as they are counted."""

from pathlib import Path

from tests.support.masters import HubEnd, acting
from zoe_master.backends.fake import FakeEngine, Script


async def test_starts_that_are_given_up(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    engine.script("main", Script(start_delay=1000))
    async with acting(database_url, tmp_path, engine, start_deadline=0.2, start_attempts=2):
        assert (await hub.ended(await hub.submit()))[0] == "error"
        text = (await hub.link.figures()).decode()
    assert "zoe_executions_requeued_total 1.0" in text
    assert 'zoe_executions_failed_total{reason="start"} 1.0' in text
