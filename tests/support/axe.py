"""Whether everybody can use what a page shows: axe-core in the page itself, at each width."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.support.browser import DESKTOP, PHONE, SCREENSHOTS

# Without `preload`, with which it would load our style sheets again from addresses of its own.
_OPTIONS: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}


def violations(page: Page) -> list[str]:
    """What is hard to use for some: the rule, and the first elements that break it."""
    found = Axe().run(page, options=_OPTIONS).response["violations"]
    return [
        f"{each['id']} ({each['impact']}): {[node['html'][:200] for node in each['nodes'][:3]]}"
        for each in found
    ]


def look(page: Page, name: str) -> None:
    """Nothing is hard to use, nothing sticks out; at both widths, in both colour schemes.

    Keeps screenshots: ``name-light.png``, ``name-light-phone.png``, and the same of the dark ones.
    """
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        page.evaluate("scheme => document.documentElement.dataset.bsTheme = scheme", scheme)
        for width, size in (("", DESKTOP), ("-phone", PHONE)):
            page.set_viewport_size(size)
            page.screenshot(path=SCREENSHOTS / f"{name}-{scheme}{width}.png", full_page=True)
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, (name, scheme, width)
            found = violations(page)
            assert not found, (name, scheme, width, found)
    page.set_viewport_size(DESKTOP)
