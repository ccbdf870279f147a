"""Who gets into a real Hub, and who does not: one-time link, passwords, invitations."""

import os
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.running_zoe import HUB_ONLY, Browser, RunningZoe

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningZoe]:
    with RunningZoe(tmp_path_factory.mktemp("login") / "zoe", HUB_ONLY) as running:
        yield running


@pytest.fixture
def token(hub: RunningZoe) -> str:
    """The token of a login link that nobody has used."""
    return hub.fresh_link().partition("token=")[2]


@pytest.fixture
def admin(hub: RunningZoe) -> Browser:
    return hub.administrator()


def invite(admin: Browser, name: str) -> str:
    """Invite somebody and return the link."""
    admin.open("/hub/invite")
    answer = admin.submit("/hub/invite", name=name)
    found = re.search(r'value="(http[^"]+/hub/invitation\?token=[^"]+)"', answer.text)
    assert found, answer.text
    return found[1]


def accept(
    hub: RunningZoe, link: str, password: str, repeated: str
) -> tuple[Browser, httpx.Response]:
    """Follow an invitation and choose a password."""
    browser = hub.browser()
    browser.open(link)
    token = link.partition("token=")[2]
    answer = browser.submit(
        "/hub/invitation", token=token, new_password=password, repeated=repeated
    )
    return browser, answer


def elsewhere(hub: RunningZoe) -> Browser:
    """Somebody at another address."""
    browser = hub.browser()
    browser.client.close()
    transport = httpx.HTTPTransport(local_address="127.0.0.2")
    browser.client = httpx.Client(base_url=hub.url, timeout=30, transport=transport)
    return browser


def test_the_link_logs_the_administrator_in_once(hub: RunningZoe, token: str) -> None:
    browser = hub.browser()
    assert browser.open(f"/hub/zoe-login?token={token}").status_code == 200
    answer = browser.submit("/hub/zoe-login", token=token)
    assert (answer.status_code, answer.headers["location"]) == (302, "/hub/home")
    model = browser.model()
    assert (model["name"], model["admin"], model["groups"]) == ("admin", True, ["zoe-admin"])
    assert "custom:zoe:admin" in model["scopes"]
    assert not (hub.directory / "login-link").exists()
    again = hub.browser()
    assert again.open(f"/hub/zoe-login?token={token}").status_code == 403
    again.open("/hub/login")
    assert again.submit("/hub/zoe-login", token=token).status_code == 403
    assert again.name() is None


def test_looking_at_the_link_does_not_use_it_up(hub: RunningZoe, token: str) -> None:
    for _ in range(2):
        assert hub.browser().open(f"/hub/zoe-login?token={token}").status_code == 200
    page = hub.browser().open(f"/hub/zoe-login?token={token}")
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("wrong", ["", "x", "é", "a" * 43])
def test_a_wrong_token_is_refused(hub: RunningZoe, token: str, wrong: str) -> None:
    browser = hub.browser()
    answer = browser.client.get("/hub/zoe-login", params={"token": wrong})
    assert answer.status_code == 403
    assert "it prints a new link" in answer.text
    browser.open("/hub/login")
    assert browser.submit("/hub/zoe-login", token=wrong).status_code == 403
    assert browser.name() is None


def test_an_old_link_is_refused(hub: RunningZoe, token: str) -> None:
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(hub.directory / "login-link", (two_days_ago, two_days_ago))
    assert hub.browser().open(f"/hub/zoe-login?token={token}").status_code == 403


def test_a_forged_form_is_refused_and_leaves_the_link_alone(hub: RunningZoe, token: str) -> None:
    answer = hub.browser().client.post("/hub/zoe-login", data={"token": token})
    assert answer.status_code == 403
    assert hub.browser().open(f"/hub/zoe-login?token={token}").status_code == 200


