"""``zoe completion``: what a shell needs to complete the command."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_VARIABLE = "_ZOE_COMPLETE"


@click.command(short_help="let a shell complete the command")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that lets a SHELL complete commands, ZApps, ids and instances.

    \b
    bash: add to ~/.bashrc:                       eval "$(zoe completion bash)"
    zsh:  add to ~/.zshrc:                        eval "$(zoe completion zsh)"
    fish: write to ~/.config/fish/completions/zoe.fish: zoe completion fish
    """
    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(context.find_root().command, {}, "zoe", _VARIABLE).source())
