"""The phases in the life of executions in which a master is killed.

Each is a generator: it prepares, yields; sets the phase off, in which the master dies, yields; and
says what must come of it all the same.
"""

import shlex
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tests.support.builders import service, worker, zapp

if TYPE_CHECKING:
    from tests.faults.site import CrashSite

CORES = {"main": 1, "worker": 1, "large": 3}
"""What each instance of these services reserves, out of ``NODE_CORES``."""
NODE_CORES = 4

# What it notes it has printed before, so that its log can be held against that.
_NOTE = 'note() { echo "$1 $ZOE_INSTANCE"; echo "$1 $ZOE_INSTANCE" >> "$ZOE_WORKSPACE/$2"; }; '
# All processes of an attempt hold the lock of its instance, whatever the attempt, while they live.
_ALONE = (
    'exec 9> "$ZOE_WORKSPACE/lock-${ZOE_INSTANCE%-*}"; '
    "flock --nonblock 9 || note overlapping overlaps; "
)
_BEGIN = _NOTE + _ALONE + "note begun runs; "
_FINISH = (
    'until [ -e "$ZOE_WORKSPACE/finish-$EXECUTION_ID" ]; do sleep 0.1; done; note succeeded runs'
)


def _service(make: Callable[..., dict[str, Any]], line: str, name: str, **fields: Any) -> Any:
    command = shlex.join(["sh", "-c", line])
    return make(name=name, command=command, memory=0.1, cores=CORES[name], **fields)


PORT = {"name": "page", "protocol": "tcp", "port_number": 8080}  # needs an address, which must go
MAIN = _service(service, _BEGIN + _FINISH, "main", ports=[PORT])
HELPER = _BEGIN + 'trap "note stopped stops; exit 1" TERM; sleep 1000'
GANG = zapp(MAIN, _service(worker, HELPER, "worker"))
ELASTIC = zapp(MAIN, _service(worker, HELPER, "worker", essential=0, elastic=2))
# Before all others, so that room is made for it whatever the policy says.
LARGE = zapp(_service(service, _BEGIN + _FINISH, "large"), priority="high")
TOO_LARGE = zapp(service(cores=99))


def submit(site: "CrashSite") -> Iterator[None]:
    """A request that has to wait is taken into the queue."""
    yield
    one = site.submit(TOO_LARGE)
    yield
    site.until(one, "queued")
    site.wish_end(one)
    site.ends(one, "Enough.", ["queued", "terminated"])


def start(site: "CrashSite") -> Iterator[None]:
    """A gang of two services, of which one starts after the other."""
    yield
    one = site.submit(GANG)
    yield
    site.run(one, main=1, worker=1)
    site.finish(one)


def grow(site: "CrashSite") -> Iterator[None]:
    """Room becomes free, into which elastic instances grow."""
    large = site.submit(LARGE)
    site.run(large, large=1)
    one = site.submit(ELASTIC)
    site.run(one, main=1)
    yield
    site.let_finish(large)
    yield
    site.run(one, main=1, worker=2)
    site.finish(large)
    site.finish(one)


def shrink(site: "CrashSite") -> Iterator[None]:
    """Elastic instances are taken back for a gang, and come again after it."""
    one = site.submit(ELASTIC)
    site.run(one, main=1, worker=2)
    yield
    large = site.submit(LARGE)
    yield
    site.run(large, large=1)
    site.run(one, main=1)
    site.finish(large)
    site.run(one, main=1, worker=2)
    site.finish(one)


def terminate(site: "CrashSite") -> Iterator[None]:
    """A gang is ended on request."""
    one = site.submit(GANG)
    site.run(one, main=1, worker=1)
    yield
    site.wish_end(one)
    yield
    site.ends(one, "Enough.", ["queued", "starting", "running", "cleaning_up", "terminated"])


def clean_up(site: "CrashSite") -> Iterator[None]:
    """A gang has finished; what is left of it goes."""
    one = site.submit(GANG)
    site.run(one, main=1, worker=1)
    yield
    site.let_finish(one)
    yield
    site.finish(one)


PHASES: dict[str, Callable[["CrashSite"], Iterator[None]]] = {
    each.__name__: each for each in (submit, start, grow, shrink, terminate, clean_up)
}
