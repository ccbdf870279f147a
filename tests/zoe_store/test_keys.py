"""The key files: whose they are, and that a crash or a careless hand does not break them."""

import multiprocessing
import os
import stat
from pathlib import Path

import pytest
import zmq.auth

from zoe_store.keys import HUB, MASTER, KeyRing, KeysRefused


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def ring(directory: Path) -> KeyRing:
    ring = KeyRing(directory)
    ring.ensure()
    return ring


def modes(directory: Path) -> dict[str, int]:
    """The permissions of all that is there, and of the directory itself."""
    found = {str(each.relative_to(directory)): each for each in directory.rglob("*")}
    return {name: stat.S_IMODE(each.stat().st_mode) for name, each in found.items()} | {
        "": stat.S_IMODE(directory.stat().st_mode)
    }


def test_what_is_made_is_for_the_owner_alone(directory: Path, ring: KeyRing) -> None:
    found = modes(directory)
    assert {found[each] for each in ("", "clients")} == {0o700}
    assert {found[f"{each}.key_secret"] for each in (MASTER, HUB)} == {0o600}
    assert {each.name for each in ring.clients.iterdir()} == {"hub.key"}
    assert ring.is_client(ring.public(HUB))
    assert not ring.is_client(ring.public(MASTER))


def test_keys_are_made_once(directory: Path, ring: KeyRing) -> None:
    before = ring.pair(MASTER), ring.pair(HUB)
    KeyRing(directory).ensure()
    assert (ring.pair(MASTER), ring.pair(HUB)) == before
    assert before[0].public == ring.public(MASTER)


def test_what_others_could_read_or_change_is_put_right(directory: Path, ring: KeyRing) -> None:
    before = modes(directory)
    for path in (directory, ring.clients, directory / "hub.key_secret"):
        path.chmod(0o777)
    ring.ensure()
    after = modes(directory)
    assert {each: after[each] & 0o077 for each in ("", "clients", "hub.key_secret")} == {
        "": 0,
        "clients": 0,
        "hub.key_secret": 0,
    }
    assert after.keys() == before.keys()


def test_what_cannot_be_put_right_is_refused(
    directory: Path, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.chmod(0o755)

    def refuse(path: Path, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted", str(path))

    monkeypatch.setattr(Path, "chmod", refuse)
    with pytest.raises(KeysRefused, match=r"keys has mode 0755 and belongs to somebody else.*0700"):
        ring.ensure()


@pytest.mark.parametrize("text", ["", "curve\n", "\0"])
def test_a_file_that_holds_no_key_is_named(directory: Path, ring: KeyRing, text: str) -> None:
    (directory / "hub.key_secret").write_text(text)
    with pytest.raises(KeysRefused, match=r"hub\.key_secret"):
        ring.pair(HUB)


def test_a_public_key_is_not_taken_for_a_secret_one(directory: Path, ring: KeyRing) -> None:
    (directory / "hub.key_secret").write_text((directory / "hub.key").read_text())
    with pytest.raises(KeysRefused, match="holds no secret key"):
        ring.pair(HUB)


def test_a_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with pytest.raises(KeysRefused, match="keys cannot be used"):
        KeyRing(tmp_path / "keys").ensure()


def test_a_crash_while_they_are_made_leaves_nothing_half(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was done when it came: the next start makes a pair that fits."""
    whole, crashes = os.replace, 0

    class Crash(BaseException):
        pass

    for allowed in range(5):
        left = allowed

        def replace(source: str, target: Path) -> None:
            nonlocal left
            if not left:
                raise Crash
            left -= 1
            whole(source, target)

        monkeypatch.setattr(os, "replace", replace)
        try:
            KeyRing(directory).ensure()
        except Crash:
            crashes += 1
    monkeypatch.undo()
    assert crashes > 2
    ring = KeyRing(directory)
    ring.ensure()
    for name in (MASTER, HUB):
        assert ring.pair(name).public == ring.public(name)
    assert ring.is_client(ring.pair(HUB).public)
    assert not list(directory.glob("tmp*"))


def test_a_hub_on_its_own_machine_keeps_the_public_key_of_its_master(
    directory: Path, tmp_path: Path
) -> None:
    elsewhere, _ = zmq.auth.create_certificates(tmp_path, MASTER)
    directory.mkdir()
    (directory / "master.key").write_text(Path(elsewhere).read_text())
    ring = KeyRing(directory)
    ring.ensure()
    assert ring.public(MASTER) == zmq.auth.load_certificate(elsewhere)[0]
    assert not (directory / "master.key_secret").exists()


def _public_keys(directory: Path) -> tuple[bytes, bytes]:
    ring = KeyRing(directory)
    ring.ensure()
    return ring.pair(MASTER).public, ring.pair(HUB).public


def test_hub_and_master_may_make_them_at_once(directory: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert len(set(pool.map(_public_keys, [directory] * 3))) == 1
