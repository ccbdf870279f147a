"""What a hub does for a person, in a process of its own that may crash.

Usage: ``python -m tests.faults.customer URL submit KEY`` or ``… URL end EXECUTION``
"""

import sys

from tests.faults.phases import GANG
from tests.support.builders import START
from tests.support.submissions import submit
from zoe_store import executions
from zoe_store.database import Database


def main(url: str, what: str, which: str) -> None:
    database = Database(url)
    if what == "submit":
        submit(database, GANG, idempotency_key=which, fingerprint="same")
    else:
        executions.request_termination(database, int(which), "alice", "Enough.", START)


if __name__ == "__main__":
    main(*sys.argv[1:])
