"""Listens to the events of one engine, and asks for what it missed when the stream broke."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import requests
import urllib3
from docker.types import CancellableStream

from zoe_core.cluster import InstanceId
from zoe_master.backends.base import BackendError
from zoe_master.backends.docker.engine import Engine
from zoe_master.backends.docker.identity import DEPLOYMENT, identify

STARTED, ENDED, OUT_OF_MEMORY = "start", "die", "oom"
_PAUSE = 1.0  # seconds until a stream that broke is asked for again


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to which instance: ``STARTED``, ``ENDED`` or ``OUT_OF_MEMORY``."""

    action: str
    id: InstanceId


class Events:
    """A thread that calls ``changed`` for each change of our containers, in order.

    Changes may come twice after an interruption.
    """

    def __init__(
        self,
        engine: Engine,
        deployment: str,
        changed: Callable[[Engine, Change], None],
        log: logging.Logger,
    ) -> None:
        self._engine, self._deployment = engine, deployment
        self._changed, self._log = changed, log
        self._since: int | None = None
        self._stream: CancellableStream | None = None
        self._closing = threading.Event()
        name = f"zoe-docker-events-{engine.name}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._closing.set()
        stream = self._stream
        if stream is not None:
            with suppress(OSError, AttributeError):
                stream.close()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._listen()
            except BackendError as error:
                self._log.debug("No events: %s", error)
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                self._log.debug("The events of %s broke off: %s", self._engine.name, error)
            self._closing.wait(_PAUSE)

    def _listen(self) -> None:
        filters = {
            "type": ["container"],
            "event": [STARTED, ENDED, OUT_OF_MEMORY],
            "label": [f"{DEPLOYMENT}={self._deployment}"],
        }
        parameters = {"filters": json.dumps(filters)}
        if self._since is not None:
            parameters["since"] = str(self._since)
        answer = self._engine.stream("/events", **parameters)
        pieces = answer.raw.stream(1 << 16, decode_content=False)
        self._stream = CancellableStream(pieces, answer)
        with answer:
            if self._closing.is_set():  # it was too early to be ended by `close`
                return
            for line in _lines(pieces):
                if self._closing.is_set():
                    return
                self._hear(json.loads(line))

    def _hear(self, event: Mapping[str, Any]) -> None:
        self._since = event["time"]  # in whole seconds, so the last one comes again
        instance = identify(self._deployment, event["Actor"]["Attributes"])
        if instance is not None:
            self._changed(self._engine, Change(event["Action"], instance))


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from filter(None, whole)
