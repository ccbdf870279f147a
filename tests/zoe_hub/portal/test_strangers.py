"""What nothing explains is listed for the administrator, and for nobody else."""

from tests.support.builders import START
from tests.zoe_hub.portal.conftest import Portal
from zoe_core.protocol.rest_admin import Strangers
from zoe_store.tables import strangers

ADMIN = ("access:services!service=zoe", "custom:zoe:admin")


async def test_the_administrator_sees_what_nothing_explains(portal: Portal) -> None:
    stored = {
        "execution_id": 1_000_000,
        "service": "main",
        "index": 0,
        "attempt": 2,
        "node": "node-0",
        "observed": "running",
        "why": "The database knows no execution 1000000.",
        "first_seen_at": START,
    }
    with portal.database.transaction() as connection:
        connection.execute(strangers.insert().values(stored))

    answer = await portal.get("/strangers", "olga", scopes=ADMIN)

    assert answer.status_code == 200, answer.text
    (found,) = Strangers.model_validate_json(answer.content).items
    assert (found.execution_id, found.instance, found.attempt) == (1_000_000, "main-0", 2)
    assert (found.node, found.observed, found.why) == ("node-0", "running", stored["why"])
    assert found.first_seen_at == START


async def test_nobody_else_does(portal: Portal) -> None:
    answer = await portal.get("/strangers", "bob")

    assert answer.status_code == 403
    assert "custom:zoe:admin" in answer.json()["detail"]
