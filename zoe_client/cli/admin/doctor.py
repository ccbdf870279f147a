"""``zoe-admin doctor``: what is wrong with a Zoe, or odd, and what to type against it."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

import zoe_client
from zoe_client.cli._output import Output
from zoe_client.cli._run import FAILED, OK, json_option

if TYPE_CHECKING:
    from zoe_core.protocol.rest_admin import Finding, Findings

_WIDTH = 100
_STYLES: dict[str, dict[str, Any]] = {
    "ok": {"fg": "green"},
    "PROBLEM": {"fg": "red", "bold": True},
    "note": {"fg": "yellow"},
}
"""Of lines that begin so, on a terminal."""


@click.command(short_help="what is wrong, and what to do")
@click.option(
    "--url",
    metavar="URL",
    help="The address of the portal, such as https://hub.example.org/services/zoe/; default: "
    "ZOE_URL. The token of an administrator is taken from ZOE_TOKEN.",
)
@json_option
def doctor(url: str | None, as_json: bool) -> int:
    """Look at the scheduler, the nodes, what stands on them, and the gallery's images.

    Exit code 0: all is well; 1: something must be seen to; 2: the options or the token are wrong.
    """
    findings = _ask(url)
    if as_json:
        Output(as_json=True).json(
            {"all_well": all_well(findings)} | findings.model_dump(mode="json")
        )
    else:
        colour = False if os.environ.get("NO_COLOR") else None  # None: on a terminal
        for line in _lines(findings):  # not drawn by rich, which would fold what is to be copied
            style = _STYLES.get(line.partition(" ")[0], {})
            click.secho(_printable(line), color=colour, **style)
    return OK if all_well(findings) else FAILED


def all_well(findings: Findings) -> bool:
    """Whether nothing serious was found."""
    return not any(each.serious for each in findings.items)


def _ask(url: str | None) -> Findings:
    """What the portal found; that it, or a part of Zoe, does not answer is a finding of ours."""
    try:
        with zoe_client.Client(url) as zoe:
            return zoe.findings()
    except zoe_client.Unavailable as error:
        said = error.problem
        remedy = "look into the logs of the portal, and of what it says is away"
        return _only("portal", f"{said.title}: {said.detail}", remedy)
    except zoe_client.NoConnection as error:
        return _only("portal", f"{error}.", "look into the logs of the Hub and the portal")


def _only(what: str, why: str, remedy: str) -> Findings:
    from zoe_core.protocol.rest_admin import Finding, Findings

    found = Finding(what=what, node=None, why=why, serious=True, remedy=remedy)
    return Findings(well=(), items=(found,))


def _lines(findings: Findings) -> Iterator[str]:
    """A line for what is well, a paragraph for what is not, the serious last."""
    for each in findings.well:
        yield f"ok       {each}"
    for finding in reversed(findings.items):
        yield ""
        yield from _paragraph(finding)
    problems = sum(each.serious for each in findings.items)
    yield ""
    yield "All is well." if not problems else f"{problems} to see to."


def _paragraph(finding: Finding) -> Iterator[str]:
    where = f" on {finding.node}" if finding.node and finding.node not in finding.what else ""
    since = f", since {finding.since:%Y-%m-%d %H:%M:%S %Z}" if finding.since else ""
    yield f"{'PROBLEM' if finding.serious else 'note':9}{finding.what}{where}{since}"
    yield from textwrap.wrap(finding.why, _WIDTH, initial_indent=" " * 9, subsequent_indent=" " * 9)
    if finding.remedy:  # never wrapped: it is to be copied
        yield f"         -> {finding.remedy}"


def _printable(line: str) -> str:
    """What somebody named a network may not speak to the terminal."""
    return "".join(each if each.isprintable() else "?" for each in line)
