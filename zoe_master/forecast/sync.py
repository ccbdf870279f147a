"""What another process has to hear to know what this one knows: only what is new to it.

A snapshot of ten thousand executions takes 0.7 s to pickle; what changes in a step, next to none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from zoe_core.cluster import Snapshot
from zoe_core.scheduling.history import History
from zoe_master.engine.experience import Experience
from zoe_store.past import Run

_NOTHING = Snapshot({}, {}, {})


@dataclass(frozen=True, slots=True)
class Update:
    """What makes one snapshot and history of the one before.

    ``executions`` and ``instances`` have what changed, and ``gone`` what is in neither any more;
    ``rest`` has all else that a snapshot is made of, ``runs`` those that ended since.
    """

    executions: Mapping[int, Any]
    instances: Mapping[int, Any]
    gone: tuple[int, ...]
    rest: Snapshot
    runs: tuple[Run, ...]


class Sender:
    """Remembers what the other side knows."""

    def __init__(self, experience: Experience) -> None:
        self._experience = experience
        self._known = _NOTHING
        self._count = 0

    def update(self, snapshot: Snapshot) -> Update:
        """What the other side needs; from now on it is taken to have that."""
        old, self._known = self._known, snapshot
        count, self._count = self._count, self._experience.count
        return Update(
            executions=_changed(old.executions, snapshot.executions),
            instances=_changed(old.instances, snapshot.instances),
            gone=tuple(old.executions.keys() - snapshot.executions.keys()),
            rest=replace(snapshot, executions={}, instances={}),
            runs=self._experience.since(count),
        )

    def forget(self) -> None:
        """The other side has ended: its successor knows nothing."""
        self._known, self._count = _NOTHING, 0


@dataclass(slots=True)
class Receiver:
    """The other side."""

    snapshot: Snapshot = _NOTHING
    history: History = field(default_factory=History)

    def take(self, update: Update) -> None:
        """Know from now on what the sender knew."""
        old, gone = self.snapshot, update.gone
        self.snapshot = replace(
            update.rest,
            executions=_merged(old.executions, update.executions, gone),
            instances=_merged(old.instances, update.instances, gone),
        )
        for run in update.runs:
            self.history.record(run.user, run.zapp, run.seconds)


def _changed(old: Mapping[int, Any], new: Mapping[int, Any]) -> dict[int, Any]:
    """Views are never changed, so what is the same object is the same."""
    return {key: each for key, each in new.items() if old.get(key) is not each}


def _merged(
    old: Mapping[int, Any], changed: Mapping[int, Any], gone: Iterable[int]
) -> dict[int, Any]:
    merged = {**old, **changed}
    for key in gone:
        merged.pop(key, None)
    return merged
