"""``zoe-master`` with a process back-end in which the first start of all never returns.

Later starts, also those of other masters in the same directory, work.
"""

import threading
from pathlib import Path

from zoe_master import app
from zoe_master.backends.base import InstanceSpec
from zoe_master.backends.process import ProcessBackend
from zoe_master.engine import applier

HANGS = "hangs"
"""The file that says, in the back-end's directory, that it has hung."""


def start(self: ProcessBackend, spec: InstanceSpec) -> None:
    try:
        Path(self.directory, HANGS).touch(exist_ok=False)
    except FileExistsError:
        work(self, spec)
    else:
        threading.Event().wait()


if __name__ == "__main__":
    work, ProcessBackend.start = ProcessBackend.start, start  # type: ignore[method-assign]
    applier.ENDS_WITHIN = 0.5
    app.END_WITHIN = 0.5
    app.main()
