"""Widgets, displays and magics in a real kernel without a browser: what a saved notebook shows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook

from tests.zoe_client.cli.site import PATIENCE, Site, description

pytestmark = pytest.mark.timeout(300)

WIDGET = "application/vnd.jupyter.widget-view+json"
GREETING = repr(description("print('<b>hello</b>')", 32 * 2**20))


class Kernel:
    """A kernel as the portal's notebooks have it, and the notebook of all that was run in it."""

    def __init__(self, client: NotebookClient) -> None:
        self._client = client

    def run(self, code: str) -> list[Any]:
        """Run a cell to its end and return its outputs."""
        cells = self._client.nb.cells
        cells.append(new_code_cell(code))
        self._client.execute_cell(cells[-1], len(cells) - 1)
        return list(cells[-1].outputs)

    def html(self) -> str:
        """The notebook as `nbconvert --to html` writes it."""
        html, _ = HTMLExporter().from_notebook_node(self._client.nb)
        return str(html)


@pytest.fixture(scope="module")
def workspace(site: Site) -> Path:
    return site.zoe.directory / "workspaces" / "admin"


@pytest.fixture(scope="module")
def kernel(site: Site, workspace: Path) -> Iterator[Kernel]:
    client = NotebookClient(new_notebook(), timeout=PATIENCE, kernel_name="python3")
    env = {**os.environ, **site.environment, "ZOE_WORKSPACE": str(workspace)}
    with client.setup_kernel(env=env):
        yield Kernel(client)


def text_of(outputs: list[Any], name: str = "stdout") -> str:
    return "".join(each.text for each in outputs if each.get("name") == name)


def test_a_saved_notebook_shows_how_it_ended(kernel: Kernel) -> None:
    outputs = kernel.run(
        "from zoe_client import Client\nfrom zoe_client.widgets import ExecutionView\n"
        f"job = Client().run({GREETING}, 'greeting')\n"
        "view = ExecutionView(job)\nview"
    )
    kernel.run(f"view.wait({PATIENCE})")
    still, live = outputs

    assert "Terminated" in still.data["text/html"]
    assert "&lt;b&gt;hello&lt;/b&gt;" in still.data["text/html"]
    assert "greeting: Terminated" in still.data["text/plain"]
    assert "<b>hello</b>" in still.data["text/plain"]
    assert WIDGET in live.data
    html = kernel.html()
    assert "&lt;b&gt;hello&lt;/b&gt;" in html
    assert "Error displaying widget" not in html


def test_documents_are_shown_as_tables(kernel: Kernel) -> None:
    [info] = kernel.run("zoe = Client()\nzoe.info()")
    [cards] = kernel.run("zoe.zapps()")
    [one] = kernel.run("job")
    [several] = kernel.run("list(zoe.executions())")

    assert "You are" in info.data["text/html"]
    assert "You are:" in info.data["text/plain"]
    assert "Spark job" in cards.data["text/html"]
    assert "greeting" in one.data["text/html"]
    assert "<table" in several.data["text/html"]


def test_the_command_runs_in_a_cell(kernel: Kernel) -> None:
    kernel.run("%load_ext zoe_client")

    assert "greeting" in text_of(kernel.run("%zoe ls"))
    assert "hello" in text_of(kernel.run("%zoe logs {job.id}"))
    assert "Usage: zoe" in text_of(kernel.run("%zoe --help"))
    refused = kernel.run("%zoe show 1000000000")
    assert text_of(refused, "stderr") == "zoe: You have no execution 1000000000.\n"
    assert kernel.run("_exit_code")[0].data["text/plain"] == "1"


@pytest.mark.parametrize(("slug", "ending"), [("mpi-job", ".py"), ("notebook-job", ".ipynb")])
def test_a_cell_becomes_a_job(kernel: Kernel, workspace: Path, slug: str, ending: str) -> None:
    code = f"print('from', {slug!r})"
    outputs = kernel.run(f"%%zoe run {slug} --wait --name mine\n{code}")

    assert text_of(outputs, "stderr") == ""
    still = outputs[0]
    assert "Terminated" in still.data["text/html"]
    assert f"from {slug}" in still.data["text/plain"]
    assert kernel.run("_exit_code")[0].data["text/plain"] == "0"
    folder = "zoe-cells" if ending == ".ipynb" else ".zoe/cells"
    [written] = (workspace / folder).glob(f"cell-*{ending}")
    if ending == ".ipynb":
        nbformat.validate(nbformat.read(written, as_version=4))
    else:
        assert written.read_text() == f"{code}\n"


def test_a_job_that_cannot_be_followed_is_not_said_to_have_failed(kernel: Kernel) -> None:
    kernel.run(
        "from zoe_client import ZoeError\nfollow = ExecutionView.follow\n"
        "async def refused(self): raise ZoeError('You may not see it any more.')\n"
        "ExecutionView.follow = refused"
    )
    outputs = kernel.run("%%zoe run mpi-job --wait --name unseen\nprint('it ran')")
    kernel.run("ExecutionView.follow = follow")

    assert text_of(outputs, "stderr") == "zoe: You may not see it any more.\n"
    ended = kernel.run(f"_zoe.wait({PATIENCE}).document.status")
    assert "TERMINATED" in ended[0].data["text/plain"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("run mpi-job -p program=other.py", "-p program: is what the cell is for"),
        ("run jupyter", "it runs no program of yours"),
        ("run ./mine.json", "must be a ZApp of the gallery"),
        ("run mpi-job -p workrs=2", "workers"),
        ("run none-such", "none-such"),
        ("run mpi-job -p", "requires an argument"),
    ],
)
def test_what_is_wrong_with_a_cell_is_said_in_a_line(kernel: Kernel, line: str, said: str) -> None:
    outputs = kernel.run(f"%%zoe {line}\npass")

    [only] = text_of(outputs, "stderr").splitlines()
    assert only.startswith("zoe: ")
    assert said in only
    assert kernel.run("_exit_code")[0].data["text/plain"] in ("1", "2")