def test_link_and_passwords_are_private_files(hub: RunningZoe, admin: Browser) -> None:
    invite(admin, "private")
    hub.fresh_link()
    for name in ("login-link", "passwords.json", "cookie-secret"):
        assert stat.S_IMODE((hub.directory / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE(hub.directory.stat().st_mode) == 0o700


def test_nobody_gets_in_without_a_password(hub: RunningZoe, admin: Browser) -> None:
    for name in ("admin", "nobody", "root", ""):
        browser = hub.browser()
        assert browser.log_in(name, "").status_code == 403
        assert browser.name() is None


def test_a_form_cannot_pretend_to_come_from_a_link(hub: RunningZoe) -> None:
    browser = hub.browser()
    browser.open("/hub/login")
    answer = browser.submit("/hub/login", username="admin", admin="True", password="")
    assert answer.status_code == 403
    assert browser.name() is None


def test_an_invited_user_chooses_her_password(hub: RunningZoe, admin: Browser) -> None:
    link = invite(admin, "Bob")
    browser, answer = accept(hub, link, PASSWORD, PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (302, "/hub/home")
    model = browser.model()
    assert (model["name"], model["admin"]) == ("bob", False)
    assert "custom:zoe:launch" in model["scopes"]
    assert "custom:zoe:admin" not in model["scopes"]
    assert hub.browser().log_in("bob", PASSWORD).status_code == 302
    assert hub.browser().open(link).status_code == 403  # used up


@pytest.mark.parametrize(
    ("password", "repeated", "problem"),
    [("short", "short", "10 to 1000 characters"), (PASSWORD, PASSWORD + " ", "differ")],
)
def test_a_choice_that_will_not_do_leaves_the_invitation(
    hub: RunningZoe, admin: Browser, password: str, repeated: str, problem: str
) -> None:
    link = invite(admin, "carol")
    browser, answer = accept(hub, link, password, repeated)
    assert answer.status_code == 400
    assert problem in answer.text
    assert browser.name() is None
    assert hub.browser().open(link).status_code == 200


def test_a_new_invitation_replaces_the_old_one(hub: RunningZoe, admin: Browser) -> None:
    old, new = invite(admin, "dora"), invite(admin, "dora")
    assert hub.browser().open(old).status_code == 403
    assert hub.browser().open(new).status_code == 200


@pytest.mark.parametrize("name", ["", "../x", "a b", "1a", "x" * 33, "ä"])
def test_a_name_that_cannot_be_a_users(hub: RunningZoe, admin: Browser, name: str) -> None:
    admin.open("/hub/invite")
    answer = admin.submit("/hub/invite", name=name)
    assert answer.status_code == 400
    assert "cannot be a user name" in answer.text


def test_only_administrators_invite(hub: RunningZoe, admin: Browser) -> None:
    browser, _ = accept(hub, invite(admin, "erin"), PASSWORD, PASSWORD)
    assert browser.open("/hub/invite").status_code == 403
    browser.open("/hub/password")
    assert browser.submit("/hub/invite", name="friend").status_code == 403
    assert hub.browser().open("/hub/invite").status_code == 302  # to the login
    assert "friend" not in (hub.directory / "passwords.json").read_text()


def test_wrong_passwords_are_slowed_down(hub: RunningZoe, admin: Browser) -> None:
    accept(hub, invite(admin, "fay"), PASSWORD, PASSWORD)
    for _ in range(5):
        answer = hub.browser().log_in("fay", "wrong password")
        assert answer.status_code == 403
        assert "Invalid username or password" in answer.text
    refused = hub.browser().log_in("fay", PASSWORD)
    assert refused.status_code == 429
    assert "Try again in" in refused.text
    assert elsewhere(hub).log_in("fay", PASSWORD).status_code == 302
    assert hub.browser().log_in("nobody-else", "wrong password").status_code == 403


def test_who_guesses_cannot_pretend_to_be_elsewhere(hub: RunningZoe, admin: Browser) -> None:
    accept(hub, invite(admin, "kim"), PASSWORD, PASSWORD)
    guesser = elsewhere(hub)
    for number in range(6):
        claimed = f"192.0.2.{number}"
        guesser.client.headers.update({"X-Forwarded-For": claimed, "X-Real-Ip": claimed})
        answer = guesser.log_in("kim", "wrong password")
    assert answer.status_code == 429
    assert hub.browser().log_in("kim", PASSWORD).status_code == 302


def test_the_invite_page_says_that_all_users_are_one_to_the_system(admin: Browser) -> None:
    assert "This Zoe is for one person." in admin.open("/hub/invite").text
    assert "This Zoe is for one person." in admin.submit("/hub/invite", name="lea").text


def test_changing_a_password_needs_the_current_one(hub: RunningZoe, admin: Browser) -> None:
    browser, _ = accept(hub, invite(admin, "gina"), PASSWORD, PASSWORD)
    other_browser = hub.browser()
    other_browser.log_in("gina", PASSWORD)
    new = {"new_password": "another long one", "repeated": "another long one"}
    browser.open("/hub/password")
    answer = browser.submit("/hub/password", current_password="not this one", **new)
    assert answer.status_code == 400
    assert "current password is wrong" in answer.text
    answer = browser.submit("/hub/password", current_password=PASSWORD, **new)
    assert answer.status_code == 200
    assert browser.name() == "gina"
    assert other_browser.name() is None
    assert hub.browser().log_in("gina", PASSWORD).status_code == 403
    assert hub.browser().log_in("gina", "another long one").status_code == 302


def test_the_administrator_sets_a_password_and_may_forget_it(
    hub: RunningZoe, admin: Browser
) -> None:
    admin.open("/hub/password")
    admin.submit("/hub/password", new_password=PASSWORD, repeated=PASSWORD)
    assert hub.browser().log_in("admin", PASSWORD).status_code == 302
    accept(hub, invite(admin, "admin"), "forgotten it once", "forgotten it once")
    browser = hub.browser()
    assert browser.log_in("admin", "forgotten it once").status_code == 302
    assert browser.model()["admin"] is True


def test_nobody_inherits_the_password_of_a_deleted_user(hub: RunningZoe, admin: Browser) -> None:
    accept(hub, invite(admin, "hana"), PASSWORD, PASSWORD)
    admin.open("/hub/token")
    xsrf = {"X-XSRFToken": admin.xsrf}
    assert admin.client.delete("/hub/api/users/hana", headers=xsrf).status_code == 204
    assert hub.browser().log_in("hana", PASSWORD).status_code == 403


def test_no_secret_is_logged(hub: RunningZoe, admin: Browser) -> None:
    link = invite(admin, "ida")
    accept(hub, link, PASSWORD, PASSWORD)
    output = hub.output()
    assert PASSWORD not in output
    assert link.partition("token=")[2] not in output


def test_every_start_gives_a_fresh_link_and_keeps_the_passwords(tmp_path: Path) -> None:
    with RunningZoe(tmp_path / "zoe", HUB_ONLY) as first:
        old_link = first.printed_link
        accept(first, invite(first.administrator(), "jo"), PASSWORD, PASSWORD)
    with RunningZoe(tmp_path / "zoe", HUB_ONLY, first.port) as second:
        assert second.browser().log_in("jo", PASSWORD).status_code == 302
        assert second.browser().open(old_link).status_code == 403
        assert second.browser().open(second.printed_link).status_code == 200
