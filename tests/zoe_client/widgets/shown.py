"""What a widget shows, seen from the thread of a test."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.waiting import eventually
from tests.zoe_client.cli.site import PATIENCE
from zoe_client.widgets._live import Live


def shown(widget: Live) -> str:
    """As text, with nothing but words."""
    return widget._state()[1]


def shows(widget: Live, *words: str) -> bool:
    """Whether it shows all of them."""
    return all(each in shown(widget) for each in words)


def soon(check: Callable[[], object]) -> None:
    """Wait until something is so."""
    eventually(check, timeout=PATIENCE)
