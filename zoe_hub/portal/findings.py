"""Puts together what an administrator should know of this Zoe, and what is well."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from zoe_core.cluster import Node
from zoe_core.protocol import Examined, Oddity
from zoe_core.protocol.rest_admin import Finding, Findings
from zoe_hub.views import away_sentence, scheduler_document
from zoe_store.cluster import MasterRecord, Stranger
from zoe_store.drains import Drain


@dataclass(frozen=True)
class Facts:
    """What is known here. ``examined`` is None when the master could not say, for ``silence``.

    ``strangers`` are those of its last full list; ``images`` are the images of the gallery, each
    with the ZApps that need it.
    """

    master: MasterRecord
    nodes: Sequence[Node]
    drains: Mapping[str, Drain]
    strangers: Sequence[Stranger]
    images: Mapping[str, Collection[str]]
    examined: Examined | None
    silence: str = ""


@dataclass
class _Report:
    well: list[str] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)


def findings_of(facts: Facts) -> Findings:
    """The serious ones come first."""
    report = _Report(well=["The database answers."])
    _see_scheduler(facts, report)
    _see_nodes(facts, report)
    _see_images(facts, report)
    report.found += _drained(facts)
    report.found.sort(key=lambda each: not each.serious)
    return Findings(well=tuple(report.well), items=tuple(report.found))


def _see_scheduler(facts: Facts, report: _Report) -> None:
    master = facts.master
    if scheduler_document(master).status == "running":
        seen = f"{master.away_for or 0:.0f} s ago"
        report.well.append(f"The scheduler acts: epoch {master.epoch}, last seen {seen}.")
        return
    report.found.append(
        Finding(
            what="scheduler",
            node=None,
            why=away_sentence(master),
            serious=True,
            since=master.seen_at,
            remedy="look into the log of the master (the Hub's, or that of its own unit); start it",
        )
    )


def _see_nodes(facts: Facts, report: _Report) -> None:
    """What the master found there; else what it noted when it last could."""
    told: set[tuple[int, str, int]] = set()
    if facts.examined is not None:
        told = {each.instance for each in facts.examined.oddities if each.instance is not None}
        report.found += [_finding(each) for each in facts.examined.oddities]
        count = facts.examined.nodes
        if count:
            report.well.append(f"{count} of {len(facts.nodes)} nodes answer.")
    else:
        report.found.append(
            Finding(
                what="nodes",
                node=None,
                why=f"They could not be asked: {facts.silence}. The others here are as last known.",
                serious=True,
            )
        )
        report.found += [_offline(each) for each in facts.nodes if not each.online]
    for each in facts.strangers:
        if (each.id.execution_id, each.id.name, each.id.attempt) not in told:
            report.found.append(_noted(each))


def _offline(node: Node) -> Finding:
    why = "It did not answer when it was last asked. Nothing is started there."
    return Finding(what=f"node {node.name}", node=node.name, why=why, serious=True)


def _noted(stranger: Stranger) -> Finding:
    return Finding(
        what=f"instance {stranger.id}",
        node=stranger.node,
        why=f"{stranger.why} Zoe leaves it alone.",
        serious=True,
        since=stranger.first_seen_at,
        remedy="end it by hand, or restore the database that it belongs to",
    )


def _finding(oddity: Oddity) -> Finding:
    return Finding(**oddity.model_dump(exclude={"instance"}))


def _see_images(facts: Facts, report: _Report) -> None:
    lacking = {image: who for image, who in facts.images.items() if not _is_there(image, facts)}
    if facts.images and not lacking:
        report.well.append(f"Nodes have all {len(facts.images)} images of the gallery.")
    for image, zapps in sorted(lacking.items()):
        report.found.append(
            Finding(
                what=f"image {image}",
                node=None,
                why=f"No node has it. {', '.join(sorted(zapps))} cannot start, unless the node can "
                "fetch it from a registry.",
                serious=True,
                remedy="make images, or load it on the nodes (docker load)",
            )
        )


def _is_there(image: str, facts: Facts) -> bool:
    return any(image in node.local_images or image in (node.images or ()) for node in facts.nodes)


def _drained(facts: Facts) -> Iterator[Finding]:
    wished = facts.drains
    for name, drain in wished.items():
        gone = "" if any(each.name == name for each in facts.nodes) else " There is no such node."
        yield Finding(
            what=f"node {name}",
            node=name,
            why=f"{drain.by_user} drains it: nothing new starts there.{gone}",
            serious=False,
            since=drain.at,
            remedy=f"zoe-admin undrain {shlex.quote(name)}",
        )
    for node in facts.nodes:
        if node.draining and node.name not in wished:
            yield Finding(
                what=f"node {node.name}",
                node=node.name,
                why="The settings of the back-end drain it: nothing new starts there.",
                serious=False,
            )


def images_of(entries: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    """From the images of each ZApp to the ZApps of each image."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for slug, images in entries.items():
        for image in images:
            found[image].add(slug)
    return dict(found)
