"""The configuration file of the master and of the portal, which ZOE_CONFIG names."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from traitlets.config import Application


def load_config_file(app: Application) -> None:
    """Load the file, if one is named. Exits with one line when it cannot be used.

    By itself an application would go on with its defaults then.
    """
    named = os.environ.get("ZOE_CONFIG")
    if not named:
        return
    file = Path(named)
    if not file.is_file():
        _refuse(app, f"there is no file ZOE_CONFIG={named}")
    app.raise_config_file_errors = True
    try:
        app.load_config_file(file.name, path=str(file.parent))
    except Exception as error:  # whatever the administrator's own code may raise
        app.log.debug("Where it failed:", exc_info=True)
        _refuse(app, f"{named} cannot be used: {type(error).__name__}: {error}")


def _refuse(app: Application, why: str) -> None:
    app.log.critical("%s", " ".join(why.split()))
    sys.exit(1)
