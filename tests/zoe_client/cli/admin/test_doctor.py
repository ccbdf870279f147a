"""What ``zoe-admin doctor`` prints, and with which exit code it ends."""

import json
from collections.abc import Callable

import httpx
import pytest

import zoe_client
from tests.support.builders import START
from zoe_client import Client
from zoe_client.cli.admin import zoe_admin
from zoe_core.protocol.rest_admin import Finding, Findings

STRANGER = Finding(
    what="container zoe-5a9c1f04-77-main-0-1",
    node="big",
    why="The database knows no execution 77. Zoe leaves it alone.",
    serious=True,
    since=START,
    remedy="docker rm --force --volumes zoe-5a9c1f04-77-main-0-1",
)
NOTE = Finding(what="node small", node="small", why="olga drains it.", serious=False)
WELL = ("The database answers.",)

Answer = Callable[[httpx.Request], httpx.Response]
Answering = Callable[[Answer], None]


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Answering:
    """A portal that answers so."""
    monkeypatch.setenv("ZOE_TOKEN", "secret")
    monkeypatch.setattr("zoe_client._connection.PAUSES", ())

    def use(answer: Answer) -> None:
        def client(url: str | None) -> Client:
            return Client(url, transport=httpx.MockTransport(answer))

        monkeypatch.setattr(zoe_client, "Client", client)

    return use


def found(*items: Finding) -> Answer:
    document = Findings(well=WELL, items=items).model_dump_json()
    return lambda request: httpx.Response(200, text=document)


def run(*options: str) -> object:
    """The exit code."""
    with pytest.raises(SystemExit) as ended:
        zoe_admin.main(["doctor", "--url", "http://zoe/services/zoe/", *options], "zoe-admin")
    return ended.value.code


def test_all_is_well_also_with_notes(
    answering: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(found(NOTE))
    assert run() == 0
    assert capsys.readouterr().out == (
        "ok       The database answers.\n\nnote     node small\n         olga drains it.\n\n"
        "All is well.\n"
    )


def test_a_stranger_is_shown_with_what_to_type(
    answering: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(found(STRANGER))
    assert run() == 1
    printed = capsys.readouterr().out
    assert f"PROBLEM  {STRANGER.what} on big, since 2026-11-02 09:00:00 UTC\n" in printed
    assert f"         -> {STRANGER.remedy}\n" in printed
    assert printed.endswith("1 to see to.\n")


def test_json_is_one_object(answering: Answering, capsys: pytest.CaptureFixture[str]) -> None:
    answering(found(STRANGER, NOTE))
    assert run("--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert document["all_well"] is False
    assert [each["what"] for each in document["items"]] == [STRANGER.what, NOTE.what]


def test_nothing_speaks_to_the_terminal(
    answering: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(found(NOTE.model_copy(update={"what": "network \x1b[2J\x07evil"})))
    assert run() == 0
    assert "network ?[2J?evil" in capsys.readouterr().out


@pytest.mark.parametrize("away", ["The database", "JupyterHub"])
def test_a_part_that_is_away_is_a_finding(
    answering: Answering, capsys: pytest.CaptureFixture[str], away: str
) -> None:
    detail = f"{away} does not answer."
    problem = {"title": "A part of Zoe is away", "status": 503, "detail": detail}
    answering(lambda request: httpx.Response(503, json=problem))
    assert run() == 1
    printed = capsys.readouterr().out
    assert f"A part of Zoe is away: {detail}" in printed
    assert "-> look into the logs of the portal, and of what it says is away" in printed


def test_a_portal_that_is_away_is_a_finding(
    answering: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    answering(refuse)
    assert run() == 1
    assert "Zoe does not answer at http://zoe/services/zoe/: refused." in capsys.readouterr().out


def test_who_may_not_ask_is_told(answering: Answering, capsys: pytest.CaptureFixture[str]) -> None:
    problem = {"title": "Not allowed", "status": 403, "detail": "This needs custom:zoe:admin."}
    answering(lambda request: httpx.Response(403, json=problem))
    assert run() == 2
    assert "This needs custom:zoe:admin." in capsys.readouterr().err


def test_without_a_token_nobody_can_be_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("ZOE_TOKEN", "JUPYTERHUB_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    assert run() == 2
    assert "ZOE_TOKEN" in capsys.readouterr().err
