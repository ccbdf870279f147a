"""From the description of an execution to what the back-end needs to start one of its instances."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from zoe_core.cluster import ExecutionView, InstanceId, InstanceView
from zoe_core.protocol import OWN_ADDRESS
from zoe_core.zapp import InstanceContext, Service, SiteDefaults, render_instance
from zoe_master.backends.base import Backend, InstanceSpec


@dataclass(frozen=True, slots=True)
class SpecMaker:
    """Makes specs; ``portal_path`` is where the portal's pages begin, without a final slash."""

    backend: Backend
    defaults: SiteDefaults
    portal_path: str

    def make(
        self,
        execution: ExecutionView,
        instance: InstanceView,
        secrets: Callable[[int], Mapping[str, str]],
    ) -> InstanceSpec:
        """The spec of one instance; if it needs the execution's ``secrets``, they are read.

        They are added to its environment. They come from the hub, which cannot know the address
        yet: ``{dns_name#self}`` in them is replaced.
        """
        service = service_of(execution, instance.id)
        rendered = render_instance(
            execution.zapp, service, instance.id.index, self._context(execution)
        )
        # They are the Jupyter server's: its workers and the like have no business with its token.
        is_server = service.name == execution.zapp.hub_server
        own_secrets = self._addressed(secrets(execution.id), instance.id) if is_server else {}
        return InstanceSpec(
            id=instance.id,
            node=instance.node,
            image=service.image,
            command=rendered.command,
            environment={**rendered.environment, **own_secrets},
            reservation=instance.reservation,
            workspace=self.backend.workspace(execution.user),
            user=execution.user,
            memory_limit=service.memory_limit(self.defaults),
            shm=service.resources.shm,
            work_dir=rendered.work_dir,
            ports=tuple(port.port_number for port in service.ports),
            volumes=tuple(
                (each.path, f"/mnt/{each.name}", each.read_only) for each in service.volumes
            ),
            devices=instance.devices,
        )

    def _addressed(self, secrets: Mapping[str, str], instance: InstanceId) -> dict[str, str]:
        own = self.backend.dns_name(instance.execution_id, instance.service, instance.index)
        return {name: value.replace(OWN_ADDRESS, own) for name, value in secrets.items()}

    def _context(self, execution: ExecutionView) -> InstanceContext:
        labels = {service.name: service.dns_label for service in execution.zapp.services}

        def dns_name(service: str, index: int) -> str:
            return self.backend.dns_name(execution.id, labels[service], index)

        def proxy_path(instance: str, port: int) -> str:
            return f"{self.portal_path}/executions/{execution.id}/endpoints/{instance}/{port}"

        return InstanceContext(
            user_name=execution.user,
            execution_id=execution.id,
            execution_name=execution.name,
            deployment_name=self.backend.deployment,
            workspace=self.backend.workspace(execution.user),
            uid=os.getuid(),
            gid=os.getgid(),
            dns_name=dns_name,
            proxy_path=proxy_path,
            defaults=self.defaults,
        )


def service_of(execution: ExecutionView, instance: InstanceId) -> Service:
    """The service that an instance belongs to."""
    return next(each for each in execution.zapp.services if each.dns_label == instance.service)
