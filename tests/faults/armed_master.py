"""``zoe-master``, told only while it runs where to crash: on SIGUSR1 it reads ``ZOE_DIR/crash-at``.

The file is removed once that counts. It also looks more often than a master needs to, because the
tests send no wake-ups.
"""

import itertools
import os
import signal
from pathlib import Path

from zoe_master import app
from zoe_master.engine import loop
from zoe_store import checkpoints

ORDER = "crash-at"


def arm(*_: object) -> None:
    order = Path(os.environ["ZOE_DIR"], ORDER)
    checkpoints._times = itertools.count(1)
    checkpoints._CRASH = checkpoints.crash_point({"ZOE_CRASH_AT": order.read_text()})
    order.unlink()


if __name__ == "__main__":
    loop.LOOK_EVERY = 0.1
    app.TRY_AGAIN = 0.05
    signal.signal(signal.SIGUSR1, arm)
    app.main()
