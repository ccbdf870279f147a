"""Runs a ZApp of the gallery on the real process back-end, without hub, master and database."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.waiting import eventually
from zapp_gallery import load_gallery
from zoe_core.cluster import InstanceId, Observed
from zoe_core.zapp import (
    InstanceContext,
    Service,
    SiteDefaults,
    ZApp,
    apply_parameters,
    render_instance,
)
from zoe_master.backends.base import InstanceSpec, Observation
from zoe_master.backends.process import ProcessBackend
from zoe_master.backends.process.environments import default_environments

EXECUTION = 7
USER = "ada"


@dataclass(frozen=True, slots=True)
class Run:
    """An execution of which all instances have been started."""

    backend: ProcessBackend
    zapp: ZApp
    workspace: Path

    def instance(self, service: str, index: int = 0) -> InstanceId:
        """The identity of one of its instances."""
        return InstanceId(EXECUTION, service, index)

    def log(self, service: str, index: int = 0) -> str:
        """All that an instance has printed so far."""
        raw = self.backend.read_log(self.instance(service, index), 0, 2**20)
        return raw.decode(errors="replace")

    def observation(self, instance: InstanceId) -> Observation:
        """What the back-end sees of an instance."""
        return next(seen for seen in self.backend.observations() if seen.id == instance)

    def wait(self, timeout: float = 100.0) -> int:
        """Return the exit code of the monitor, once it has ended."""
        monitor = next(service for service in self.zapp.services if service.monitor)
        instance = self.instance(monitor.dns_label)
        eventually(
            lambda: self.observation(instance).observed is Observed.EXITED, timeout, self.all_logs
        )
        code = self.observation(instance).exit_code
        assert code is not None
        return code

    def all_logs(self) -> str:
        """What a failed test shows."""
        return "\n".join(
            f"== {seen.id} {seen.observed} {seen.exit_code}\n"
            + self.backend.read_log(seen.id, 0, 2**20).decode(errors="replace")
            for seen in self.backend.observations()
        )


@contextmanager
def running(
    slug: str,
    directory: Path,
    values: Mapping[str, object] | None = None,
    files: Mapping[str, str] | None = None,
    programs: Path | None = None,
) -> Iterator[Run]:
    """Start every instance of a ZApp; at the end stop what still runs.

    ``files`` are put into the workspace before. Commands are looked for in ``programs`` first.
    """
    entry = load_gallery()[slug]
    zapp = apply_parameters(entry.zapp, entry.parameters, values or {})
    backend = ProcessBackend(
        deployment=str(uuid.uuid4()),
        directory=str(directory / "backend"),
        environments=_environments(programs),
        grace=3.0,
    )
    backend.open()
    try:
        workspace = Path(backend.workspace(USER))
        workspace.mkdir(parents=True, exist_ok=True)
        for name, content in (files or {}).items():
            (workspace / name).write_text(content, encoding="utf-8")
        run = Run(backend, zapp, workspace)
        for service in zapp.services:
            for index in range(service.total_count):
                backend.start(_spec(run, service, index))
        yield run
    finally:
        backend.end_all()
        backend.close()


def _environments(programs: Path | None) -> dict[str, dict[str, Any]]:
    environments = default_environments()
    for environment in environments.values() if programs else ():
        environment["path"] = [str(programs), *environment["path"]]
    return environments


def _spec(run: Run, service: Service, index: int) -> InstanceSpec:
    backend, zapp = run.backend, run.zapp
    context = InstanceContext(
        user_name=USER,
        execution_id=EXECUTION,
        execution_name="test",
        deployment_name="test",
        workspace=str(run.workspace),
        uid=os.getuid(),
        gid=os.getgid(),
        dns_name=lambda name, number: backend.dns_name(
            EXECUTION, zapp.service(name).dns_label, number
        ),
        proxy_path=lambda name, port: f"/services/zoe/executions/7/endpoints/{name}/{port}",
        defaults=SiteDefaults(),
    )
    rendered = render_instance(zapp, service, index, context)
    return InstanceSpec(
        id=run.instance(service.dns_label, index),
        node=backend.nodes()[0].name,
        image=service.image,
        command=rendered.command,
        environment=rendered.environment,
        reservation=service.reservation(SiteDefaults()),
        workspace=str(run.workspace),
        user=USER,
        work_dir=rendered.work_dir,
        ports=tuple(port.port_number for port in service.ports),
    )
