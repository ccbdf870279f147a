"""A node as a back-end offers it, and what a back-end is able to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from zoe_core.amount import Amount


@dataclass(frozen=True, slots=True)
class Node:
    """A machine that instances may be placed on.

    ``devices`` are the ids of its GPUs, as many as its ``capacity`` has. ``pressured``: it is
    measured to run short of memory, so no elastic instance comes here. ``local_images`` need not be
    fetched first.

    ``images`` names the images that can be started here (``None``: any image, the engine finds out
    itself); ``missing_images`` says, for images the back-end knows but cannot start, what is
    missing, in words for the person who wants to launch one.
    """

    name: str
    capacity: Amount
    labels: frozenset[str] = frozenset()
    online: bool = True
    draining: bool = False
    images: frozenset[str] | None = None
    missing_images: Mapping[str, str] = field(default_factory=dict)
    devices: tuple[str, ...] = ()
    pressured: bool = False
    local_images: frozenset[str] = frozenset()

    def accepts(self, image: str) -> bool:
        """Whether new instances of ``image`` may be placed here at all, room aside."""
        if not self.online or self.draining:
            return False
        return self.images is None or image in self.images


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a back-end can do; the contract tests ask for what it declares and nothing more.

    ``needs_command``: an instance without a command cannot be started (images carry no default).
    """

    memory_limits: bool = False
    network_isolation: bool = False
    gpus: bool = False
    several_nodes: bool = False
    needs_command: bool = False
