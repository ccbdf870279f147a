"""A process that remembers much is not stopped again and again to look through all of it."""

import subprocess
import sys

PROGRAM = """
import gc, weakref
from zoe_master import pauses

class Knot:
    pass

pauses.make_rare()
before = gc.get_stats()[2]["collections"]
kept = [(number, [number]) for number in range(500_000)]
knot = Knot()
knot.self, seen = knot, weakref.ref(knot)
del knot
passing = [[number] for number in range(200_000)]
assert seen() is None, "what has cycles and is young is found"
assert gc.get_stats()[2]["collections"] == before
"""


def test_all_objects_are_looked_through_rarely() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)
    default = PROGRAM.replace("pauses.make_rare()", "")
    assert subprocess.run([sys.executable, "-c", default], stderr=subprocess.DEVNULL).returncode
