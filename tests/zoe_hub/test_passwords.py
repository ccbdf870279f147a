"""The password file: hashes, invitations, and a file that is never half written."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from zoe_hub.passwords import Invitation, PasswordError, PasswordFile, check_choice


@pytest.fixture
def passwords(tmp_path: Path) -> PasswordFile:
    return PasswordFile(tmp_path / "passwords.json")


def test_only_the_right_password_of_a_known_user_is_right(passwords: PasswordFile) -> None:
    passwords.set_password("ada", "the engine weaves")
    assert passwords.verify("ada", "the engine weaves")
    assert not passwords.verify("ada", "the engine weaves ")
    assert not passwords.verify("ada", "")
    assert not passwords.verify("ada", "x" * 10_000_000)
    assert not passwords.verify("bob", "the engine weaves")
    assert not passwords.verify("", "")


def test_equal_passwords_have_different_hashes(passwords: PasswordFile, tmp_path: Path) -> None:
    passwords.set_password("ada", "the engine weaves")
    passwords.set_password("bob", "the engine weaves")
    kept = json.loads((tmp_path / "passwords.json").read_text())["passwords"]
    assert kept["ada"]["hash"] != kept["bob"]["hash"]
    assert "the engine weaves" not in (tmp_path / "passwords.json").read_text()
    assert stat.S_IMODE((tmp_path / "passwords.json").stat().st_mode) == 0o600


def test_an_invitation_ends_when_it_expires_is_used_or_replaced(passwords: PasswordFile) -> None:
    first = passwords.invite("ada", expires=100.0)
    assert passwords.invitation(first, now=100.0) == Invitation("ada", 100.0)
    assert passwords.invitation(first, now=100.1) is None
    assert passwords.invitation("wrong", now=0.0) is None
    second = passwords.invite("ada", expires=200.0)
    assert passwords.invitation(first, now=0.0) is None
    other = passwords.invite("bob", expires=200.0)
    passwords.set_password("ada", "the engine weaves")
    assert passwords.invitation(second, now=0.0) is None
    assert passwords.invitation(other, now=0.0) == Invitation("bob", 200.0)


def test_the_token_of_an_invitation_is_not_kept(passwords: PasswordFile, tmp_path: Path) -> None:
    token = passwords.invite("ada", expires=100.0)
    assert token not in (tmp_path / "passwords.json").read_text()


def test_a_forgotten_user_has_neither_password_nor_invitation(passwords: PasswordFile) -> None:
    passwords.set_password("ada", "the engine weaves")
    token = passwords.invite("ada", expires=100.0)
    passwords.forget("ada")
    assert not passwords.has_password("ada")
    assert not passwords.verify("ada", "the engine weaves")
    assert passwords.invitation(token, now=0.0) is None


def test_no_change_is_lost_to_another_at_the_same_time(passwords: PasswordFile) -> None:
    users = [f"user-{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as threads:
        choosing = threads.submit(passwords.set_password, "ada", "the engine weaves")
        tokens = list(threads.map(lambda user: passwords.invite(user, expires=100.0), users))
        choosing.result()
    assert passwords.has_password("ada")
    invited = [passwords.invitation(token, now=0.0) for token in tokens]
    assert invited == [Invitation(user, 100.0) for user in users]


@pytest.mark.parametrize("password", ["", "x" * 9, "x" * 1001])
def test_too_short_or_too_long_a_choice(password: str) -> None:
    with pytest.raises(PasswordError, match="10 to 1000 characters"):
        check_choice(password, password)


def test_a_choice_is_typed_twice() -> None:
    check_choice("x" * 10, "x" * 10)
    with pytest.raises(PasswordError, match="differ"):
        check_choice("x" * 10, "x" * 11)
