"""Nothing is left of what has ended."""

from collections.abc import Iterator

from tests.faults.chaos.evidence import Evidence


def check_remains(evidence: Evidence, leftovers: list[str]) -> Iterator[str]:
    """No reservation, no secret, no wish, no stranger, and nothing on the back-end."""
    for row in evidence.instances:
        if row.observed not in ("exited", "lost"):
            yield f"execution {row.execution_id}: {row} still holds its reservation"
    for row in evidence.launch_secrets:
        yield f"execution {row.execution_id}: its secrets were not wiped"
    for row in evidence.open_intents:
        yield f"execution {row.execution_id}: nobody has acted on the wish {row}"
    for row in evidence.strangers:
        yield f"execution {row.execution_id}: it is a stranger: {row}"
    for what in leftovers:
        yield f"left on the back-end: {what}"
