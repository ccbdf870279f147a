"""What is left of a widget in a saved notebook: its last state as HTML.

A widget lives in the kernel. Without one, JupyterLab shows an error in its place, whatever other
forms the output has; after a restart of the kernel, what it was with broken links all over. So the
state is an output of its own, before that of the widget, with a style sheet that hides one of them.
Where outputs are no parts of one page (VS Code), both are seen.
"""

from __future__ import annotations

import uuid
from contextvars import Context
from typing import Any

from IPython.display import display

_STYLE = """<style>
.jp-OutputArea-child:has(.zoe-still-KEY):has(+ .jp-OutputArea-child ALIVE) { display: none; }
.jp-OutputArea-child:has(.zoe-still-KEY) + .jp-OutputArea-child:has(.jupyter-widgets):not(
  :has(ALIVE)) { display: none; }
</style>""".replace("ALIVE", ".zoe-live-KEY:not(.jupyter-widgets-disconnected)")


class Still:
    """The state of one widget in the outputs of a notebook."""

    def __init__(self) -> None:
        self._key = uuid.uuid4().hex
        self._shown = False
        self._last = ""

    @property
    def live_class(self) -> str:
        """The class of the widget's own element."""
        return f"zoe-live-{self._key}"

    def show(self, html: str, text: str, view: dict[str, Any]) -> None:
        """Put out the state, then the ``view``, a bundle of the widget's own forms."""
        self._shown, self._last = True, html
        display(self._bundle(html, text), raw=True, display_id=self._key)
        # Whoever cannot show the widget has shown the state.
        display({**view, "text/html": "", "text/plain": ""}, raw=True)

    def update(self, html: str, text: str) -> None:
        """Replace the state wherever it was put out."""
        if self._shown and html != self._last:
            self._last = html
            # Not in the name of the cell that made it, which may have ended: whoever executes a
            # notebook without a browser (nbclient) hears only of the cell that runs now.
            Context().run(self._replace, self._bundle(html, text))

    def _replace(self, bundle: dict[str, str]) -> None:
        display(bundle, raw=True, display_id=self._key, update=True)

    def _bundle(self, html: str, text: str) -> dict[str, str]:
        style = _STYLE.replace("KEY", self._key)
        return {
            "text/html": f'<div class="zoe-still-{self._key}">{html}{style}</div>',
            "text/plain": text,
        }
