"""A back-end without processes: for trying Zoe out at any size, and for everybody's tests.

``FakeBackend`` keeps its instances in a ``FakeEngine``. They do what their command says, as far as
``command`` understands it, and what a ``Script`` adds to that: errors, delays, early ends::

    engine = FakeEngine(ManualClock())
    engine.script("spark-worker", Script(start_errors=(Retry("no address left"),), exit_after=5))
    backend = FakeBackend(deployment=..., directory=..., engine=engine)

An engine may be given to several back-ends, one after the other: so a master restarts in a test.
One that runs in a process of its own (``serve``, ``c.FakeBackend.engine_address``) outlives even a
master that was killed.
"""

from zoe_master.backends.fake.backend import FakeBackend
from zoe_master.backends.fake.clock import Clock, ManualClock, RealClock
from zoe_master.backends.fake.engine import FakeEngine, Script
from zoe_master.backends.fake.remote import RemoteEngine

__all__ = [
    "Clock",
    "FakeBackend",
    "FakeEngine",
    "ManualClock",
    "RealClock",
    "RemoteEngine",
    "Script",
]
