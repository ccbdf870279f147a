"""What an engine says of itself, and what its silence means."""

import gc
import logging
import os
import resource
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import docker
import pytest

from zoe_master.backends.base import Retry
from zoe_master.backends.docker.engine import QUESTION_TIMEOUT, WORK_TIMEOUT, Engine, _swarm
from zoe_master.backends.docker.open_files import allow_open_files
from zoe_master.backends.docker.settings import EngineSettings

LOG = logging.getLogger("tests.engine")


def state(where: str, control: bool = True, identity: str | None = None) -> dict[str, Any]:
    """What ``docker info`` says of a swarm."""
    cluster = {} if identity is None else {"Cluster": {"ID": identity}}
    return {"LocalNodeState": where, "ControlAvailable": control, **cluster}


@pytest.mark.parametrize(
    ("said", "swarm"),
    [
        (state("active", identity="new"), "new"),
        (state("inactive", control=False), ""),
        (state("active", control=False), ""),  # a worker
        (state("active", identity=""), "old"),  # its swarm has no leader
        (state("active"), "old"),
        (state("pending", control=False), "old"),  # it starts
        (state("locked", control=False), "old"),
        (state("error", control=False), "old"),
    ],
)
def test_a_manager_that_does_not_say_its_swarm_has_not_left_it(
    said: dict[str, Any], swarm: str
) -> None:
    assert _swarm(said, "old") == swarm


def test_of_a_manager_that_never_said_it_nothing_is_known() -> None:
    assert _swarm(state("pending", control=False), None) is None


@contextmanager
def no_more_files() -> Iterator[None]:
    """Nothing can be opened, and nothing is closed meanwhile."""
    gc.collect()
    gc.disable()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    first_free = os.dup(0)
    os.close(first_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (first_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        gc.enable()


@pytest.mark.parametrize("scheme", ["unix", "tcp"])
def test_an_engine_that_we_cannot_ask_for_want_of_files_is_not_away(
    tmp_path: Path, scheme: str
) -> None:
    with socket.socket(socket.AF_UNIX) as local, socket.create_server(("127.0.0.1", 0)) as remote:
        local.bind(str(tmp_path / "engine"))
        local.listen()
        place = f"127.0.0.1:{remote.getsockname()[1]}" if scheme == "tcp" else tmp_path / "engine"
        engine = Engine(EngineSettings("here", f"{scheme}://{place}"), LOG)
        with no_more_files(), pytest.raises(Retry, match="was not asked: Too many open files"):
            engine.ask().__enter__()
        with no_more_files():
            assert engine.node().online
    assert engine.away_for == 0


def test_the_master_may_open_as_many_files_as_the_system_allows() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
        allow_open_files(LOG)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_an_engine_that_hangs_at_the_first_word_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, released = threading.Event(), threading.Event()

    def connect(engine: Engine, _: float) -> Mock:
        if engine.name == "hangs":
            asked.set()
            assert released.wait(60)
        return Mock()

    monkeypatch.setattr(Engine, "_connect", connect)
    hanging, well = (Engine(EngineSettings(name), LOG) for name in ("hangs", "is-well"))
    with ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(hanging.work().__enter__)
        try:
            assert asked.wait(30)
            assert threads.submit(well.work().__enter__).result(30)
        finally:
            released.set()
        assert waiting.result(30)


def test_of_clients_that_are_made_at_once_one_stays_and_the_others_are_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    together = threading.Barrier(2, timeout=30)
    made: list[Mock] = []

    def connect(*_: object) -> Mock:
        together.wait()
        made.append(Mock())
        return made[-1]

    def ask() -> docker.DockerClient:
        with engine.ask() as client:
            return client

    monkeypatch.setattr(Engine, "_connect", connect)
    engine = Engine(EngineSettings("here"), LOG)
    with ThreadPoolExecutor(2) as threads:
        first, second = (threads.submit(ask) for _ in range(2))
        kept = first.result(30)
        assert second.result(30) is kept
    assert [each.close.called for each in made] == [each is not kept for each in made]
    assert ask() is kept
    engine.close()
    assert kept.close.called


def test_the_version_is_a_question_also_for_who_does_what_takes_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else who starts something on an engine that hangs would wait for minutes."""
    timeouts = []

    def make(_: Engine, timeout: float, version: str) -> Mock:
        timeouts.append((timeout, version))
        client = Mock()
        client.api.version.return_value = {"ApiVersion": "1.99"}
        return client

    monkeypatch.setattr(Engine, "_make_client", make)
    with Engine(EngineSettings("here"), LOG).work():
        oldest = docker.constants.MINIMUM_DOCKER_API_VERSION
        assert timeouts == [(QUESTION_TIMEOUT, oldest), (WORK_TIMEOUT, "1.99")]
