"""The pages, asked for as a browser does, from the real application with a real Hub behind it."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import httpx
import pytest
import sqlalchemy as sa

from zoe_hub import permissions
from zoe_hub.portal.pages.assets import STATIC
from zoe_store import events, executions, tables

from .conftest import Portal

# A visitor who sees only the ZApps that are for her groups.
SCOPES = tuple(each for each in permissions.USER_SCOPES if each != "custom:zoe:gallery-full")
JAVA = "Java 17 is missing: install it."


class Document(HTMLParser):
    """What of a page the tests look at: scripts that would run, links, and inputs by name."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.running_scripts: list[dict[str, str | None]] = []
        self.addresses: list[str] = []
        self.inputs: dict[str, dict[str, str | None]] = {}
        self._inert = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "template":
            self._inert += 1
        if tag == "script" and not self._inert:
            self.running_scripts.append(attributes)
        if tag == "input" and attributes.get("name"):
            self.inputs[str(attributes["name"])] = attributes
        self.addresses += [value for name, value in attrs if name in ("href", "src") and value]

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self._inert -= 1


async def page(portal: Portal, path: str, user: str = "alice") -> httpx.Response:
    return await portal.client.get(path, headers=portal.headers(user, SCOPES))


async def shown(portal: Portal, path: str, user: str = "alice") -> str:
    answer = await page(portal, path, user)
    assert answer.status_code == 200, answer.text
    return answer.text


async def send(portal: Portal, path: str, user: str = "alice", **form: str) -> httpx.Response:
    return await portal.client.post(path, data=form, headers=portal.headers(user, SCOPES))


def stored(portal: Portal) -> list[executions.ExecutionRecord]:
    return executions.find(portal.database)


async def launched(portal: Portal, user: str = "alice", name: str = "mine") -> int:
    answer = await send(portal, "zapps/small", user, name=name)
    assert answer.status_code == 303, answer.text
    return int(answer.headers["Location"].rsplit("/", 1)[1])


def add_node(portal: Portal, images: list[str], missing: dict[str, str]) -> None:
    node = {"name": "laptop", "memory": 2**40, "millicores": 64000, "labels": [], "online": True}
    rest = {"draining": False, "images": images, "missing_images": missing}
    with portal.database.transaction() as connection:
        connection.execute(
            sa.insert(tables.nodes).values(**node, **rest, seen_at=datetime.now(UTC))
        )


# --- the gallery ---


async def test_the_gallery_shows_what_is_meant_for_the_visitor(portal: Portal) -> None:
    html = await shown(portal, "")
    assert "/services/zoe/zapps/small" in html
    assert "A small one." in html
    assert "/services/zoe/zapps/secret" not in html
    assert "/services/zoe/zapps/secret" in await shown(portal, "", "carol")


async def test_a_card_says_what_is_missing_here(portal: Portal) -> None:
    add_node(portal, [], {"python": JAVA})
    assert JAVA in await shown(portal, "")
    html = await shown(portal, "zapps/small")
    assert JAVA in html
    assert re.search(r'<button type="submit"[^>]*disabled', html)


@pytest.mark.parametrize(("backend", "said"), [("process", True), ("docker", False)])
async def test_the_gallery_says_when_all_users_are_one_to_the_system(
    portal: Portal, backend: str, said: bool
) -> None:
    with portal.database.transaction() as connection:
        connection.execute(sa.update(tables.deployment).values(master={"backend": backend}))
    assert ("This Zoe is for one person" in await shown(portal, "")) is said


async def test_a_logo_is_sent_so_that_it_can_do_nothing(portal: Portal) -> None:
    answer = await page(portal, "zapps/small/logo")
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert (await page(portal, "zapps/secret/logo")).status_code == 404


# --- the launch form ---


async def test_the_form_has_a_field_for_each_parameter(portal: Portal) -> None:
    inputs = Document(await shown(portal, "zapps/small")).inputs
    workers = inputs["parameter.workers"]
    limits = [workers[each] for each in ("type", "value", "min", "max")]
    assert limits == ["number", "2", "1", "4"]
    assert inputs["name"]["value"] == "small"


async def test_a_launch_leads_to_the_page_of_its_execution(portal: Portal) -> None:
    answer = await send(portal, "zapps/small", name="my run", **{"parameter.workers": "3"})
    (record,) = stored(portal)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/services/zoe/executions/{record.id}"
    assert (record.name, record.user, record.parameters) == ("my run", "alice", {"workers": "3"})


