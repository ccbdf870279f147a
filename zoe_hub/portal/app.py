"""``zoe-portal``: reads the settings, puts the portal's parts together, and serves them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from jupyterhub.services.auth import HubOAuth
from tornado.httpserver import HTTPServer
from traitlets import Integer, Unicode
from traitlets.config import Application

from zapp_gallery.loader import Gallery, load_gallery
from zoe_core.protocol.rest import MAX_BODY
from zoe_hub import standalone
from zoe_hub.audit_log import AuditLog
from zoe_hub.execution_hosts import ExecutionHosts
from zoe_hub.feed import EventFeed
from zoe_hub.kept_secrets import keep_secret
from zoe_hub.link import MasterLink
from zoe_hub.outgoing import connector
from zoe_hub.platform_view import PlatformView
from zoe_hub.portal.api import API_PATH, HANDLERS
from zoe_hub.portal.cluster_view import ClusterView
from zoe_hub.portal.context import PortalContext
from zoe_hub.portal.culling import Culler
from zoe_hub.portal.endpoints import Handovers
from zoe_hub.portal.hub_rest import HubRest
from zoe_hub.portal.newest import NewestDocuments
from zoe_hub.portal.openapi import build_openapi
from zoe_hub.portal.presence import SchedulerPresence
from zoe_hub.portal.respawner import Respawner
from zoe_hub.portal.reviews import Reviews, asking_anew
from zoe_hub.portal.routing import PortalApplication
from zoe_hub.portal.servers import HubServers
from zoe_hub.settings import SettingsError
from zoe_hub.submission import Submission
from zoe_hub.views import Views
from zoe_store.config_file import load_config_file
from zoe_store.database import Database, DatabaseAway
from zoe_store.keys import KeysRefused
from zoe_store.log_lines import follow_level, prepare_log
from zoe_store.migrate import WrongSchema, check
from zoe_store.urls import InvalidUrl

_CONNECT = 5.0  # seconds that an instance may take to accept a connection
_MESSAGE = 100 * 2**20  # bytes of one websocket message; outputs of notebooks are large
_CHECK_EVERY = 1.0  # seconds between attempts to check the schema of the database
_PING = 30.0  # seconds between pings, so that no proxy closes a silent websocket
HEADERS_TIMEOUT = 60.0
"""Seconds that a connection may be silent between requests, or take to send the head of one."""

BODY_TIMEOUT = 60.0
"""Seconds that the body of a request may take; what goes to instances takes as long as it takes."""

_STOP = 2.0  # seconds for connections to close at the end


class ZoePortal(Application):
    """The portal service of a Zoe deployment: a service of JupyterHub."""

    name = "zoe-portal"
    description = "Serves the pages, REST, event streams and endpoints of Zoe."

    url = Unicode(
        os.environ.get("JUPYTERHUB_SERVICE_URL", "http://127.0.0.1:10101"),
        help="Where to listen, as JupyterHub's proxy reaches it. Default: JUPYTERHUB_SERVICE_URL; "
        "of a portal that the Hub does not start: the third port after ZOE_PORT.",
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
        4, help="Seconds for which the Hub's word about a login or a token is believed."
    ).tag(config=True)
    idle_timeout = Integer(
        0,
        min=0,
        help="Seconds that a Jupyter server may idle before it is ended; 0: for ever. Its user is "
        "warned 15 minutes before, or a quarter of this when that is less. Servers tell the Hub "
        "once a minute that they are used, so less than 600 makes little sense.",
    ).tag(config=True)

    def start(self) -> None:
        """Serve until a signal ends it; exit code 1 with one line when it cannot work."""
        try:
            asyncio.run(self._run())
        except InvalidUrl as error:
            self.log.critical("ZOE_DATABASE_URL or c.ZoePortal.database_url %s", error)
            sys.exit(1)
        except (KeysRefused, OSError, SettingsError, WrongSchema) as error:
            self.log.critical("%s", error)
            sys.exit(1)

    async def _run(self) -> None:
        stopping = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        async with AsyncExitStack() as stack:
            application = await self.compose(self._hub_auth(), load_gallery(), stack)
            database = application.context.database
            known = await _is_schema_known(database)
            server = make_server(application)
            place = urlsplit(self.url)
            server.listen(place.port or 80, place.hostname or "127.0.0.1")
            stack.push_async_callback(_stop, server)
            self.log.info("The portal listens at %s", self.url)
            stopped = asyncio.create_task(stopping.wait())
            if not known:
                self.log.warning("The database is away; the portal says so until it is back")
                await _check_schema_until(stopped, database)
            await stopped

    def _hub_auth(self) -> HubOAuth:
        """The Hub says in the environment what is needed, unless it did not start this process."""
        if "JUPYTERHUB_SERVICE_PREFIX" in os.environ:
            return HubOAuth(parent=self)
        settings = standalone.own_settings()
        self.url = standalone.portal_url(settings)
        return standalone.hub_auth(settings, self)

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
        hub = HubRest(hub_auth.api_url)
        culler = Culler(database, link, hub, hub_auth.api_token, self.idle_timeout)
        # The Hub's own setting, which it tells nobody; the configuration file is the same.
        hosts = ExecutionHosts.of(self.config.JupyterHub.get("subdomain_host", ""))
        context = _make_context(database, link, feed, hub_auth, gallery, culler, hosts)
        stack.callback(context.threads.shutdown, wait=False)
        stack.push_async_callback(context.audit.close)
        stack.push_async_callback(context.submission.close)
        context.presence.start()
        stack.push_async_callback(context.presence.close)
        respawner = Respawner(database, link, feed, context.servers.hub, hub_auth.api_token)
        respawner.start()
        stack.push_async_callback(respawner.close)
        culler.start()
        stack.push_async_callback(culler.close)
        return PortalApplication(
            context,
            hub_auth=hub_auth,
            endpoint_session=await stack.enter_async_context(_endpoint_session()),
            handovers=Handovers(),
            openapi=build_openapi(HANDLERS, context.prefix + API_PATH, version("zoe")),
            # Made once: logins outlive a restart of the portal.
            cookie_secret=bytes.fromhex(keep_secret(directory / "portal-secret")),
            websocket_max_message_size=_MESSAGE,
            websocket_ping_interval=_PING,
        )


def make_server(application: PortalApplication) -> HTTPServer:
    """A server that slow and large requests do not hold up."""
    return HTTPServer(
        application,
        xheaders=True,
        max_body_size=MAX_BODY,
        idle_connection_timeout=HEADERS_TIMEOUT,
        body_timeout=BODY_TIMEOUT,
    )


async def _check_schema_until(stopped: asyncio.Task[Any], database: Database) -> None:
    """Return when it is known to be right, or with ``stopped``. Raises WrongSchema."""
    known = False
    while not known and not stopped.done():
        await asyncio.wait({stopped}, timeout=_CHECK_EVERY)
        known = await _is_schema_known(database)


async def _is_schema_known(database: Database) -> bool:
    """Whether it is known to be right: not while the database is away. Raises WrongSchema."""
    try:
        await asyncio.to_thread(check, database)
    except DatabaseAway:
        return False
    return True


async def _stop(server: HTTPServer) -> None:
    """Cut off requests under way: what they need is taken apart next.

    Clients meet what they meet when the portal crashes, and try again.
    """
    server.stop()
    with suppress(TimeoutError):
        async with asyncio.timeout(_STOP):
            await server.close_all_connections()


def _make_context(
    database: Database,
    link: MasterLink,
    feed: EventFeed,
    hub_auth: HubOAuth,
    gallery: Gallery,
    culler: Culler,
    hosts: ExecutionHosts,
) -> PortalContext:
    base_url = hub_auth.hub_prefix.removesuffix("hub/")
    platform = PlatformView(database)
    views = Views(database, link, platform, base_url, hub_auth.base_url, hosts, culler.ends)
    return PortalContext(
        database=database,
        link=link,
        feed=feed,
        gallery=gallery,
        submission=Submission(database, gallery, link, platform),
        servers=HubServers(database, feed, HubRest(hub_auth.api_url)),
        views=views,
        newest=NewestDocuments(views),
        presence=SchedulerPresence(views, feed.rouse),
        audit=AuditLog(database),
        reviews=Reviews(asking_anew(hub_auth)),
        cluster=ClusterView(database, link),
        culler=culler,
        hosts=hosts,
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


def main() -> None:
    """Run the portal; ``ZOE_CONFIG`` names the configuration file."""
    portal = ZoePortal.instance()
    portal.initialize()
    prepare_log(portal)
    load_config_file(portal)
    follow_level(portal)
    portal.start()


if __name__ == "__main__":
    main()
