"""Files that pages load: our scripts, styles and pictures, and the logos of ZApps."""

from __future__ import annotations

from pathlib import Path

from tornado.web import HTTPError, StaticFileHandler

from zoe_hub.portal.pages.rendering import PageHandler

STATIC = Path(__file__).parents[2] / "static"

_AN_HOUR = "private, max-age=3600"


class Asset(StaticFileHandler):
    """A file of ours, open to everybody: the login page shows some of them too."""

    def initialize(self) -> None:  # type: ignore[override]  # needs no options
        """Serve our directory only."""
        super().initialize(path=str(STATIC))

    def set_default_headers(self) -> None:
        """Also where there is no such file."""
        self.set_header("X-Content-Type-Options", "nosniff")
        self.clear_header("Server")

    def parse_url_path(self, url_path: str) -> str:
        """Tornado takes a NUL for a fault of its own."""
        if "\0" in url_path:
            raise HTTPError(404)
        return super().parse_url_path(url_path)

    def set_extra_headers(self, path: str) -> None:
        """Browsers ask whether a file changed, so that modules of two releases never meet."""
        self.set_header("Cache-Control", "no-cache")


class Logo(PageHandler):
    """``/zapps/{slug}/logo``."""

    async def get(self, slug: str) -> None:
        """Send the picture. Opened by itself it may do nothing: an SVG could hold scripts."""
        entry = self.context.submission.entry(self.visitor.requester(), slug)
        if entry is None:
            raise HTTPError(404)
        content = await self.context.run(entry.logo_path.read_bytes)
        self.set_header("Content-Type", entry.logo_type)
        self.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
        self.set_header("Cache-Control", _AN_HOUR)
        self.finish(content)
