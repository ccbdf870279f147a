"""A ZApp that is for everybody but the members of a group: to them it does not exist."""

import json
from pathlib import Path

import pytest

from tests.zoe_hub.portal.conftest import Portal, write_zapp
from tests.zoe_hub.portal.test_bad_input import check_problem, count_rows
from zapp_gallery.loader import Gallery, load_gallery


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    """Instead of that of all tests: one ZApp, which chemists shall not have."""
    directory = tmp_path / "gallery"
    directory.mkdir()
    write_zapp(directory / "physics", "physics", "all")
    manifest = directory / "physics" / "manifest.json"
    document = json.loads(manifest.read_text())
    document["zapps"][0]["disabled_for"] = ["chemists"]
    manifest.write_text(json.dumps(document))
    return load_gallery([directory])


async def test_members_neither_see_nor_launch_it(portal: Portal) -> None:
    assert (await portal.get("/zapps", "carol")).json()["items"] == []
    check_problem(await portal.get("/zapps/physics", "carol"), 404)
    page = await portal.client.get("zapps/physics", headers=portal.headers("carol"))
    assert page.status_code == 404
    launch = await portal.request("POST", "/executions", "carol", json={"zapp": "physics"})
    assert check_problem(launch, 422)["field"] == "zapp"
    form = await portal.client.post("zapps/physics", headers=portal.headers("carol"))
    assert form.status_code == 404
    assert count_rows(portal) == 0


async def test_others_do(portal: Portal) -> None:
    assert (await portal.get("/zapps/physics", "alice")).json()["slug"] == "physics"
    await portal.launch("alice", zapp="physics")
