"""How the master and the portal write their logs: plain lines, or JSON for what gathers logs."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

from traitlets.config import Application

PLAIN, JSON = "plain", "json"

_FORMAT = "[%(levelname)1.1s %(asctime)s %(name)s] %(message)s"

_JSON: dict[str, Any] = {
    "()": "pythonjsonlogger.json.JsonFormatter",
    "fmt": "{levelname}{name}{message}",
    "style": "{",
    "rename_fields": {"levelname": "level", "name": "logger"},
    "timestamp": "time",
    "json_ensure_ascii": False,
}
"""Beside these fields come those of ``extra``, such as ``execution``, and ``exc_info``."""


def prepare_log(app: Application) -> None:
    """Set up the log as ZOE_LOG says, before the configuration is loaded; then ``follow_level``.

    All loggers write through that of the application. Exits with one line if ZOE_LOG is wrong.
    """
    style = os.environ.get("ZOE_LOG") or PLAIN
    if style not in (PLAIN, JSON):
        app.log.critical("ZOE_LOG is %r: it must be %s or %s", style, PLAIN, JSON)
        sys.exit(1)
    if style == PLAIN:
        logging.basicConfig(format=_FORMAT)
        app.log.propagate = False
        return
    if "log_level" not in app.config[type(app).__name__]:
        app.log_level = logging.INFO  # who gathers logs wants the way of each execution
    app.logging_config = json_config(type(app).__name__)


def json_config(app: str) -> dict[str, Any]:
    """For ``logging.config.dictConfig``, over what traitlets has for the application itself."""
    return {
        "formatters": {JSON: dict(_JSON)},
        "handlers": {"console": {"formatter": JSON}},
        "loggers": {app: {"propagate": False}},
        "root": {"handlers": ["console"]},
    }


def follow_level(app: Application) -> None:
    """The modules log under their own names: have them say as much as the application does."""
    logging.getLogger().setLevel(app.log_level)  # type: ignore[arg-type]
