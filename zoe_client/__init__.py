"""Zoe from Python: launch ZApps, follow executions, read their logs.

::

    from zoe_client import Client

    with Client() as zoe:
        execution = zoe.launch("spark-job", workers=2)
        for piece in zoe.logs(execution.id, "spark-submit-0", follow=True):
            print(piece, end="")
"""

from zoe_client._client import Client
from zoe_client._errors import (
    Conflict,
    InvalidRequest,
    NoAccess,
    NoConnection,
    NoSettings,
    NotFound,
    RequestRefused,
    Unavailable,
    ZoeError,
)

__all__ = [
    "Client",
    "Conflict",
    "InvalidRequest",
    "NoAccess",
    "NoConnection",
    "NoSettings",
    "NotFound",
    "RequestRefused",
    "Unavailable",
    "ZoeError",
]
