"""A node that is full for ten minutes, and one execution that waits for it."""

from tests.support.builders import after, execution, instance, node, service, snapshot

NOW = after(100)
PICTURE = snapshot(
    node(memory=4),
    [
        execution(1, service(memory=4), status="running", started_at=after(0), limit=600),
        execution(2, service(memory=4)),
    ],
    [instance(1, memory=4, started_at=after(0))],
)
