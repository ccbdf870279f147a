"""Zoe from Python: launch ZApps, follow executions, read their logs.

::

    from zoe_client import Client

    zoe = Client()
    job = zoe.launch("spark-job", workers=2)
    for piece in job.logs(follow=True):
        print(piece, end="")

:class:`AsyncClient` is the same for programs with an event loop.

What is not used is not loaded: half of it is slow, and the command ``zoe --help`` needs none of it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoe_client._async_client import AsyncClient
    from zoe_client._async_execution import AsyncExecution
    from zoe_client._client import Client
    from zoe_client._errors import (
        Changed,
        Conflict,
        ExecutionFailed,
        InvalidRequest,
        NoAccess,
        NoConnection,
        NoSettings,
        NotFound,
        RequestRefused,
        TimedOut,
        Unavailable,
        ZoeError,
    )
    from zoe_client._execution import Execution
    from zoe_client._settings import Settings, find_settings, save_settings

__all__ = [
    "AsyncClient",
    "AsyncExecution",
    "Changed",
    "Client",
    "Conflict",
    "Execution",
    "ExecutionFailed",
    "InvalidRequest",
    "NoAccess",
    "NoConnection",
    "NoSettings",
    "NotFound",
    "RequestRefused",
    "Settings",
    "TimedOut",
    "Unavailable",
    "ZoeError",
    "find_settings",
    "save_settings",
]

_HOMES = {
    "AsyncClient": "_async_client",
    "AsyncExecution": "_async_execution",
    "Client": "_client",
    "Execution": "_execution",
    "Settings": "_settings",
    "find_settings": "_settings",
    "save_settings": "_settings",
}
"""The modules of the names above; those of all others are in ``_errors``."""

if not TYPE_CHECKING:  # type checkers would take any name for one that is here

    def __getattr__(name: str) -> object:
        """Load the module of a name when it is first used (PEP 562)."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOMES.get(name, '_errors')}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext zoe_client``: the magics ``%zoe`` and ``%%zoe``."""
    from zoe_client.magics import ZoeMagics

    shell.register_magics(ZoeMagics)


def _show_in_notebooks() -> None:
    """Inside IPython, have it show documents and executions as tables rather than as ``repr``."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None:
        from zoe_client.display import register

        register(shell)


_show_in_notebooks()
