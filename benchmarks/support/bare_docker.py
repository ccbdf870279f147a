"""What containers cost without Zoe: the docker SDK makes and removes the same ones, and no more.

Same image, limits, walls and mounts, and a network for each, as the back-end asks for them.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import docker

from zoe_core.amount import Amount
from zoe_core.cluster import InstanceId
from zoe_master.backends.base import InstanceSpec
from zoe_master.backends.docker.containers import Surroundings, create_arguments
from zoe_master.backends.docker.identity import execution_labels, network_name


class BareDocker:
    """``with BareDocker(…) as bare``. Each of the ``clients`` has a thread, as Zoe's calls have."""

    def __init__(self, url: str, image: str, command: tuple[str, ...], workspace: Path) -> None:
        self._client = docker.DockerClient(base_url=url, timeout=300, max_pool_size=64)
        self._deployment = str(uuid4())
        self._image, self._command, self._workspace = image, command, workspace
        self._serial = 0

    def __enter__(self) -> BareDocker:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def wave(self, count: int) -> tuple[float, float]:
        """Seconds until ``count`` containers run, and seconds until they and all are gone."""
        numbers = range(self._serial, self._serial + count)
        self._serial += count
        with ThreadPoolExecutor(count) as pool:
            began = time.perf_counter()
            list(pool.map(self._start, numbers))
            running = time.perf_counter() - began
            began = time.perf_counter()
            list(pool.map(self._end, numbers))
            return running, time.perf_counter() - began

    def _start(self, number: int) -> None:
        spec = InstanceSpec(
            id=InstanceId(number, "sleeper", 0),
            node="here",
            image=self._image,
            command=self._command,
            environment={},
            reservation=Amount.of(512 * 2**20, 0.1),
            memory_limit=512 * 2**20,
            workspace=str(self._workspace),
            user="bare",
        )
        around = Surroundings(
            deployment=self._deployment,
            dns_name=f"sleeper-0-{number}",
            network=network_name(self._deployment, number),
            user_ids="1000:1000",
            pids_limit=1024,
            log_bytes=2**24,
        )
        labels = execution_labels(self._deployment, number)
        self._client.networks.create(around.network, driver="bridge", labels=labels)
        self._client.containers.create(**create_arguments(spec, around)).start()

    def _end(self, number: int) -> None:
        name = InstanceId(number, "sleeper", 0).container_name(self._deployment)
        container = self._client.containers.get(name)
        container.kill("SIGTERM")
        container.wait()
        container.remove(v=True)
        self._client.networks.get(network_name(self._deployment, number)).remove()
