"""Labels: how what we make on an engine says to which deployment, execution, instance it belongs.

An engine's list by labels is the truth about what exists; names are made of the same parts, so that
the second of two creations is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from zoe_core.cluster import InstanceId

DEPLOYMENT = "zoe.deployment"
EXECUTION = "zoe.execution"
SERVICE = "zoe.service"
INDEX = "zoe.index"
ATTEMPT = "zoe.attempt"


def instance_labels(deployment: str, instance: InstanceId) -> dict[str, str]:
    """The labels of a container."""
    return {
        **execution_labels(deployment, instance.execution_id),
        SERVICE: instance.service,
        INDEX: str(instance.index),
        ATTEMPT: str(instance.attempt),
    }


def execution_labels(deployment: str, execution_id: int) -> dict[str, str]:
    """The labels of a network, and of all that belongs to an execution."""
    return {DEPLOYMENT: deployment, EXECUTION: str(execution_id)}


def identify(deployment: str, labels: Mapping[str, str]) -> InstanceId | None:
    """Which instance has these labels; None when it is not ours or not an instance."""
    if labels.get(DEPLOYMENT) != deployment:
        return None
    try:
        return InstanceId(
            int(labels[EXECUTION]), labels[SERVICE], int(labels[INDEX]), int(labels[ATTEMPT])
        )
    except (KeyError, ValueError):
        return None


def label_filters(deployment: str, execution_id: int | None = None) -> dict[str, list[str]]:
    """The ``filters`` of a list: what is ours, or what belongs to one execution."""
    wanted = {DEPLOYMENT: deployment}
    if execution_id is not None:
        wanted = execution_labels(deployment, execution_id)
    return {"label": [f"{name}={value}" for name, value in wanted.items()]}


def network_name(deployment: str, execution_id: int) -> str:
    """The name of an execution's network: ``zoe-5a9c1f04-42``."""
    return f"zoe-{deployment[:8]}-{execution_id}"
