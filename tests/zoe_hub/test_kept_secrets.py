"""Secrets that are made once, by whoever comes first."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from zoe_hub.kept_secrets import keep_secret


def test_it_is_made_once_for_us_alone(tmp_path: Path) -> None:
    file = tmp_path / "new" / "secret"
    secret = keep_secret(file)
    assert keep_secret(file) == secret == file.read_text()
    assert len(bytes.fromhex(secret)) == 32
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert [each.name for each in file.parent.iterdir()] == ["secret"]


def test_what_others_could_read_is_for_us_alone_again(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("ab12\n")  # as an editor leaves it
    file.chmod(0o644)
    assert keep_secret(file) == "ab12"
    assert file.stat().st_mode & 0o777 == 0o600


def test_each_is_another(tmp_path: Path) -> None:
    assert keep_secret(tmp_path / "one") != keep_secret(tmp_path / "two")


def test_all_who_come_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(keep_secret, [tmp_path / "secret"] * 32))
    assert found == {(tmp_path / "secret").read_text()}


def test_what_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"File exists|Not a directory"):
        keep_secret(tmp_path / "file" / "secret")
