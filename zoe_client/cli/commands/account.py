"""``zoe login`` and ``zoe info``: which Zoe this is, and who one is there."""

from __future__ import annotations

import sys
from urllib.parse import urljoin

import click

import zoe_client
from zoe_client.cli._browser import open_in_browser
from zoe_client.cli._output import Cell, Output
from zoe_client.cli._run import Failure, connected, json_option
from zoe_client.cli._words import clock

_ASK = 'Address of Zoe, such as "https://hub.example.org/services/zoe/"'
_SERVICE = "services/zoe/"


@click.command(short_help="keep the address of Zoe and a token")
@click.argument("url", required=False)
@click.option("--token-stdin", is_flag=True, help="Read the token from standard input.")
@json_option
def login(url: str | None, token_stdin: bool, as_json: bool) -> None:
    """Keep the address of Zoe and a token, so that other commands need neither.

    URL is the address of Zoe's pages, such as https://hub.example.org/services/zoe/, or of the Hub.
    Both are asked for when they are not given. The token is a token of JupyterHub, which its page
    "Tokens" makes. It is tried first, then kept in ~/.config/zoe/config.json, which only you can
    read.
    """
    output = Output(as_json=as_json)
    address = _address(url or click.prompt(_ASK, err=True))
    token = sys.stdin.readline().strip() if token_stdin else _ask_for_token(output, address)
    if not token:
        raise click.UsageError("there is no token: standard input is empty")
    with zoe_client.Client(address, token) as zoe:
        info = zoe.info()
    try:
        file = zoe_client.save_settings(address, token)
    except OSError as error:
        raise Failure(f"{error.filename} cannot be written: {error.strerror}") from None
    if as_json:
        output.document(info)
    else:
        output.line(f"You are {info.caller.name} at {address}. This is kept in {file}.")


@click.command(short_help="which Zoe this is, and who you are")
@json_option
def info(as_json: bool) -> None:
    """Show which Zoe this is, whether its scheduler is there, and who you are."""
    output = Output(as_json=as_json)
    with connected() as zoe:
        found, address = zoe.info(), zoe.url
    if as_json:
        output.document(found)
        return
    here = found.scheduler.status == "running"
    seen = f", last seen {clock(found.scheduler.seen_at)}" if found.scheduler.seen_at else ""
    output.facts(
        {
            "Zoe": f"{found.version} at {address}",
            "Deployment": found.deployment,
            "Back-end": found.backend or "-",
            "Scheduler": Cell("running", "green") if here else Cell(f"away{seen}", "bold red"),
            "You": found.caller.name,
            "Groups": ", ".join(found.caller.groups) or "-",
            "Allowed": ", ".join(sorted(found.caller.scopes)) or "-",
        }
    )


def _address(url: str) -> str:
    """Where the portal's pages begin; a Hub's own address leads to it as well."""
    text = url.strip()
    if "://" not in text:
        text = f"https://{text}"
    base = text.partition("?")[0].rstrip("/") + "/"
    for of_hub in ("hub/home/", "hub/token/", "hub/"):
        base = base.removesuffix(of_hub)
    return base if "/services/" in base else base + _SERVICE


def _ask_for_token(output: Output, address: str) -> str:
    page = urljoin(address, "../../hub/token")
    output.note(f"Make a token on {page} and copy it here.")
    open_in_browser(page)
    return str(click.prompt("Token", hide_input=True, err=True)).strip()
