"""HTML that cannot be injected into: whatever is no markup yet is escaped when it is put in."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


class Html(str):
    """Text that is markup already. Only functions of this package make it."""

    __slots__ = ()


def markup(content: object) -> Html:
    """Return ``content`` as markup: escaped, unless it is :class:`Html`."""
    return content if isinstance(content, Html) else Html(escape(str(content), quote=True))


def join(contents: Iterable[object]) -> Html:
    """Put several together."""
    return Html("".join(markup(each) for each in contents))


def tag(name: str, *contents: object, **attributes: object) -> Html:
    """Make an element with an end tag.

    ``class_`` is ``class``, ``aria_label`` is ``aria-label``; an attribute of None is left out.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{markup(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{written}>{join(contents)}</{name}>")


def safe_address(url: str) -> str | None:
    """The address when it may stand in a link: a web address, or a path on the same host."""
    path = url.startswith("/") and not url.startswith(("//", "/\\"))
    return url if path or url.startswith(("http://", "https://")) else None
