"""What back-ends tell of instances in words, which programs may have a hand in."""

from pathlib import Path

import pytest

from tests.support.masters import HubEnd, acting
from zoe_core.cluster import InstanceId, Observed
from zoe_master.backends.base import Fatal, Observation
from zoe_master.backends.fake import FakeEngine, Script
from zoe_master.engine.inbox import Inbox
from zoe_master.engine.reactor import Sighting

HOSTILE = "no: \x00\x1b]0;title\x07\u202e\n\nelse"
PLAIN = "no: ]0;title else"


@pytest.mark.parametrize(
    ("detail", "kept"),
    [
        (None, None),
        ("killed: it used more than 2 GB", "killed: it used more than 2 GB"),
        (HOSTILE, PLAIN),
        ("a half \udc80", "a half"),
        ("x" * 1000, "x" * 1000),
        ("x" * 1001, "x" * 1000 + "…"),
    ],
)
async def test_what_comes_in_is_short_and_without_controls(
    detail: str | None, kept: str | None
) -> None:
    inbox, main = Inbox(), InstanceId(1, "main", 0)
    seen = Sighting(Observation(main, Observed.EXITED, "node-0", 126, detail))
    inbox.saw(seen)
    inbox.saw_list(1.0, seen)
    for each in inbox.take().sightings:
        assert each.observation == Observation(main, Observed.EXITED, "node-0", 126, kept)


async def test_the_master_survives_what_the_database_refuses(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    """Postgres keeps no NUL: told once, it would be told again to each master that follows."""
    async with acting(database_url, tmp_path, engine):
        one = await hub.submit()
        await hub.until(one, "running")
        engine.exit(InstanceId(one, "main", 0), 126, HOSTILE)
        assert await hub.ended(one) == ("error", f"main-0 has failed: {PLAIN}")
        engine.script("*", Script(start_errors=(Fatal(HOSTILE),) * 3))
        two = await hub.submit()
        assert await hub.ended(two) == ("error", f"main-0 could not be started: {PLAIN}")
