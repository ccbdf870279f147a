"""Addresses of the portal's pages, as the browser reaches them that shows the notebook."""

from __future__ import annotations

import os
from urllib.parse import urljoin, urlsplit

from zoe_client._errors import NoSettings
from zoe_client._settings import find_settings


def page(path: str, base: str = "") -> str:
    """The address of ``path``, of which ``base`` is any whole address on the same portal.

    In a notebook of the portal's own Hub it stays a path: the browser is there already, and may
    know the Hub by another name than the kernel. Without a base it is taken to be that Hub; empty
    when there is none.
    """
    own = _own_portal()
    if own and (not base or urlsplit(base)[:2] == urlsplit(own)[:2]):
        return os.environ.get("JUPYTERHUB_HOST", "") + path
    return urljoin(base, path) if base else ""


def _own_portal() -> str | None:
    """The portal beside the Hub whose server this is."""
    if "JUPYTERHUB_SERVICE_PREFIX" not in os.environ:
        return None
    around = {
        key: value for key, value in os.environ.items() if key not in ("ZOE_URL", "ZOE_TOKEN")
    }
    try:
        return find_settings(None, None, around).url
    except NoSettings:
        return None
