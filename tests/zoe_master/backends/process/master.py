"""A master that only starts one instance and waits to be killed.

Usage: ``python -m tests.zoe_master.backends.process.master DIRECTORY DEPLOYMENT TIMEOUT COMMAND…``
"""

import signal
import sys

from zoe_core.amount import Amount
from zoe_core.cluster import InstanceId
from zoe_master.backends.base import InstanceSpec
from zoe_master.backends.process import ProcessBackend

INSTANCE = InstanceId(1, "worker", 0)


def main(directory: str, deployment: str, timeout: str, *command: str) -> None:
    backend = ProcessBackend(
        deployment=deployment,
        directory=directory,
        environments={"test": {}},
        orphan_timeout=float(timeout),
    )
    backend.open()
    backend.start(
        InstanceSpec(
            id=INSTANCE,
            node=backend.nodes()[0].name,
            image="test",
            command=command,
            environment={},
            reservation=Amount(),
            workspace=backend.workspace("alice"),
            user="alice",
        )
    )
    print("started", flush=True)
    signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
