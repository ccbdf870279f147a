"""The style of what notebooks show: colours and fonts are those of the theme that is chosen there.

The second value of each ``var`` counts where there is no theme, such as in a mail. JupyterLab has
rules for tables in outputs that are more specific than any class: hence ``!important``.
"""

from __future__ import annotations

STYLE = """
.zoe, .zoe-widget { --zoe-text: var(--jp-ui-font-color1, #24292f);
  --zoe-quiet: var(--jp-ui-font-color2, #57606a); --zoe-line: var(--jp-border-color2, #d0d7de);
  --zoe-soft: var(--jp-layout-color2, #eef1f4); --zoe-accent: var(--jp-brand-color1, #1976d2);
  --zoe-good: var(--jp-success-color1, #388e3c); --zoe-warn: var(--jp-warn-color1, #f57c00);
  --zoe-bad: var(--jp-error-color1, #d32f2f); }
.zoe { color: var(--zoe-text); font-family: var(--jp-ui-font-family, system-ui, sans-serif);
  font-size: var(--jp-ui-font-size1, 13px); line-height: 1.5; text-align: left; }
.zoe > * { margin: 0 0 .5em; }
.zoe-title { font-size: 1.15em; font-weight: 600; overflow-wrap: anywhere; }
.zoe-title > * { margin-right: .6em; }
.zoe-several > * + * { margin-left: .8em; }
.zoe bdi { overflow-wrap: anywhere; }
.zoe-quiet { color: var(--zoe-quiet); font-weight: normal; }
.zoe-badge { display: inline-block; padding: 0 .7em 0 .55em; border-radius: 1em;
  background: var(--zoe-soft); color: var(--zoe-text); font-size: .92em;
  font-weight: 600; white-space: nowrap; border: 1px solid var(--zoe-line); }
.zoe-badge::before { content: ""; display: inline-block; width: .6em; height: .6em;
  margin-right: .45em; border-radius: 50%; background: var(--zoe-quiet); }
.zoe-waiting::before { background: var(--zoe-warn); }
.zoe-moving::before { background: var(--zoe-accent); animation: zoe-pulse 1.2s infinite; }
.zoe-running::before { background: var(--zoe-good); }
.zoe-failed::before { background: var(--zoe-bad); border-radius: 0; }
.zoe-lost { border-style: dashed; }
.zoe-lost::before { background: var(--zoe-bad); animation: zoe-pulse 1.2s infinite; }
@keyframes zoe-pulse { 50% { opacity: .25; } }
@media (prefers-reduced-motion: reduce) { .zoe-badge::before { animation: none; } }
.zoe table { border-collapse: collapse; margin: 0 0 .5em !important; font-size: inherit !important;
  table-layout: auto; border: 0; }
.zoe table th, .zoe table td { padding: .2em .9em .2em 0; text-align: left !important;
  vertical-align: top !important; border: 0; white-space: normal; max-width: 34em;
  background: none; color: var(--zoe-text); }
.zoe table td:first-child { white-space: nowrap; }
.zoe table thead th { color: var(--zoe-quiet); font-weight: 600; white-space: nowrap;
  border-bottom: 1px solid var(--zoe-line); }
.zoe table tbody tr, .zoe table tbody tr:hover { background: none !important; }
.zoe table tbody tr + tr td { border-top: 1px solid var(--zoe-soft); }
.zoe table tbody tr.zoe-mine td { background: var(--zoe-soft); }
.zoe table tbody tr.zoe-mine td:first-child { box-shadow: inset 3px 0 var(--zoe-accent); }
.zoe table tbody td:first-child, .zoe table thead th:first-child { padding-left: .6em; }
.zoe-facts th, .zoe .zoe-facts tbody td:first-child { color: var(--zoe-quiet); padding-left: 0; }
.zoe table.zoe-facts tbody tr + tr td { border-top: 0; }
.zoe a { color: var(--jp-content-link-color, var(--zoe-accent)); }
.zoe-note { border-left: 3px solid var(--zoe-line); padding: .1em .7em; overflow-wrap: anywhere; }
.zoe-note.zoe-warning { border-color: var(--zoe-warn); }
.zoe-note.zoe-wrong { border-color: var(--zoe-bad); }
.zoe-bar { display: inline-block; width: 7.5em; height: .7em; margin-right: .5em;
  border-radius: .2em; background: var(--zoe-soft); border: 1px solid var(--zoe-line);
  overflow: hidden; vertical-align: baseline; box-sizing: border-box; }
.zoe-bar > span { display: block; height: 100%; background: var(--zoe-accent); }
.zoe-bar > span.zoe-full { background: var(--zoe-warn); }
.zoe pre.zoe-log { margin: 0; padding: .5em .7em; background: var(--jp-layout-color1, #fff);
  color: var(--jp-content-font-color1, #24292f); border: 1px solid var(--zoe-line);
  font-family: var(--jp-code-font-family, monospace); font-size: var(--jp-code-font-size, 12px);
  line-height: 1.4; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 24em;
  overflow: auto; }
.zoe-cards { display: flex; flex-wrap: wrap; gap: .7em; }
.zoe-card { border: 1px solid var(--zoe-line); border-radius: .3em; padding: .6em .8em;
  width: 15em; box-sizing: border-box; }
.zoe-card img, .zoe-logo { width: 2em; height: 2em; object-fit: contain; float: right;
  margin: 0 0 .3em .5em; }
.zoe-card b, .zoe-card .zoe-quiet { display: block; }
"""
