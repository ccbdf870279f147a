"""Who follows the events hears of each once and in order, whatever was interrupted meanwhile."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from tests.faults.chaos.evidence import Evidence


def check_stream(evidence: Evidence, seen: Sequence[int]) -> Iterator[str]:
    """Compare what a reader has seen with the log."""
    known = {event.id for told in evidence.events.values() for event in told}
    for before, after in pairwise(seen):
        if after <= before:
            yield f"a reader saw event {after} after event {before}"
    if missed := sorted(known - set(seen)):
        yield f"a reader missed the events {missed[:20]} of {len(known)}"
    if invented := sorted(set(seen) - known):
        yield f"a reader saw events that are not in the log: {invented[:20]}"