async def test_a_launch_can_be_made_again_with_the_same_parameters(portal: Portal) -> None:
    await send(portal, "zapps/small", name="my run", **{"parameter.workers": "3"})
    (record,) = stored(portal)
    assert "workers: <code>3</code>" in await shown(portal, f"executions/{record.id}")
    inputs = Document(await shown(portal, f"zapps/small?again={record.id}")).inputs
    assert inputs["name"]["value"] == "my run"
    assert inputs["parameter.workers"]["value"] == "3"
    # Somebody else's is not there, and what is no number fills in nothing.
    other = await page(portal, f"zapps/small?again={record.id}", "bob")
    assert other.status_code == 404
    unknown = Document(await shown(portal, "zapps/small?again=x")).inputs
    assert unknown["name"]["value"] == "small"


async def test_a_form_that_is_sent_twice_launches_once(portal: Portal) -> None:
    form = {"name": "x", "key": "the-key-of-this-form"}
    answers = [await send(portal, "zapps/small", **form) for _ in range(2)]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    assert len(stored(portal)) == 1


@pytest.mark.parametrize("key", ["", "with space", "x" * 5000])
async def test_a_key_that_cannot_be_is_refused(portal: Portal, key: str) -> None:
    answer = await send(portal, "zapps/small", name="x", key=key)
    assert answer.status_code == 400
    assert "key: is" in answer.text
    assert len(answer.text) < 20_000
    assert stored(portal) == []


async def test_a_wrong_value_is_explained_next_to_it_and_kept(portal: Portal) -> None:
    answer = await send(portal, "zapps/small", name="<kept>", **{"parameter.workers": "99"})
    inputs = Document(answer.text).inputs
    assert answer.status_code == 422
    assert inputs["parameter.workers"]["value"] == "99"
    assert inputs["parameter.workers"]["aria-invalid"] == "true"
    assert inputs["name"]["value"] == "<kept>"
    assert "must be 1 to 4" in answer.text
    assert stored(portal) == []


async def test_a_wrong_name_is_explained_at_the_name(portal: Portal) -> None:
    answer = await send(portal, "zapps/small", name="../etc/passwd")
    assert answer.status_code == 422
    assert Document(answer.text).inputs["name"]["aria-invalid"] == "true"
    assert stored(portal) == []


async def test_a_zapp_that_is_not_there_is_a_page_that_says_so(portal: Portal) -> None:
    for slug in ("none", "secret"):
        answer = await page(portal, f"zapps/{slug}")
        assert answer.status_code == 404
        assert f"no ZApp called &#39;{slug}&#39;" in answer.text


# --- executions ---


async def test_without_executions_the_list_says_what_to_do(portal: Portal) -> None:
    html = await shown(portal, "executions")
    assert "You have no executions yet." in html
    assert "Open the gallery" in html


async def test_the_list_has_ones_own_newest_first(portal: Portal) -> None:
    ids = [await launched(portal, name=f"run {number}") for number in range(2)]
    await launched(portal, "bob", "not hers")
    html = await shown(portal, "executions")
    assert html.index(f"executions/{ids[1]}") < html.index(f"executions/{ids[0]}")
    assert "not hers" not in html


