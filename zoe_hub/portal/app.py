"""``zoe-portal``: reads the settings, puts the portal's parts together, and serves them."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import sys
from contextlib import AsyncExitStack
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from jupyterhub.services.auth import HubOAuth
from tornado.httpserver import HTTPServer
from traitlets import Integer, Unicode
from traitlets.config import Application

from zapp_gallery.loader import Gallery, load_gallery
from zoe_core.protocol.rest import MAX_BODY
from zoe_hub.feed import EventFeed
from zoe_hub.link import MasterLink
from zoe_hub.outgoing import connector
from zoe_hub.portal.api import API_PATH, HANDLERS
from zoe_hub.portal.context import PortalContext
from zoe_hub.portal.openapi import build_openapi
from zoe_hub.portal.routing import PortalApplication
from zoe_hub.portal.servers import HubServers
from zoe_hub.submission import Submission
from zoe_hub.views import Views
from zoe_store.database import Database, DatabaseAway
from zoe_store.migrate import WrongSchema, check

_LOG_FORMAT = "[%(levelname)1.1s %(asctime)s %(name)s] %(message)s"
_CONNECT = 5.0  # seconds that an instance may take to accept a connection
_MESSAGE = 100 * 2**20  # bytes of one websocket message; outputs of notebooks are large
_PING = 30.0  # seconds between pings, so that no proxy closes a silent websocket


class ZoePortal(Application):
    """The portal service of a Zoe deployment: a service of JupyterHub."""

    name = "zoe-portal"
    description = "Serves the pages, REST, event streams and endpoints of Zoe."

    url = Unicode(
        os.environ.get("JUPYTERHUB_SERVICE_URL", "http://127.0.0.1:10101"),
        help="Where to listen, as JupyterHub's proxy reaches it. Default: JUPYTERHUB_SERVICE_URL.",
    ).tag(config=True)
    database_url = Unicode(
        os.environ.get("ZOE_DATABASE_URL", ""),
        help="SQLAlchemy URL of Zoe's Postgres database. Default: ZOE_DATABASE_URL.",
    ).tag(config=True)
    directory = Unicode(
        os.environ.get("ZOE_DIR", ".zoe"),
        help="Where the keys to talk to the master are, and the portal's own secret. "
        "Default: ZOE_DIR.",
    ).tag(config=True)
    login_cache = Integer(
        10, help="Seconds for which the Hub's word about a login or a token is believed."
    ).tag(config=True)

    def start(self) -> None:
        """Serve until a signal ends it; exit code 1 with one line when it cannot work."""
        try:
            asyncio.run(self._run())
        except WrongSchema as error:
            self.log.critical("%s", error)
            sys.exit(1)

    async def _run(self) -> None:
        stopping = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        async with AsyncExitStack() as stack:
            application = await self.compose(HubOAuth(parent=self), load_gallery(), stack)
            await self._check_schema(application.context.database)
            server = HTTPServer(application, xheaders=True, max_body_size=MAX_BODY)
            place = urlsplit(self.url)
            server.listen(place.port or 80, place.hostname or "127.0.0.1")
            stack.callback(server.stop)
            self.log.info("The portal listens at %s", self.url)
            await stopping.wait()

    async def compose(
        self, hub_auth: HubOAuth, gallery: Gallery, stack: AsyncExitStack
    ) -> PortalApplication:
        """Put the parts together; ``stack`` closes them."""
        hub_auth.cache_max_age = self.login_cache
        database = Database(self.database_url)
        stack.callback(database.close)
        directory = Path(self.directory)
        link = MasterLink(database, directory / "keys")
        stack.push_async_callback(link.close)
        feed = EventFeed(database, link)
        feed.start()
        stack.push_async_callback(feed.close)
        context = _make_context(database, link, feed, hub_auth, gallery)
        stack.callback(context.threads.shutdown, wait=False)
        return PortalApplication(
            context,
            hub_auth=hub_auth,
            endpoint_session=await stack.enter_async_context(_endpoint_session()),
            openapi=build_openapi(HANDLERS, context.prefix + API_PATH, version("zoe")),
            cookie_secret=keep_secret(directory / "portal-secret"),
            websocket_max_message_size=_MESSAGE,
            websocket_ping_interval=_PING,
        )

    async def _check_schema(self, database: Database) -> None:
        try:
            await asyncio.to_thread(check, database)
        except DatabaseAway as error:
            self.log.warning("The database is away; the portal says so until it is back: %s", error)


def _make_context(
    database: Database, link: MasterLink, feed: EventFeed, hub_auth: HubOAuth, gallery: Gallery
) -> PortalContext:
    base_url = hub_auth.hub_prefix.removesuffix("hub/")
    return PortalContext(
        database=database,
        link=link,
        feed=feed,
        gallery=gallery,
        submission=Submission(database, gallery, link),
        servers=HubServers(database, feed, hub_auth.api_url),
        views=Views(database, link, base_url, hub_auth.base_url),
        base_url=base_url,
        prefix=hub_auth.base_url,
    )


def _endpoint_session() -> aiohttp.ClientSession:
    """For the proxy: it passes on what it gets, keeps no cookies, and waits as long as it takes."""
    return aiohttp.ClientSession(
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=connector(limit=0),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT),
    )


def keep_secret(file: Path) -> bytes:
    """The key that signs the portal's cookies, made once: logins outlive a restart of it."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return bytes.fromhex(file.read_text(encoding="ascii"))
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        secret = secrets.token_bytes(32)
        opened.write(secret.hex())
    return secret


def main() -> None:
    """Run the portal; ``ZOE_CONFIG`` names the configuration file."""
    portal = ZoePortal.instance()
    portal.initialize()
    config = os.environ.get("ZOE_CONFIG")
    if config:
        path = Path(config)
        portal.load_config_file(path.name, str(path.parent))
    # The modules log under their own names; the application's own logger has a handler already.
    logging.basicConfig(format=_LOG_FORMAT)
    logging.getLogger().setLevel(portal.log_level)  # type: ignore[arg-type]
    portal.log.propagate = False
    portal.start()


if __name__ == "__main__":
    main()
