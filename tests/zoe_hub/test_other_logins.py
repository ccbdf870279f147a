"""Other authenticators in place of ours, as the documentation has them: OAuth, and LDAP."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from tests.support.hub import Hub, running_hub
from tests.support.ldap import running_directory

DOCUMENT = Path(__file__).parents[2] / "docs" / "login.md"


class Authorize(RequestHandler):
    """Nobody is asked anything: it is ada."""

    def get(self) -> None:
        assert self.get_argument("client_id") == "zoe"
        answer = urlencode({"code": "sesame", "state": self.get_argument("state")})
        self.redirect(f"{self.get_argument('redirect_uri')}?{answer}")


class Token(RequestHandler):
    def post(self) -> None:
        assert self.get_body_argument("code") == "sesame"
        self.finish({"access_token": "her-token", "token_type": "Bearer"})


class UserInfo(RequestHandler):
    groups: tuple[str, ...] = ()

    def get(self) -> None:
        assert self.request.headers["Authorization"] == "Bearer her-token"
        self.finish({"preferred_username": "ada", "groups": list(UserInfo.groups)})


@pytest.fixture
async def provider() -> AsyncIterator[str]:
    """The address of an OAuth provider."""
    pages = [("/authorize", Authorize), ("/token", Token), ("/userinfo", UserInfo)]
    server = HTTPServer(Application(pages))
    socket, port = bind_unused_port()
    server.add_socket(socket)
    yield f"http://127.0.0.1:{port}"
    server.stop()
    await server.close_all_connections()


def documented(authenticator: str, changes: Mapping[str, str]) -> str:
    """The example of the documentation, with what is other here."""
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    (example,) = (each for each in blocks if f'authenticator_class = "{authenticator}"' in each)
    for there, here in changes.items():
        assert there in example
        example = example.replace(there, here)
    return str(example)


async def log_in(hub: Hub) -> httpx.Response:
    """Go through the login as a browser does; the provider's callback leads back to the Hub."""
    async with httpx.AsyncClient(timeout=30) as client:
        address = f"{hub.url}/hub/oauth_login"
        for _ in range(10):
            answer = await client.get(address)
            if not answer.is_redirect:
                return answer
            to = urlsplit(answer.headers["Location"])
            if to.port == 1 or not to.netloc:  # the Hub's public address: there is no proxy here
                address = f"{hub.url}{to.path}?{to.query}"
            else:
                address = to.geturl()
            if to.path == "/hub/spawn":  # where somebody who is in goes
                return answer
        raise AssertionError(f"too many redirects, at last to {address}")


async def test_oauth_as_documented(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAUTH_CLIENT_SECRET", "secret")
    here = {
        "https://login.example.org": provider,
        "https://zoe.example.org/hub": "http://127.0.0.1:1/hub",
    }
    example = documented("generic-oauth", here)
    starting = running_hub(tmp_path, groups={"": ["bob"]}, more=example)
    hub = await asyncio.to_thread(starting.__enter__)
    try:
        monkeypatch.setattr(UserInfo, "groups", ("strangers",))
        assert (await log_in(hub)).status_code == 403

        monkeypatch.setattr(UserInfo, "groups", ("zoe-power", "chemists"))
        answer = await log_in(hub)
        assert answer.is_redirect, answer.text
        ada = await asyncio.to_thread(hub.api, "GET", "/users/ada")
        assert set(ada["groups"]) == {"zoe-power", "chemists"}
        token = await asyncio.to_thread(hub.token, "ada", ["custom:zoe:resources"])
        assert token, "the group has given her the role of that name"
    finally:
        await asyncio.to_thread(starting.__exit__, None, None, None)


def log_in_with(hub: Hub, name: str, password: str) -> httpx.Response:
    """Fill in the form of the login page."""
    with httpx.Client(base_url=hub.url, timeout=30) as client:
        client.get("/hub/login")
        form = {"username": name, "password": password, "_xsrf": client.cookies["_xsrf"]}
        return client.post("/hub/login", data=form)


def test_ldap_as_documented(tmp_path: Path) -> None:
    people = {"ada": "hers", "bob": "his"}
    with running_directory(tmp_path / "ldap", people, {"data-science": ["ada"]}) as port:
        here = {
            '"ldap.example.org"': f'"127.0.0.1"\nc.LDAPAuthenticator.server_port = {port}',
            '"on_connect"': '"insecure"',
        }
        groups = {"zoe-power": ["ada"]}
        with running_hub(tmp_path, groups=groups, more=documented("ldap", here)) as hub:
            assert log_in_with(hub, "ada", "wrong").status_code == 403
            assert log_in_with(hub, "ada", "").status_code == 403
            assert log_in_with(hub, "bob", "his").status_code == 403, "not of the group"
            answer = log_in_with(hub, "ada", "hers")
            assert answer.is_redirect, answer.text
            assert hub.token("ada", ["custom:zoe:resources"]), "from her group in the Hub"