async def test_a_long_list_has_pages(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoe_hub.portal.pages.executions.PAGE", 2)
    ids = [await launched(portal) for _ in range(3)]
    first = await shown(portal, "executions")
    assert f"executions?before={ids[1]}" in first
    older = await shown(portal, f"executions?before={ids[1]}")
    assert f'executions/{ids[0]}"' in older
    assert "before=" not in older
    assert "no older executions" in await shown(portal, f"executions?before={ids[0]}")


@pytest.mark.parametrize("before", ["x", "-1", "9" * 30, "٣"])
async def test_a_page_that_cannot_be_is_not_found(portal: Portal, before: str) -> None:
    assert (await page(portal, f"executions?before={before}")).status_code == 404


async def test_while_the_scheduler_is_away_the_page_says_what_that_means(portal: Portal) -> None:
    html = await shown(portal, f"executions/{await launched(portal)}")
    assert "The scheduler has not been started yet." in html
    assert "It is queued as soon as the scheduler is back." in html
    assert "None yet: they appear here when it starts." in html


async def test_the_page_says_since_when_the_scheduler_is_away(portal: Portal) -> None:
    master = {"commands_url": "tcp://127.0.0.1:1"}
    seen = datetime(2026, 1, 31, 12, 34, 56, tzinfo=UTC)
    with portal.database.transaction() as connection:
        connection.execute(sa.update(tables.deployment).values(master=master, master_seen_at=seen))
    for path in ("", "zapps/small", "executions", f"executions/{await launched(portal)}"):
        html = " ".join((await shown(portal, path)).split())
        assert "The scheduler is away. It was last seen <time" in html, path
        assert 'title="31 Jan 2026, 12:34:56 UTC"' in html, path


async def test_a_stop_is_shown_at_once(portal: Portal) -> None:
    number = await launched(portal)
    assert "/stop" in await shown(portal, f"executions/{number}")
    answer = await send(portal, f"executions/{number}/stop")
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/services/zoe/executions/{number}"
    html = await shown(portal, f"executions/{number}")
    assert "It is to be stopped." in html
    assert "/stop" not in html


async def test_a_stop_is_known_however_much_happened_before(portal: Portal) -> None:
    number = await launched(portal)
    many = [events.NewEvent(number, "happened", {})] * 600
    with portal.database.transaction() as connection:
        events.lock_events(connection)
        events.append_events(connection, many, datetime.now(UTC))
    await send(portal, f"executions/{number}/stop")
    assert "It is to be stopped." in await shown(portal, f"executions/{number}")


async def test_a_stop_in_the_list_leads_back_to_the_list(portal: Portal) -> None:
    answer = await send(portal, f"executions/{await launched(portal)}/stop", back="list")
    assert answer.headers["Location"] == "/services/zoe/executions"


async def test_executions_of_others_are_not_there(portal: Portal) -> None:
    number = await launched(portal, "bob")
    assert (await page(portal, f"executions/{number}")).status_code == 404
    assert (await send(portal, f"executions/{number}/stop")).status_code == 404


async def test_names_are_text_wherever_they_stand(portal: Portal) -> None:
    number = await launched(portal, name="a.b-c_d")
    for path in ("executions", f"executions/{number}"):
        assert "a.b-c_d" in await shown(portal, path)


# --- every page ---


async def test_a_stranger_is_led_to_the_login(portal: Portal) -> None:
    for path in ("", "zapps/small", "executions", "executions/1"):
        answer = await portal.client.get(path)
        assert answer.status_code == 302
        assert "/hub/api/oauth2/authorize" in answer.headers["Location"]


async def test_a_form_of_a_stranger_changes_nothing(portal: Portal) -> None:
    answer = await portal.client.post("zapps/small", data={"name": "x"})
    assert answer.status_code in (401, 403)
    assert stored(portal) == []


async def test_nothing_runs_but_our_own_files(portal: Portal) -> None:
    number = await launched(portal)
    paths = ("", "zapps/small", "executions", "queue", f"executions/{number}", "executions/999")
    for path in paths:
        answer = await page(portal, path)
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        for script in Document(answer.text).running_scripts:
            assert script.get("src") or script.get("type") == "application/json", script


async def test_what_pages_load_is_there(portal: Portal) -> None:
    number = await launched(portal)
    static = set()
    for path in ("", "zapps/small", "executions", "queue", f"executions/{number}"):
        addresses = Document(await shown(portal, path)).addresses
        static |= {each for each in addresses if "/services/zoe/static/" in each}
    assert len(static) >= 4
    for address in static:
        answer = await portal.client.get(address.removeprefix("/services/zoe/"))  # no login
        assert answer.status_code == 200, address
        assert answer.headers["Cache-Control"] == "no-cache"


def test_modules_import_modules_that_exist() -> None:
    scripts = list((STATIC / "js").glob("*.js"))
    assert scripts
    for script in scripts:
        for imported in re.findall(r'(?:from|import) "\./([^"]+)"', script.read_text()):
            assert (STATIC / "js" / imported).exists(), f"{script.name} imports {imported}"


async def test_the_database_being_away_is_a_page_that_tries_again(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shown(portal, "")  # the login is known now
    portal.database.close()
    unreachable = sa.create_engine("postgresql+psycopg2://127.0.0.1:1/nothing")
    monkeypatch.setattr(portal.database, "engine", unreachable)
    answer = await page(portal, "executions")
    assert answer.status_code == 503
    assert answer.headers["Content-Type"].startswith("text/html")
    assert 'http-equiv="refresh"' in answer.text
    assert "The database does not answer. What was stored is safe." in answer.text


async def test_a_form_that_came_while_the_database_was_away_can_be_sent_again(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shown(portal, "")  # the login is known now
    there = portal.database.engine
    monkeypatch.setattr(
        portal.database, "engine", sa.create_engine("postgresql+psycopg2://127.0.0.1:1/nothing")
    )
    sent = {"name": "mine <b>", "workers": "3", "key": "abc"}
    answer = await send(portal, "zapps/small", **sent)
    assert answer.status_code == 503
    assert 'http-equiv="refresh"' not in answer.text
    again = {name: each["value"] for name, each in Document(answer.text).inputs.items()}
    assert {name: again[name] for name in sent} == sent
    monkeypatch.setattr(portal.database, "engine", there)
    assert (await send(portal, "zapps/small", name="mine", workers="3", key="abc")).is_redirect


async def test_the_queue_is_linked_only_for_those_who_may_see_it(portal: Portal) -> None:
    queue = 'href="/services/zoe/queue"'
    assert queue in await shown(portal, "executions")
    without = tuple(each for each in SCOPES if each != "custom:zoe:status")
    answer = await portal.client.get("executions", headers=portal.headers("alice", without))
    assert answer.status_code == 200
    assert queue not in answer.text
