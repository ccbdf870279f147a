"""The style of what only widgets have, beside that of what they show."""

from __future__ import annotations

WIDGET_STYLE = """
.zoe-widget { max-width: 60em; padding: .1em 0 .4em; }
.zoe-widget .widget-html-content { line-height: inherit; }
.zoe-widget .zoe-logbox { border: 1px solid var(--zoe-line); border-radius: .2em;
  background: var(--jp-layout-color1, #fff); padding: .3em 0; }
.zoe-widget .zoe-logbox .widget-html, .zoe-widget .zoe-logbox .widget-html-content {
  margin: 0; height: auto; min-height: 0; }
.zoe-widget pre.zoe-lines { margin: 0; padding: 0 .7em; background: none; border: 0;
  color: var(--jp-content-font-color1, #24292f); line-height: 1.4; white-space: pre-wrap;
  overflow-wrap: anywhere; font-family: var(--jp-code-font-family, monospace);
  font-size: var(--jp-code-font-size, 12px); }
.zoe-widget .zoe-cardbox { border: 1px solid var(--zoe-line); border-radius: .3em; width: 16em;
  padding: .5em .7em; margin: 0 .7em .7em 0; justify-content: space-between; }
.zoe-widget .zoe-cardbox.zoe-chosen { border-color: var(--zoe-accent);
  box-shadow: inset 0 3px var(--zoe-accent); }
.zoe-widget .zoe-cardbox .zoe-card { border: 0; padding: 0; width: auto; }
.zoe-widget .zoe-form { border: 1px solid var(--zoe-line); border-top: 3px solid var(--zoe-accent);
  border-radius: .2em; padding: .6em .9em; margin: 0 0 .7em; }
.zoe-widget .zoe-field { margin-bottom: .35em; }
.zoe-widget .zoe-field p { margin: 0 0 0 calc(13em + 12px); max-width: 45em; line-height: 1.4; }
.zoe-widget .zoe-field .zoe-help { color: var(--zoe-quiet); font-size: .92em; }
.zoe-widget .zoe-field .zoe-error { color: var(--zoe-text); border-left: 3px solid var(--zoe-bad);
  padding-left: .5em; }
.zoe-widget .zoe-form .zoe-title { color: var(--zoe-text); margin-bottom: .4em; }
.zoe-widget .zoe-when { margin-left: .6em; color: var(--zoe-quiet); }
"""
