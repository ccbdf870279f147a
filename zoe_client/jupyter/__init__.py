"""What a Jupyter server of Zoe adds to itself: its pages warn before it is ended, work counts.

A Jupyter server extension, for servers that JupyterHub starts through Zoe; what its pages show is
the front-end extension `zoe-warning` of the gallery's ZApp `jupyter`.
"""

from __future__ import annotations

import os
from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """What this package offers to jupyter_server."""
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Called by jupyter_server when it starts; ``server`` is its ServerApp."""
    from jupyter_server.utils import url_path_join

    from zoe_client.jupyter.activity import count_work
    from zoe_client.jupyter.follower import Follower
    from zoe_client.jupyter.handler import Warnings

    count_work(server.web_app)
    execution_id = os.environ.get("EXECUTION_ID", "")
    if not execution_id.isdigit():
        return  # somebody has started it by hand: nothing will end it
    follower = Follower(int(execution_id), server.web_app.last_activity)
    path = url_path_join(server.base_url, "zoe", "warnings")
    server.web_app.add_handlers(".*$", [(path, Warnings, {"follower": follower})])
