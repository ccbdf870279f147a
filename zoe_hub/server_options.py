"""``user_options`` of a server: what the portal tells ZoeSpawner by way of JupyterHub's REST."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zoe_core.zapp import InstanceSize, RuntimeLimit
from zoe_hub.spawn_steps import SpawnFailed
from zoe_hub.submission import Order

_FOR_ONE_LAUNCH = frozenset({"idempotency_key", "asked_name", "execution_id"})


class ServerOptions(BaseModel):
    """All are optional. ``name`` is the execution's; ``idempotency_key`` belongs to the request.

    ``asked_name`` is the name as it stood in that request, for its fingerprint. ``execution_id``:
    launch again only this one, which waits; nothing when it has ended or is being stopped.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    zapp: str | None = None
    parameters: dict[str, Any] | None = None
    resources: dict[str, InstanceSize] | None = None
    runtime_limit: RuntimeLimit | None = None
    name: str | None = None
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=200)
    asked_name: str | None = None
    execution_id: int | None = Field(default=None, ge=1)

    @classmethod
    def read(cls, options: Mapping[str, Any] | None) -> ServerOptions:
        """Check what JupyterHub was given; raises SpawnFailed."""
        try:
            return cls.model_validate(dict(options or {}))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(["user_options", *map(str, first["loc"])])
            raise SpawnFailed(f"{where}: {first['msg']}.", 422) from None

    def document(self) -> dict[str, Any]:
        """What to send."""
        return self.model_dump(exclude_none=True)

    def order(self, default_zapp: str, server_name: str) -> Order:
        """What is to be launched, when nothing else is said: that ZApp, named like the server."""
        zapp = self.zapp or default_zapp
        return Order(
            zapp=zapp,
            parameters=self.parameters or {},
            name=self.name or server_name or zapp,
            resources=self.resources or {},
            runtime_limit=self.runtime_limit,
        )


def lasting(options: Mapping[str, Any] | None) -> dict[str, Any]:
    """What JupyterHub may keep for the next launch of a server of that name."""
    return {key: value for key, value in (options or {}).items() if key not in _FOR_ONE_LAUNCH}
