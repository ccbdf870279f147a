"""Deadlines and signals of containers that are to end."""

import errno
import logging
import os
import threading
import time
from pathlib import Path
from signal import SIGKILL, SIGPWR, SIGTERM

import pytest
from docker.errors import DockerException

from tests.support.waiting import eventually
from zoe_core.cluster import InstanceId
from zoe_master.backends.base import Fatal, Retry
from zoe_master.backends.docker import DockerBackend
from zoe_master.backends.docker.engine import Engine
from zoe_master.backends.docker.lifecycle import Containers
from zoe_master.backends.docker.records import Record, Records, StopWish
from zoe_master.backends.docker.stops import Stops, next_wish

DEPLOYMENT = "5a9c1f04-7f5e-4f4e-9d52-0c6a5a1f9b11"
LOG = logging.getLogger("tests.stops")


@pytest.fixture
def record(tmp_path: Path) -> Record:
    record = Record(tmp_path / "container")
    record.create("deployment", InstanceId(1, "main", 0), "here")
    return record


def test_the_first_request_sends_its_signal_and_sets_the_deadline() -> None:
    wish, signal = next_wish(None, 10.0, SIGPWR, now=100.0)
    assert (wish.deadline, wish.signals, signal) == (110.0, (SIGPWR,), SIGPWR)


def test_to_be_asked_again_neither_repeats_the_signal_nor_prolongs_the_grace() -> None:
    first, _ = next_wish(None, 10.0, SIGTERM, now=100.0)
    assert next_wish(first, 10.0, SIGTERM, now=105.0) == (first, None)


def test_the_earlier_deadline_counts() -> None:
    first, _ = next_wish(None, 3600.0, SIGTERM, now=100.0)
    second, signal = next_wish(first, 1.0, SIGTERM, now=200.0)
    assert (second.deadline, second.grace, signal) == (201.0, 1.0, None)


def test_sigterm_follows_any_other_and_is_the_last() -> None:
    first, _ = next_wish(None, 3600.0, SIGPWR, now=100.0)
    second, signal = next_wish(first, 30.0, SIGTERM, now=101.0)
    assert (signal, second.signals) == (SIGTERM, (SIGPWR, SIGTERM))
    assert next_wish(second, 30.0, SIGPWR, now=102.0)[1] is None
    assert next_wish(second, 30.0, SIGTERM, now=102.0)[1] is None


def test_without_grace_nothing_is_sent_but_what_comes_at_the_deadline() -> None:
    wish, signal = next_wish(None, 0.0, SIGTERM, now=100.0)
    assert (wish.deadline, wish.signals, signal) == (100.0, (), None)


@pytest.mark.parametrize("error", [Retry, Fatal])
def test_a_signal_that_could_not_be_sent_is_sent_when_it_is_asked_again(
    record: Record, error: type[Exception]
) -> None:
    """Before the same deadline: to be asked again never prolongs the grace."""
    away, sent = [True], []

    def send(_: Record, signal: int) -> bool:
        if away:
            away.pop()
            raise error("the engine does not answer")
        sent.append(signal)
        return True

    stops = Stops(send, LOG)
    with pytest.raises(error):
        stops.ask(record, 3600.0, SIGTERM)
    first = record.wish
    assert first is not None
    assert first.signals == ()
    stops.ask(record, 3600.0, SIGTERM)
    second = record.wish
    assert second is not None
    assert (sent, second.signals, second.deadline) == ([SIGTERM], (SIGTERM,), first.deadline)


def test_of_several_signals_only_the_lost_one_is_sent_again(record: Record) -> None:
    sent: list[int] = []

    def send(_: Record, signal: int) -> bool:
        sent.append(signal)
        if sent == [SIGPWR, SIGTERM]:
            raise Retry("the engine does not answer")
        return True

    stops = Stops(send, LOG)
    stops.ask(record, 3600.0, SIGPWR)
    with pytest.raises(Retry):
        stops.ask(record, 3600.0, SIGTERM)
    for signal in (SIGPWR, SIGTERM):
        stops.ask(record, 3600.0, signal)
    assert sent == [SIGPWR, SIGTERM, SIGTERM]


def fill_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(name: str, content: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)

    monkeypatch.setattr("zoe_master.backends.docker.records.write_atomically", full)


def test_on_a_full_disk_what_is_to_end_is_signalled_and_killed(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was asked before the disk was full, and one that is asked then."""
    other = Record(record.directory.with_name("other"))
    other.create("deployment", InstanceId(1, "main", 1), "here")
    sent: list[tuple[str, int]] = []

    def send(to: Record, signal: int) -> bool:
        sent.append((to.name, signal))
        return True

    record.keep_wish(StopWish(deadline=time.time() + 0.2, grace=0.2, signals=(SIGTERM,)))
    fill_disk(monkeypatch)
    stops = Stops(send, LOG)
    stops.start([record])
    stops.ask(other, 0.2, SIGTERM)
    eventually(lambda: {(each.name, SIGKILL) for each in (record, other)} <= set(sent))
    stops.close()
    assert sent.count((other.name, SIGTERM)) == 1


def test_on_a_full_disk_neither_is_a_signal_repeated_nor_the_grace_prolonged(
    record: Record, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor is a signal that could not be sent taken for one that was."""
    fill_disk(monkeypatch)
    away, sent = [True], []

    def send(_: Record, signal: int) -> bool:
        if away:
            away.pop()
            raise Retry("the engine does not answer")
        sent.append(signal)
        return True

    stops = Stops(send, LOG)
    with pytest.raises(Retry):
        stops.ask(record, 3600.0, SIGPWR)
    deadline = stops._due[record.name][0]
    for _ in range(2):
        stops.ask(record, 3600.0, SIGPWR)
    assert (sent, stops._due[record.name][0]) == ([SIGPWR], deadline)
    assert len(caplog.records) == 1


def test_an_engine_that_hangs_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the one that hangs there are more to kill than anybody has threads for."""
    hanging, killed = threading.Event(), threading.Event()

    def kill(_: Containers, engine: Engine, record: Record, signal: int) -> bool:
        assert signal == SIGKILL
        if engine.name == "hangs":
            hanging.wait(60)
        else:
            killed.set()
        return True

    def refuse(*_: object) -> None:
        raise DockerException("connection refused")

    monkeypatch.setattr(Containers, "kill", kill)
    monkeypatch.setattr(Engine, "_connect", refuse)
    backend = DockerBackend(
        deployment=DEPLOYMENT,
        directory=str(tmp_path / "docker"),
        engines=[
            {"name": name, "url": f"unix://{tmp_path}/{name}"} for name in ("hangs", "is-well")
        ],
        network_driver="bridge",
    )
    backend.open()
    try:
        for index in range(20):
            start(backend, InstanceId(1, "main", index), "hangs")
            backend.stop(InstanceId(1, "main", index), grace=0)
        start(backend, InstanceId(2, "main", 0), "is-well")
        backend.stop(InstanceId(2, "main", 0), grace=0)
        assert killed.wait(30)
    finally:
        hanging.set()
        backend.close()


def start(backend: DockerBackend, instance: InstanceId, node: str) -> None:
    """As far as the back-end's records go."""
    Records(Path(backend.directory, "instances"), DEPLOYMENT).of(instance).create(
        DEPLOYMENT, instance, node
    )
