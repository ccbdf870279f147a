"""Looks on the nodes for what an administrator should know of, and says why, for the doctor."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from zoe_core.cluster import FINAL, ExecutionStatus, Snapshot
from zoe_core.protocol import Examined, Oddity
from zoe_master.backends.base import Backend, Item
from zoe_master.engine.observer import unexplained
from zoe_store.master import statuses_of
from zoe_store.office import Office

MOST = 200
"""Oddities in one answer; of the others their number is told."""

_LEFT_ALONE = "Zoe leaves it alone: it may belong to a database that was restored or replaced."


class Examiner:
    """``snapshot`` gives the newest committed one."""

    def __init__(self, backend: Backend, office: Office, snapshot: Callable[[], Snapshot]) -> None:
        self._backend = backend
        self._office = office
        self._snapshot = snapshot

    def examine(self) -> Examined:
        """Ask all nodes. Blocks; raises BackendError and DatabaseAway."""
        nodes = self._backend.nodes()
        items = self._backend.inventory()
        snapshot = self._snapshot()  # younger than the items, so that it knows what was started
        strays = [each for each in items if self._is_ours(each) and not explained(each, snapshot)]
        named = {each.execution_id for each in strays if each.execution_id is not None}
        statuses = statuses_of(self._office, sorted(named)) if named else {}
        found = [
            *_troubles([each.name for each in nodes if not each.online], self._backend.troubles()),
            *(_stray(each, statuses) for each in strays),
            *_others(each for each in items if not self._is_ours(each)),
        ]
        return Examined(oddities=_bounded(found), nodes=sum(each.online for each in nodes))

    def _is_ours(self, item: Item) -> bool:
        return item.deployment == self._backend.deployment


def explained(item: Item, snapshot: Snapshot) -> bool:
    """Whether it belongs to a live execution, which knows of it."""
    if item.execution_id is None or item.execution_id not in snapshot.executions:
        return False
    return item.instance is None or item.instance in snapshot.instances[item.execution_id]


def _troubles(offline: Collection[str], reasons: Mapping[str, str]) -> Iterator[Oddity]:
    for name in offline:
        yield Oddity(
            what=f"node {name}",
            node=name,
            why=reasons.get(name, "It does not answer.") + " Nothing is started there.",
            serious=True,
            remedy="start it again, or take it out of the settings of the back-end",
        )


def _stray(item: Item, statuses: Mapping[int, ExecutionStatus]) -> Oddity:
    """Something of this Zoe that no live execution knows."""
    status = None if item.execution_id is None else statuses.get(item.execution_id)
    ended = status in FINAL
    if item.execution_id is None:
        why = f"Its labels do not say what it belongs to. {_LEFT_ALONE}"
    elif ended:
        why = f"Execution {item.execution_id} has ended; Zoe removes what it has left by itself."
    else:
        why = f"{unexplained(item.execution_id, status)} {_LEFT_ALONE}"
    known = item.instance
    return Oddity(
        what=f"{item.kind} {item.name}",
        node=item.node,
        why=why,
        serious=not ended,
        since=item.since,
        remedy=None if ended else item.removal,
        instance=None if known is None else (known.execution_id, known.name, known.attempt),
    )


def _others(items: Iterable[Item]) -> Iterator[Oddity]:
    """What other Zoes have on our nodes: counted, never touched."""
    counts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for each in items:
        counts[each.node, each.deployment][each.kind] += 1
    for (node, deployment), kinds in sorted(counts.items()):
        said = " and ".join(_count(number, kind) for kind, number in sorted(kinds.items()))
        yield Oddity(
            what=f"{said} of another Zoe",
            node=node,
            why=f"They belong to the deployment {deployment[:36]!r}. This Zoe never touches them.",
            serious=False,
        )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _bounded(found: list[Oddity]) -> tuple[Oddity, ...]:
    if len(found) <= MOST:
        return tuple(found)
    more = Oddity(
        what=f"{len(found) - MOST} more",
        node=None,
        why="They are too many to be listed: see to the first ones, and ask again.",
        serious=any(each.serious for each in found[MOST:]),
    )
    return (*found[:MOST], more)
