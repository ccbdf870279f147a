"""The fields by which lines of the log are found: of which execution, of which instance."""

from __future__ import annotations

from zoe_core.cluster import InstanceId


def about(what: int | InstanceId) -> dict[str, int | str]:
    """For ``extra`` of a call of the log; the plain format does not show it."""
    if isinstance(what, int):
        return {"execution": what}
    return {
        "execution": what.execution_id,
        "instance": what.name,
        "attempt": what.attempt,
    }
