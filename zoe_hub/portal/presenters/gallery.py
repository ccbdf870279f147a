"""The gallery as shelves of cards, and what keeps a ZApp from being launched here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from zoe_core.cluster import Node
from zoe_core.zapp import Service, SiteDefaults, ZApp
from zoe_hub.portal.presenters.readme import first_sentence

if TYPE_CHECKING:
    from zapp_gallery.loader import GalleryEntry


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody looks for: ``words`` in lower case, all of them, in one category or in any."""

    words: tuple[str, ...] = ()
    category: str = ""

    @classmethod
    def of(cls, text: str, category: str) -> Wanted:
        """Read what was typed."""
        return cls(tuple(text.casefold().split()), category)

    def has(self, card: Card, category: str) -> bool:
        """Whether a card is among what is looked for; as ``static/js/search.js`` has it."""
        return (not self.category or self.category == category) and all(
            word in card.text for word in self.words
        )


@dataclass(frozen=True, slots=True)
class Card:
    """One ZApp on its shelf; ``missing`` says, in sentences, why it cannot be launched now.

    ``text`` is what a search looks at, in lower case.
    """

    slug: str
    title: str
    summary: str
    url: str
    logo_url: str
    notebook: bool
    missing: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Shelf:
    """A category with its cards; ``shown`` are the slugs of those that are looked for."""

    category: str
    cards: tuple[Card, ...]
    shown: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Need:
    """What one service of a ZApp reserves: ``2 to 4`` times ``1 GB, 1 core``."""

    service: str
    count: str
    each: str


def shelves(
    entries: Iterable[GalleryEntry],
    nodes: Sequence[Node],
    prefix: str,
    wanted: Wanted = Wanted(),
) -> list[Shelf]:
    """Put the entries on shelves, in their own order; ``prefix`` is the portal's address."""
    by_category: dict[str, list[Card]] = {}
    for entry in entries:
        by_category.setdefault(entry.category, []).append(card(entry, nodes, prefix))
    return [
        Shelf(
            category,
            tuple(cards),
            frozenset(each.slug for each in cards if wanted.has(each, category)),
        )
        for category, cards in by_category.items()
    ]


def card(entry: GalleryEntry, nodes: Sequence[Node], prefix: str) -> Card:
    """Make the card of one entry."""
    url = f"{prefix}zapps/{quote(entry.slug)}"
    summary = entry.zapp.description or first_sentence(entry.readme_markdown)
    return Card(
        slug=entry.slug,
        title=entry.title,
        summary=summary,
        url=url,
        logo_url=f"{url}/logo",
        notebook=entry.zapp.hub_server is not None,
        missing=missing(entry.zapp, nodes),
        text=" ".join((entry.title, entry.slug, entry.category, summary)).casefold(),
    )


def missing(zapp: ZApp, nodes: Sequence[Node]) -> tuple[str, ...]:
    """Say what the nodes lack to start this ZApp, in their own words; empty when nothing is known.

    Nodes that are offline or draining count: they may come back.
    """
    if not nodes:
        return ()
    images = dict.fromkeys(service.image for service in zapp.services if service.essential_count)
    return tuple(
        dict.fromkeys(
            reason
            for image in images
            if not any(node.images is None or image in node.images for node in nodes)
            for reason in _reasons(image, nodes)
        )
    )


def _reasons(image: str, nodes: Sequence[Node]) -> list[str]:
    told = {node.missing_images[image] for node in nodes if image in node.missing_images}
    return sorted(told) or [f"No node offers the image {image}."]


def needs(zapp: ZApp, defaults: SiteDefaults) -> list[Need]:
    """Say what a launch with the present counts reserves, service by service."""
    return [
        Need(service.name, _count(service), service.reservation(defaults).describe())
        for service in zapp.services
    ]


def _count(service: Service) -> str:
    if service.elastic_count and service.essential_count:
        return f"{service.essential_count} to {service.total_count}"
    return f"up to {service.total_count}" if service.elastic_count else str(service.total_count)
