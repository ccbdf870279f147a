"""Opens a page in the browser of whoever sits here, if there is one."""

from __future__ import annotations

import os
import sys
import webbrowser


def open_in_browser(url: str) -> bool:
    """Open it; False when there is no browser with a window, as on a server.

    A browser within the terminal would take it away from the command.
    """
    has_window = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
    )
    return has_window and webbrowser.open(url)
