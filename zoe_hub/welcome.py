"""Tells the person who started Zoe where it is, once it really answers there."""

from typing import Any

from jupyterhub.utils import exponential_backoff, url_path_join
from tornado.httpclient import AsyncHTTPClient, HTTPError

from zoe_hub.authenticator import ZoeAuthenticator
from zoe_hub.permissions import SERVICE

_POLL = 0.05  # seconds between two tries
_PATIENCE = 600.0  # seconds; if it takes longer, the Hub's log has said why


async def welcome(app: Any) -> None:
    """Wait until the Hub `app` answers through its proxy, then print its URL and the login link."""

    async def answers() -> bool:
        return app.proxy is not None and await _all_answer(app)

    await exponential_backoff(
        answers, "the Hub does not answer", start_wait=_POLL, max_wait=_POLL, timeout=_PATIENCE
    )
    # The Hub does this a moment later; whoever reads the message may press Ctrl-C at once.
    app.init_signal()
    print(_message(_home(app), app.authenticator), flush=True)


def _home(app: Any) -> str:
    return url_path_join(app.proxy.public_url, app.base_url)


async def _all_answer(app: Any) -> bool:
    """Whether the Hub and, where it has one, the portal answer through the proxy."""
    paths = ["hub/health"]
    if any(service.name == SERVICE for service in app._service_map.values()):
        paths.append(f"services/{SERVICE}/static/css/zoe.css")  # for everybody, without a login
    try:
        for path in paths:
            await AsyncHTTPClient().fetch(url_path_join(_home(app), path))
    except (HTTPError, OSError):
        return False
    return True


def _message(home: str, authenticator: Any) -> str:
    lines = [f"Zoe is ready at {home}"]
    link = authenticator.link.url() if isinstance(authenticator, ZoeAuthenticator) else None
    if link is not None:  # else somebody has used it already
        lines += [
            f"Log in as {authenticator.administrator} with this link, which works once:",
            f"    {link}",
        ]
    lines.append("Ctrl-C here stops it.")
    return "\n".join(["", *lines, ""])
