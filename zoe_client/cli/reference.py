"""Writes the reference of our commands from their own help: ``python -m zoe_client.cli.reference``.

A page for each program, laid out as a manual page.
"""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from zoe_client.cli.admin import zoe_admin
from zoe_client.cli.zoe import zoe

_ENVIRONMENT = (
    ("ZOE_URL", "The address of Zoe's pages, such as `https://hub.example.org/services/zoe/`."),
    ("ZOE_TOKEN", 'A token of JupyterHub; its page "Tokens" makes them.'),
    (
        "XDG_CONFIG_HOME",
        "`zoe/config.json` in there, by default in `~/.config`, has what "
        "`zoe login` keeps: the address and the token. The variables above come first.",
    ),
    (
        "JUPYTERHUB_API_TOKEN, JUPYTERHUB_*",
        "What JupyterHub tells a notebook: there nothing else is needed.",
    ),
    ("NO_COLOR", "When it is set, terminals get no colours."),
)
_EXIT_STATUS = (
    ("0", "It went well."),
    ("1", "It did not: Zoe refused or did not answer, or something is wrong there."),
    ("2", "What was typed, the settings or the token are wrong."),
    ("130", "Ctrl-C. What was followed goes on."),
)


@dataclass(frozen=True, slots=True)
class Page:
    """What a program's page says beyond the program's own help."""

    program: click.Group
    summary: str
    exit_status: tuple[tuple[str, str], ...]
    examples: tuple[tuple[str, str], ...]


ZOE = Page(
    zoe,
    "launch ZApps, and see to what was launched",
    (
        *_EXIT_STATUS,
        (
            "1 to 125",
            "Of `zoe run` with `--wait` or `--follow`: the exit code of the job's main program; 1 "
            "when it has none, such as when it was ended by somebody.",
        ),
    ),
    (
        ("Log in from your own machine", "zoe login https://hub.example.org/services/zoe/"),
        (
            "Run a notebook of your workspace with parameters, and see its log",
            "zoe run notebook-job -p notebook=report.ipynb -p month=5 --follow",
        ),
        (
            "Launch in a script, do something else, see how it went",
            'id=$(zoe run spark-job -p workers=4)\nzoe logs -f "$id"',
        ),
        ("Stop all that wait", "zoe ls --status queued --json | jq '.[].id' | xargs -r zoe stop"),
        ("Why does it not start?", "zoe why 42"),
        (
            "More memory for what waits, more time for what runs, and what it uses",
            "zoe change 43 --memory spark-worker=4GB\nzoe change 42 --runtime-limit 8h\n"
            "zoe show 42 --use",
        ),
    ),
)


ADMIN = Page(
    zoe_admin,
    "administer Zoe: queue, nodes, quotas, use, what is kept",
    (
        ("0", "All is well."),
        ("1", "Something must be seen to, was refused, or cannot be reached."),
        ("2", "What was typed, the settings or the token are wrong."),
        ("130", "Ctrl-C."),
    ),
    (
        ("Is all well? What is to be done?", "zoe-admin doctor"),
        ("Take a node out of use, and back", "zoe-admin drain node3\nzoe-admin undrain node3"),
        (
            "Limit what everybody may hold at a time, and let one person hold more",
            "zoe-admin quota set default --memory 16GB --cores 8\n"
            "zoe-admin quota set user alice --memory 64GB --cores unlimited",
        ),
        (
            "Who used how much last month, for a spreadsheet",
            "zoe-admin usage --from 2026-10-01 --to 2026-11-01 --by user --csv > october.csv",
        ),
        (
            "The same over the year, month by month, as a picture",
            "zoe-admin usage --from 2026-01-01 --interval month --by group --plot year.png",
        ),
        ("Who holds what, of what the quotas allow", "zoe-admin users"),
        ("What was refused since yesterday?", "zoe-admin audit --since 1d --outcome refused"),
        ("Forget what ended long ago", "zoe-admin purge --before 90d"),
        (
            "Save the database; bring it back, while Zoe is stopped",
            "zoe-admin backup zoe.dump\nzoe-admin restore zoe.dump",
        ),
    ),
)


def page_of(page: Page) -> str:
    """The page in Markdown."""
    return "\n".join(_page(page)).rstrip() + "\n"


def _page(page: Page) -> Iterator[str]:
    program = page.program
    name = program.name or ""
    context = click.Context(program, info_name=name, **program.context_settings)
    yield f"# {name}"
    yield ""
    yield "<!-- Made by `make docs` from the help of the program. -->"
    yield from _section("Name", [f"`{name}`: {page.summary}"])
    yield from _section("Synopsis", [f"    {name} COMMAND [OPTIONS] [ARGUMENTS]"])
    yield from _section("Description", _paragraphs(program))
    yield from _section("Options", _options(program, context))
    yield from _section("Commands", _commands(program, context))
    yield from _section("Exit status", _definitions(page.exit_status))
    yield from _section("Environment", _definitions(_ENVIRONMENT))
    yield from _section("Examples", _examples(page))


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    yield from lines


def _commands(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.commands[name]
        inner = click.Context(command, parent=context, info_name=name)
        if isinstance(command, click.Group):
            yield from _commands(command, inner)
            continue
        usage = " ".join(command.collect_usage_pieces(inner))
        yield f"### {inner.command_path}"
        yield ""
        yield f"    {inner.command_path} {usage}"
        yield ""
        yield from _paragraphs(command)
        yield ""
        yield from _options(command, inner)
        yield ""


def _paragraphs(command: click.Command) -> Iterator[str]:
    """The help, as Markdown; what click is told to leave as it is (``\\b``) is code."""
    for number, text in enumerate(inspect.cleandoc(command.help or "").split("\n\n")):
        if number:
            yield ""
        if text.startswith("\b"):
            code = textwrap.dedent("\n".join(text.splitlines()[1:]))
            yield from textwrap.indent(code, "    ").splitlines()
        else:
            yield from text.splitlines()


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    """Those with a meaning to tell; the way to the help is told once, above the commands."""
    for parameter in command.get_params(context):
        usage, meaning = parameter.get_help_record(context) or ("", "")
        if meaning and ("--help" not in parameter.opts or context.parent is None):
            yield f"- `{usage}`: {' '.join(meaning.split())}"


def _definitions(pairs: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for term, meaning in pairs:
        yield f"- `{term}`: {meaning}"


def _examples(page: Page) -> Iterator[str]:
    for title, commands in page.examples:
        yield title if title.endswith("?") else f"{title}:"
        yield ""
        yield from (f"    {line}" for line in commands.splitlines())
        yield ""


def main(directory: Path) -> None:
    """Write all pages."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, page in pages().items():
        (directory / name).write_text(page_of(page), encoding="utf-8")


def pages() -> dict[str, Page]:
    """The pages by the names of their files."""
    return {"zoe.md": ZOE, "zoe-admin.md": ADMIN}


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference"))
