"""Records of containers: how they are found, and that nothing of them stays."""

import shutil
from pathlib import Path

import pytest

from zoe_core.cluster import InstanceId
from zoe_master.backends.base import Retry
from zoe_master.backends.docker.records import Record, Records

DEPLOYMENT = "5a9c1f04-7f5e-4f4e-9d52-0c6a5a1f9b11"
ONE, TWELVE = InstanceId(1, "main", 0), InstanceId(12, "main", 0)


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "instances", DEPLOYMENT)


def write(records: Records, instance: InstanceId) -> Record:
    record = records.of(instance)
    record.create(DEPLOYMENT, instance, "here")
    record.note_start()
    record.log.write_text("hello\n")
    return record


def test_what_was_half_made_or_half_removed_goes_with_its_execution(records: Records) -> None:
    twelve = write(records, TWELVE)
    records.of(ONE).directory.mkdir()
    write(records, InstanceId(1, "main", 1)).identity_file.write_text("")
    records = Records(records.directory, DEPLOYMENT)  # those of the next master
    assert list(records.all(1)) == []
    records.remove_rest(1)
    assert list(records.directory.iterdir()) == [twelve.directory]


def test_a_removal_that_broke_off_leaves_what_can_be_found(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order in which a directory lists its files is no order."""
    record = write(records, ONE)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", die)
    with pytest.raises(KeyboardInterrupt):
        record.remove()
    assert [each.name for each in record.directory.iterdir()] == ["instance.json"]
    assert [instance for _, instance, _ in records.all(1)] == [ONE]


def test_what_is_written_meanwhile_is_removed_as_well(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by who copies a log, and notes how far it is."""
    record, remove_tree, late = write(records, ONE), shutil.rmtree, [1]

    def write_late(path: Path, *, ignore_errors: bool) -> None:
        if late:
            late.pop()
            return
        remove_tree(path, ignore_errors=ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", write_late)
    record.remove()
    assert not record.directory.exists()


def test_what_cannot_be_removed_is_tried_again(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = write(records, ONE)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)
        with pytest.raises(Retry, match="cannot be removed yet"):
            record.remove()
    record.remove()
    assert not record.directory.exists()


def test_who_it_is_is_read_once(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    write(records, ONE)
    records = Records(records.directory, DEPLOYMENT)  # those of the next master
    first = [known for _, *known in records.all()]
    monkeypatch.setattr(Path, "read_bytes", None)
    assert [known for _, *known in records.all()] == first == [[ONE, "here"]]


def test_what_an_administrator_removed_by_hand_is_gone(records: Records) -> None:
    record = write(records, ONE)
    assert records.of(ONE).identity(DEPLOYMENT) == (ONE, "here")
    shutil.rmtree(record.directory)
    assert records.of(ONE).identity(DEPLOYMENT) is None
    assert list(records.all()) == []


def test_one_that_was_made_again_elsewhere_is_there(records: Records) -> None:
    write(records, ONE).remove()
    assert records.of(ONE).identity(DEPLOYMENT) is None
    records.of(ONE).create(DEPLOYMENT, ONE, "elsewhere")
    assert records.of(ONE).identity(DEPLOYMENT) == (ONE, "elsewhere")
