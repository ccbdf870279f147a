"""The SDK's client of an engine that exists only in the tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import requests
from docker.errors import APIError, NotFound

from zoe_core.cluster import InstanceId
from zoe_master.backends.docker.identity import instance_labels

DEPLOYMENT = "5a9c1f04-7f5e-4f4e-9d52-0c6a5a1f9b11"


@dataclass
class FakeContainer:
    """A container as ``docker inspect`` tells it; ``broken``: the engine cannot tell."""

    instance: InstanceId
    status: str = "running"
    broken: bool = False
    exit_code: int = 0
    networks: Mapping[str, Any] = field(default_factory=dict)

    @property
    def labels(self) -> dict[str, str]:
        return instance_labels(DEPLOYMENT, self.instance)

    @property
    def attrs(self) -> dict[str, Any]:
        return {
            "State": {
                "ExitCode": self.exit_code,
                "Error": "",
                "OOMKilled": False,
                "FinishedAt": "2026-11-23T04:05:06.123456789Z",
            },
            "HostConfig": {"Memory": 0},
            "NetworkSettings": {"Ports": {}, "Networks": self.networks},
        }


class FakeClient:
    """Answers what the back-end asks of containers; it makes none."""

    def __init__(self, *containers: FakeContainer) -> None:
        self._there = {each.instance.container_name(DEPLOYMENT): each for each in containers}
        self.containers = SimpleNamespace(get=self._get)
        self.api = SimpleNamespace(containers=self._list, images=list)

    def info(self) -> dict[str, Any]:
        return {"Swarm": {"LocalNodeState": "inactive"}, "MemTotal": 2**33, "NCPU": 4}

    def close(self) -> None:
        pass

    def _list(self, **_: Any) -> Sequence[Mapping[str, Any]]:
        return [{"Labels": each.labels, "State": each.status} for each in self._there.values()]

    def _get(self, name: str) -> FakeContainer:
        if name not in self._there:
            raise NotFound("No such container")
        if self._there[name].broken:
            response = requests.Response()
            response.status_code = 500
            raise APIError("failed", response, "the layer does not exist")
        return self._there[name]
