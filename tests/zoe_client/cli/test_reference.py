"""The pages of the reference are what the commands give, and all commands keep to our habits."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from tests.support.running_zoe import ROOT
from zoe_client.cli._shown import STATES
from zoe_client.cli.reference import page_of, pages
from zoe_client.cli.zoe import zoe
from zoe_core.cluster import ExecutionStatus

PRINTS_A_SCRIPT = "completion"


@pytest.mark.parametrize("name", list(pages()))
def test_the_page_is_what_the_commands_give(name: str) -> None:
    assert (ROOT / "docs" / "reference" / name).read_text() == page_of(pages()[name]), "make docs"


def commands(group: click.Group) -> Iterator[click.Command]:
    for each in group.commands.values():
        if isinstance(each, click.Group):
            yield from commands(each)
        else:
            yield each


@pytest.mark.parametrize("command", list(commands(zoe)), ids=lambda each: each.name)
def test_each_command_has_help_and_json(command: click.Command) -> None:
    options = {option for each in command.params for option in each.opts}

    assert command.help
    assert command.short_help
    assert "--json" in options or command.name == PRINTS_A_SCRIPT


def test_the_states_are_those_of_the_core() -> None:
    assert tuple(each.value for each in ExecutionStatus) == STATES
