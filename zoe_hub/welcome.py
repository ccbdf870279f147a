"""Tells the person who started Zoe where it is, once it really answers there."""

from typing import Any
from urllib.parse import urlsplit

from jupyterhub.utils import exponential_backoff, url_path_join
from tornado.httpclient import AsyncHTTPClient, HTTPError

from zoe_hub.authenticator import ZoeAuthenticator
from zoe_hub.permissions import SERVICE
from zoe_hub.remarks import say_remarks
from zoe_hub.settings import Settings

_POLL = 0.05  # seconds between two tries
_PATIENCE = 600.0  # seconds; if it takes longer, the Hub's log has said why


async def welcome(app: Any, settings: Settings, database_url: str) -> None:
    """Wait until the Hub `app` answers through its proxy, then print its URL and the login link.

    What it knows of the nodes may keep people from launching anything: that is said after it.
    """

    async def answers() -> bool:
        return app.proxy is not None and await _all_answer(app)

    await exponential_backoff(
        answers, "the Hub does not answer", start_wait=_POLL, max_wait=_POLL, timeout=_PATIENCE
    )
    # The Hub does this a moment later; whoever reads the message may press Ctrl-C at once.
    app.init_signal()
    print(_message(_home(app), app.authenticator, settings), flush=True)
    if settings.outlived:
        await say_remarks(database_url)


def _home(app: Any) -> str:
    return url_path_join(app.subdomain_host or app.proxy.public_url, app.base_url)


async def _all_answer(app: Any) -> bool:
    """Whether the Hub and, where it has one, the portal answer through the proxy."""
    paths = ["hub/health"]
    if any(service.name == SERVICE for service in app._service_map.values()):
        paths.append(f"services/{SERVICE}/static/css/zoe.css")  # for everybody, without a login
    proxy = url_path_join(app.proxy.public_url, app.base_url)
    # Whether the name leads here, only those outside can tell.
    headers = {"Host": urlsplit(app.subdomain_host or proxy).netloc}
    try:
        for path in paths:
            await AsyncHTTPClient().fetch(url_path_join(proxy, path), headers=headers)
    except (HTTPError, OSError):
        return False
    return True


def _message(home: str, authenticator: Any, settings: Settings) -> str:
    lines = [f"Zoe is ready at {home}"]
    link = authenticator.link.url() if isinstance(authenticator, ZoeAuthenticator) else None
    if link is not None:  # else somebody has used it already
        lines += [
            f"Log in as {authenticator.administrator} with this link, which works once:",
            f"    {link}",
        ]
    lines.append("Ctrl-C here stops it.")
    if settings.outlived and not settings.standalone:
        lines.append("Containers that run then go on; the next start finds them again.")
    return "\n".join(["", *lines, ""])
