"""notebook-job: real notebooks, good and failing, and what is refused before a kernel starts."""

import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from zoe_notebook.job import EXAMPLE, JobError, check_format, find_notebook, prepare

from tests.support.gallery_runs import EXECUTION, Run, running
from tests.support.waiting import eventually
from zapp_gallery import DEFAULT_DIRECTORY, load_gallery
from zoe_core.zapp import render_results


def notebook(*sources: str, tagged: str = "") -> str:
    """A notebook with a cell for each source; ``tagged`` is the cell of parameters."""
    cells = [new_code_cell(source) for source in sources]
    if tagged:
        cells.insert(0, new_code_cell(tagged, metadata={"tags": ["parameters"]}))

    return str(nbformat.writes(new_notebook(cells=cells)))


def executed(run: Run, stem: str) -> nbformat.NotebookNode:
    """The executed copy."""
    place = run.workspace / "runs" / f"{stem}-{EXECUTION}.ipynb"
    return nbformat.read(place, as_version=4)


def test_the_example_runs_with_all_defaults(place: Path) -> None:
    with running("notebook-job", place) as run:
        assert run.wait() == 0, run.all_logs()
        log = run.log("notebook")
        assert "Pi is roughly 3.1" in log
        assert f"The executed notebook is runs/zoe-example-{EXECUTION}.ipynb" in log
        assert "WARNING" not in log
        outputs = executed(run, "zoe-example").cells[-1].outputs
        assert any("image/png" in output.get("data", {}) for output in outputs)


def test_parameters_are_given_to_the_notebook(place: Path) -> None:
    text = json.dumps({"word": 'a "b" {user_name}'})
    values = {"notebook": "my work.ipynb", "parameters": text, "times": 2}
    files = {"my work.ipynb": notebook("print(word * times)", tagged="word, times = '', 1")}
    with running("notebook-job", place, values, files) as run:
        assert run.wait() == 0, run.all_logs()
        assert executed(run, "my work").cells[-1].outputs[0].text == 'a "b" {user_name}' * 2 + "\n"
        assert (run.workspace / "my work.ipynb").read_text() == files["my work.ipynb"]


def test_a_cell_that_fails_leaves_the_executed_copy(place: Path) -> None:
    files = {"fails.ipynb": notebook("print('before')", "{}['year']", "print('after')")}
    with running("notebook-job", place, {"notebook": "fails.ipynb"}, files) as run:
        assert run.wait() == 1
        log = run.log("notebook")
        assert "Cell 2 failed (In [2]): KeyError: 'year'" in log
        assert f"The executed notebook is runs/fails-{EXECUTION}.ipynb" in log
        outputs = [cell.outputs for cell in executed(run, "fails").cells if "outputs" in cell]
        assert [output.get("ename") for cell in outputs for output in cell][-1] == "KeyError"
        assert "after" not in log


def test_a_run_that_is_stopped_keeps_what_it_has(place: Path) -> None:
    source = "print('first', flush=True)", "import time; time.sleep(600)"
    files = {"long.ipynb": notebook(*source)}
    with running("notebook-job", place, {"notebook": "long.ipynb"}, files) as run:
        eventually(lambda: "Executing Cell 2" in run.log("notebook"), 60, run.all_logs)
        run.backend.stop(run.instance("notebook"), 20)
        assert run.wait(timeout=30) != 0
        assert executed(run, "long").cells[0].outputs[0].text == "first\n"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../x.ipynb", "is outside of your workspace"),
        ("/etc/x.ipynb", "is outside of your workspace"),
        ("link.ipynb", "is outside of your workspace"),
        ("notes.txt", "must be a file that ends in .ipynb"),
        ("", "must be a file that ends in .ipynb"),
        ("none.ipynb", "There is no notebook 'none.ipynb' in your workspace"),
        ("folder.ipynb", "There is no notebook"),
    ],
)
def test_notebooks_that_are_refused(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "outside.ipynb").touch()
    workspace = tmp_path / "workspace"
    (workspace / "folder.ipynb").mkdir(parents=True)
    (workspace / "link.ipynb").symlink_to(tmp_path / "outside.ipynb")
    with pytest.raises(JobError, match=message):
        find_notebook(name, workspace)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is no notebook: it is not JSON"),
        ("hello", "is no notebook: it is not JSON"),
        ("[]", "its JSON holds something else"),
        ("{}", "is no"),
        (
            '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{}]}',
            "no valid notebook",
        ),
        (
            '{"nbformat": 4, "nbformat_minor": 5, "cells": []}',
            "missing an expected key: metadata",
        ),
    ],
)
def test_files_that_are_no_notebooks(content: str, message: str, tmp_path: Path) -> None:
    place = tmp_path / "x.ipynb"
    place.write_text(content)
    with pytest.raises(JobError, match=message):
        check_format(place, "x.ipynb")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ("{year: 1}", "The parameters are no JSON"),
        ("[1]", "must be a JSON object"),
        ('{"a b": 1}', "The parameter 'a b' is no name of a variable"),
    ],
)
def test_parameters_that_are_refused(parameters: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(JobError, match=message):
        prepare(EXAMPLE, parameters, tmp_path, "1")


def test_the_copy_stands_beside_the_notebook(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "may.ipynb").write_text(notebook("1"))
    job = prepare("reports/may.ipynb", '{"year": 2026}', tmp_path, "12")
    assert job.result == (tmp_path / "reports" / "runs" / "may-12.ipynb").resolve()
    assert job.parameters == {"year": 2026}


@pytest.mark.parametrize(
    ("given", "result"),
    [
        ("latest.ipynb", "runs/latest-12.ipynb"),
        ("current/may.ipynb", "current/runs/may-12.ipynb"),
        ("current/../latest.ipynb", "runs/latest-12.ipynb"),
    ],
)
def test_one_given_by_a_link_leaves_its_copy_where_the_page_says(
    given: str, result: str, tmp_path: Path
) -> None:
    reports = tmp_path / "archive" / "2026"
    reports.mkdir(parents=True)
    (reports / "may.ipynb").write_text(notebook("1"))
    (tmp_path / "latest.ipynb").symlink_to("archive/2026/may.ipynb")
    (tmp_path / "current").symlink_to("archive/2026")
    job = prepare(given, "", tmp_path, "12")
    assert job.result == tmp_path.resolve() / result
    description = load_gallery()["notebook-job"].applied({"notebook": given})
    [promised] = render_results(description.results, 12, "job")
    assert promised.path == result


def test_the_example_does_not_replace_a_file(tmp_path: Path) -> None:
    mine = notebook("'mine'")
    (tmp_path / EXAMPLE).write_text(mine)
    find_notebook(EXAMPLE, tmp_path)
    assert (tmp_path / EXAMPLE).read_text() == mine


def test_the_example_is_stored_without_outputs() -> None:
    place = DEFAULT_DIRECTORY / "notebook-job" / "bin" / "zoe_notebook" / "example.ipynb"
    document = nbformat.read(place, as_version=4)
    nbformat.validate(document)
    for cell in document.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
