"""``%zoe`` and ``%%zoe run`` in notebooks: the command ``zoe``, and a cell's code as a job.

::

    %load_ext zoe_client
    %zoe ls

    %%zoe run spark-job -p workers=2
    print("this runs on the cluster")
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.display import display

from zoe_client._client import Client
from zoe_client._default import default_client
from zoe_client._execution import Execution
from zoe_client.cli._descriptions import is_file, request, split_parameters, typed
from zoe_client.cli._run import Program, detachable
from zoe_client.cli._shown import exit_code
from zoe_client.cli._sizes import sizing
from zoe_client.cli.commands.launch import run
from zoe_client.cli.zoe import zoe
from zoe_core.protocol import rest

HIDDEN = Path(".zoe") / "cells"
"""Where programs go, from the top of the workspace: one file for each different code."""

VISIBLE = Path("zoe-cells")
"""Where notebooks go: JupyterLab opens no hidden files, and their executed copies are beside."""

_NOTEBOOK = ".ipynb"
_WORKSPACE = "ZOE_WORKSPACE"


@magics_class
class ZoeMagics(Magics):
    """The magics of ``%load_ext zoe_client``."""

    @line_cell_magic("zoe")  # type: ignore[arg-type]  # IPython forgets that it is a method
    def zoe(self, line: str, cell: str | None = None) -> None:
        """Run a command of ``zoe``: ``%zoe ls``, ``%zoe why 42``; ``%zoe --help`` lists them.

        ``%%zoe run ZAPP -p NAME=VALUE …`` runs the code of the cell: it is written to a file of the
        workspace, and the ZApp's parameter that names the program is set to it. The notebook goes
        on at once; with ``--wait`` when the job has ended. ``_zoe`` is the execution, and
        ``_exit_code`` the exit code of the command.
        """
        try:
            arguments = shlex.split(line)
        except ValueError as error:
            raise UsageError(f"%zoe: {line!r} cannot be read: {error}") from None
        program: click.Group = zoe
        if cell is not None:
            if arguments[:1] != ["run"]:
                raise UsageError("%%zoe runs a job: %%zoe run ZAPP -p NAME=VALUE …")
            program = _CellProgram(self.shell, cell)
        assert self.shell is not None
        try:
            program.main(arguments, prog_name="zoe")
        except SystemExit as ended:  # what was wrong has been said
            self.shell.user_ns["_exit_code"] = ended.code


class _CellProgram(Program):
    """A ``zoe`` that has nothing but ``run``, with the code of a cell as the job's program."""

    def __init__(self, shell: Any, code: str) -> None:
        super().__init__(name="zoe")
        self._shell, self._code = shell, code
        self.add_command(
            click.Command("run", params=run.params, callback=self._run, help=self._run.__doc__)
        )

    def _run(
        self,
        zapp: str,
        parameters: tuple[str, ...],
        name: str | None,
        wait: bool,
        follow: bool,
        as_json: bool,
        **sizes: Any,
    ) -> int | None:
        """Run the code of the cell as a job of a ZApp of the gallery."""
        if is_file(zapp):
            raise click.UsageError(f"ZAPP: is {zapp!r}: must be a ZApp of the gallery: spark-job")
        given = split_parameters(parameters)
        execution = self._launch(default_client(), zapp, given, name, sizing(**sizes))
        self._shell.user_ns["_zoe"] = execution
        to_its_end: Callable[[], rest.Execution] = partial(_wait, execution)
        if as_json:
            click.echo(execution.document.model_dump_json())
        elif can_show_widgets(self._shell):
            from zoe_client.widgets import ExecutionView

            view = ExecutionView(execution)
            display(view)
            to_its_end = view.wait
        else:
            click.echo(f"Execution {execution.id} is launched.")
            wait, to_its_end = True, partial(_follow, execution)
        if not (wait or follow):
            return None
        with detachable(f"the job goes on; come back with: %zoe logs -f {execution.id}"):
            execution.asynchronous.document = to_its_end()
        return exit_code(execution.document)

    def _launch(
        self,
        client: Client,
        slug: str,
        given: dict[str, str],
        name: str | None,
        sizes: dict[str, Any],
    ) -> Execution:
        found = client.zapp(slug)
        parameter = program_parameter(found)
        key = parameter.alias or parameter.name
        if {key, parameter.name} & set(given):
            raise click.UsageError(f"-p {key}: is what the cell is for: leave it out")
        path = write_cell(self._code, parameter.file or "")
        values = typed(given, found.parameters) | {key: path}
        return client.submit(request(slug, name, parameters=values, **sizes))


def _wait(execution: Execution) -> rest.Execution:
    return execution.wait().document


def _follow(execution: Execution) -> rest.Execution:
    """Write its log as it grows, until its end."""
    for piece in execution.logs(follow=True):
        click.echo(piece, nl=False)
    return _wait(execution)


def program_parameter(zapp: rest.ZAppDetail) -> rest.Parameter:
    """The parameter that names the program. Raises click.UsageError when there is none."""
    for each in zapp.parameters:
        if each.file:
            return each
    raise click.UsageError(f"ZAPP: is {zapp.slug!r}: it runs no program of yours")


def write_cell(code: str, ending: str) -> str:
    """Write code to a file of the workspace and return its path from the top of that.

    ``ending`` is that of the file's name; for ``.ipynb`` it becomes a notebook of one cell. Raises
    click.UsageError where there is no workspace.
    """
    workspace = os.environ.get(_WORKSPACE)
    if not workspace:
        raise click.UsageError(
            f"there is no workspace here ({_WORKSPACE} is not set): %%zoe works in the notebooks "
            "of Zoe; elsewhere use: zoe run"
        )
    content = _notebook(code) if ending == _NOTEBOOK else code
    digest = hashlib.sha256(content.encode()).hexdigest()[:12]
    folder = VISIBLE if ending == _NOTEBOOK else HIDDEN
    path = folder / f"cell-{digest}{ending}"
    target = Path(workspace) / path
    target.parent.mkdir(parents=True, exist_ok=True)
    _write_whole(target, content)  # also anew: somebody may have edited what was there
    return path.as_posix()


def can_show_widgets(shell: Any) -> bool:
    """Whether there is a kernel, with a front-end that may show widgets, and ipywidgets."""
    return hasattr(shell, "kernel") and find_spec("ipywidgets") is not None


def _write_whole(target: Path, content: str) -> None:
    """Write a file that nobody sees half written."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=target.parent, prefix=".", delete=False
    ) as file:
        file.write(content)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(target)


def _notebook(code: str) -> str:
    """A notebook of one cell, in the format 4.5 of nbformat."""
    cell: dict[str, object] = {
        "cell_type": "code",
        "execution_count": None,
        "id": "cell",
        "metadata": {},
        "outputs": [],
        "source": code,
    }
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    document = {
        "cells": [cell],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(document, indent=1)
