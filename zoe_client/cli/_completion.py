"""What a shell may offer after TAB: asked of Zoe, within a moment, and silent when that fails."""

from __future__ import annotations

import os
from typing import Any

import click
from click.shell_completion import CompletionItem

import zoe_client
from zoe_client.cli._shown import LIVE
from zoe_client.cli._words import printable

_WITHIN = 2.0
"""Seconds that somebody who has pressed TAB may be kept waiting."""


def complete_zapp(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Slugs of the gallery."""
    return [
        CompletionItem(each["slug"], help=printable(each["name"]))
        for each in _items("/zapps", {})
        if each["slug"].startswith(incomplete)
    ]


def complete_zapp_or_file(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Slugs of the gallery; files when it looks like one."""
    found = complete_zapp(context, parameter, incomplete)
    return found or [CompletionItem(incomplete, type="file")]


def complete_execution(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Ids, the newest first."""
    return _executions(incomplete, {"limit": "50"})


def complete_live_execution(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Ids of those that have not ended."""
    return _executions(incomplete, {"limit": "50", "status": ",".join(LIVE)})


def complete_running_server(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Ids of Jupyter servers that run."""
    found = _items("/executions", {"limit": "50", "status": "running"})
    return _ids([each for each in found if each["server_name"] is not None], incomplete)


def complete_instance(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of the instances of the execution that was typed before."""
    document = _ask(f"/executions/{context.params.get('execution_id')}", {})
    return [
        CompletionItem(each["name"], help=each["status"])
        for each in document.get("instances", ())
        if each["name"].startswith(incomplete)
    ]


def _executions(incomplete: str, query: dict[str, str]) -> list[CompletionItem]:
    return _ids(_items("/executions", query), incomplete)


def _ids(executions: list[dict[str, Any]], incomplete: str) -> list[CompletionItem]:
    return [
        CompletionItem(str(each["id"]), help=printable(f"{each['name']}, {each['status']}"))
        for each in executions
        if str(each["id"]).startswith(incomplete)
    ]


def _items(path: str, query: dict[str, str]) -> list[dict[str, Any]]:
    items = _ask(path, query).get("items", ())
    return [each for each in items if isinstance(each, dict)]


def _ask(path: str, query: dict[str, str]) -> dict[str, Any]:
    """One question without another try; nothing when there is no answer."""
    import httpx

    try:
        settings = zoe_client.find_settings(None, None, os.environ)
        answer = httpx.get(
            f"{settings.url}api/v1{path}",
            params=query,
            headers={"Authorization": f"token {settings.token}"},
            timeout=_WITHIN,
        )
        found = answer.raise_for_status().json()
    except (zoe_client.ZoeError, httpx.HTTPError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
