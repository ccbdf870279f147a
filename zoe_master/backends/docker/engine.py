"""One Docker Engine: its clients, whether it answers, and its errors as ours."""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import docker
import requests
import urllib3
from docker.errors import APIError, DockerException, ImageNotFound
from docker.tls import TLSConfig

from zoe_core.amount import Amount
from zoe_core.cluster import Node
from zoe_master.backends.base import Fatal, Retry
from zoe_master.backends.docker.settings import EngineSettings

QUESTION_TIMEOUT = 5.0
"""Seconds until an engine that does not answer a question counts as away."""

WORK_TIMEOUT = 300.0
"""Seconds that a creation, a start or a removal may take on a busy engine."""

SILENCE_TIMEOUT = 60.0
"""Seconds without a word after which a stream is asked for anew: its engine may be gone unseen."""

Log = logging.Logger | logging.LoggerAdapter[logging.Logger]

_PAUSE = 3.0  # seconds for which an engine that is away is not asked again
_AWAY = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,  # it broke off in the middle of an answer
    urllib3.exceptions.HTTPError,
)


class _NotAsked(Retry):
    """We could not even connect, for want of open files: that says nothing of the engine."""


class Engine:
    """A Docker Engine and what was last heard of it. Thread-safe.

    ``ask`` is for questions, which a short time-out ends; ``work`` for what takes a while. When an
    engine does not answer, further calls raise Retry at once for a few seconds, so that it holds
    up nobody.
    """

    def __init__(self, settings: EngineSettings, log: Log) -> None:
        self.settings = settings
        self.name = settings.name
        self.swarm: str | None = None
        """The id of the swarm that it manages, empty when it manages none; None: not known yet."""
        self._log = log
        self._lock = threading.Lock()
        self._away_since: float | None = None
        self._ask_again = 0.0
        self._offer: tuple[Amount, frozenset[str]] = (Amount(), frozenset())
        self._clients: dict[float, docker.DockerClient] = {}  # by their time-outs

    @contextmanager
    def ask(self) -> Iterator[docker.DockerClient]:
        """A client for questions. Raises Retry, and Fatal for what the engine refuses."""
        with self._speaking():
            yield self._client(QUESTION_TIMEOUT)

    @contextmanager
    def work(self) -> Iterator[docker.DockerClient]:
        """A client for what takes a while. Raises Retry, and Fatal for what it refuses."""
        with self._speaking():
            yield self._client(WORK_TIMEOUT)

    def stream(self, path: str, **parameters: str) -> requests.Response:
        """An answer without end, such as events: read from ``raw``. Raises Retry and Fatal.

        Reading raises an error of urllib3 after ``SILENCE_TIMEOUT`` without a word. The SDK reads
        such answers one small frame after the other, which is too slow for logs.
        """
        with self._speaking():
            api = self._client(WORK_TIMEOUT).api
            url = f"{api.base_url}/v{api.api_version}{path}"
            answer: requests.Response = api.get(
                url, params=parameters, stream=True, timeout=(QUESTION_TIMEOUT, SILENCE_TIMEOUT)
            )
            if answer.status_code >= 400:
                text = f"The engine of {self.name} refused: {answer.text.strip()}"
                raise (Fatal if answer.status_code < 500 else Retry)(text)
            return answer

    @property
    def away_for(self) -> float:
        """Seconds since it stopped to answer; 0 while it does."""
        since = self._away_since
        return 0.0 if since is None else time.monotonic() - since

    def node(self) -> Node:
        """The node that it is, as it was last seen when it is away."""
        online = True
        try:
            self._offer = self._look()
        except _NotAsked:
            online = not self.away_for
        except (Retry, Fatal):
            online = False
        capacity, images = self._offer
        return Node(
            name=self.name,
            capacity=capacity,
            labels=self.settings.labels,
            online=online,
            draining=self.settings.drain,
            devices=self.settings.gpus,
            local_images=images,
        )

    def close(self) -> None:
        """Let go of idle connections."""
        with self._lock:
            clients = list(self._clients.values())
        for client in clients:
            client.close()

    def _look(self) -> tuple[Amount, frozenset[str]]:
        with self.ask() as client:
            info = client.info()
            images = frozenset(_image_names(client.api.images()))
        self.swarm = _swarm(info["Swarm"], self.swarm)
        settings = self.settings
        memory = settings.memory or info["MemTotal"] * 9 // 10
        return Amount.of(memory, settings.cores or info["NCPU"], len(settings.gpus)), images

    def _client(self, timeout: float) -> docker.DockerClient:
        """The client with that time-out; it is made when it is wanted first.

        Nothing is locked meanwhile: of several that wait for an engine that hangs, each waits once.
        """
        known = self._clients.get(timeout)
        if known is not None:
            return known
        made = self._connect(timeout)
        with self._lock:
            client = self._clients.setdefault(timeout, made)
        if client is not made:
            made.close()
        return client

    def _connect(self, timeout: float) -> docker.DockerClient:
        """A client that speaks the engine's newest version of the API, which is soon told."""
        oldest = docker.constants.MINIMUM_DOCKER_API_VERSION
        with closing(self._make_client(QUESTION_TIMEOUT, oldest)) as client:
            version = client.api.version(api_version=False)["ApiVersion"]
        return self._make_client(timeout, version)

    def _make_client(self, timeout: float, version: str) -> docker.DockerClient:
        settings = self.settings
        tls = settings.tls and TLSConfig(
            client_cert=(settings.tls.cert, settings.tls.key), ca_cert=settings.tls.ca, verify=True
        )
        client = docker.DockerClient(
            base_url=settings.url, timeout=timeout, tls=tls or False, version=version
        )
        # Else REQUESTS_CA_BUNDLE would be believed instead of our authority (requests#3829), and
        # proxies of the environment would get between.
        client.api.trust_env = False
        return client

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        if time.monotonic() < self._ask_again:
            raise Retry(f"The engine of {self.name} does not answer.")
        try:
            yield
        except APIError as error:
            raise self._refusal(error) from error
        except _AWAY as error:
            raise self._silence(error) from error
        except DockerException as error:
            if type(error) is not DockerException:  # the SDK refuses an argument
                raise Fatal(f"The engine of {self.name} cannot do that: {error}.") from error
            raise self._silence(error) from error  # its word for a first connection that failed
        self._comes_back()

    def _silence(self, error: Exception) -> Retry:
        root = _root_of(error)
        if isinstance(root, OSError) and root.errno in (errno.EMFILE, errno.ENFILE):
            return _NotAsked(f"The engine of {self.name} was not asked: {root.strerror}.")
        self._goes_away(error)
        return Retry(f"The engine of {self.name} does not answer.")

    def _goes_away(self, error: Exception) -> None:
        with self._lock:
            new = self._away_since is None
            self._away_since = self._away_since or time.monotonic()
            self._ask_again = time.monotonic() + _PAUSE
        if new:
            url = self.settings.url
            self._log.warning("%s is offline: %s: %s", self.name, url, _root_of(error))

    def _comes_back(self) -> None:
        if self._away_since is None:
            return
        with self._lock:
            was_away, self._away_since = self._away_since is not None, None
        if was_away:
            self._log.info("%s is online again", self.name)

    def _refusal(self, error: APIError) -> Retry | Fatal:
        """4xx will not get better; 5xx may, as of an engine that is being stopped."""
        text = f"The engine of {self.name} refused: {_sentence(error)}"
        if isinstance(error, ImageNotFound) or error.is_client_error():
            return Fatal(text)
        return Retry(text)


def _sentence(error: APIError) -> str:
    text = str(error.explanation or error).strip()
    return text if text.endswith(".") else f"{text}."


def _swarm(state: Mapping[str, Any], known: str | None) -> str | None:
    """The id of the swarm that it manages, empty when it manages none; ``known`` when not said.

    A manager does not say while it starts, nor while its swarm has no leader.
    """
    where = state["LocalNodeState"]
    if where == "inactive" or (where == "active" and not state["ControlAvailable"]):
        return ""
    return (state.get("Cluster") or {}).get("ID") or known


def _root_of(error: BaseException) -> BaseException:
    """What went wrong first: the SDK and its libraries wrap it several times."""
    while True:
        wrapped = [getattr(error, "reason", None), *error.args, error.__cause__]
        inner = next((each for each in wrapped if isinstance(each, BaseException)), None)
        if inner is None:
            return error
        error = inner


def _image_names(images: list[dict[str, Any]]) -> Iterator[str]:
    """As people may write them: ``zoe/spark:latest`` is ``zoe/spark`` as well."""
    for image in images:
        for tag in image.get("RepoTags") or ():
            yield tag
            if tag.endswith(":latest"):
                yield tag.removesuffix(":latest")
