"""READMEs of ZApps: Markdown to HTML that is safe to put into a page, and their first sentence.

The authors of a gallery are trusted to run images, not to run scripts in the browser of whoever
looks: raw HTML is shown as text, and what the Markdown yields passes an allow-list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

_TAGS = {
    "a", "blockquote", "br", "code", "em", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p",
    "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "code": {"class"}}
_SENTENCE_END = re.compile(r"(?<=[.!?])\s")
_TEXT = frozenset({"text", "code_inline"})

_markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


@lru_cache(maxsize=256)
def to_html(markdown: str) -> str:
    """Render a README as HTML for below the page's own title.

    A title that it begins with is left out, since the page has it already, and further headings of
    the first level become those of the second: a page has one ``h1``. Pictures are left out.
    """
    tokens = _without_title(_markdown.parse(markdown))
    for token in tokens:
        if token.tag == "h1":
            token.tag = "h2"
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    return nh3.clean(
        html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https", "mailto"}
    )


@lru_cache(maxsize=256)
def first_sentence(markdown: str) -> str:
    """Return the first sentence of the first paragraph, without its markup; empty without one."""
    tokens = _markdown.parse(markdown)
    for opening, content in pairwise(tokens):
        if opening.type == "paragraph_open":
            text = " ".join("".join(_plain(content)).split())
            return _SENTENCE_END.split(text, maxsplit=1)[0]
    return ""


def _without_title(tokens: list[Token]) -> list[Token]:
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        return tokens[3:]  # opening, text, closing
    return tokens


def _plain(token: Token) -> Iterator[str]:
    for child in token.children or ():
        if child.type in _TEXT:
            yield child.content
        elif child.type in ("softbreak", "hardbreak"):
            yield " "
