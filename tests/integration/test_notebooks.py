"""The example notebooks, and notebooks as jobs: on a real portal, in a real server's kernels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.support.container_zoe import API, Person
from tests.support.running_zoe import RunningZoe
from tests.support.waiting import eventually
from tests.zoe_hub.portal.programs import python
from zoe_hub.permissions import POWER_GROUP

pytestmark = pytest.mark.timeout(400)

SERVER = "lab"
NOTEBOOKS = [
    ("first-steps", "terminated\nExecuted notebook: runs/zoe-example-"),
    ("mpi", "Rank 3 of 4:"),
    ("parameter-sweep", "report 10: terminated, examples/sweep/runs/report-"),
    pytest.param("spark", "50000 rides on", marks=pytest.mark.java),
    ("usage-report", ", of everybody"),
]


@pytest.fixture(scope="module")
def zoe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningZoe]:
    with RunningZoe(tmp_path_factory.mktemp("notebooks") / "zoe") as zoe:
        yield zoe


@pytest.fixture(scope="module")
def ada(zoe: RunningZoe) -> Iterator[Person]:
    """The administrator, with a server that runs."""
    with Person(zoe, "admin", zoe.administrator().make_token()) as ada:
        ada.running_server(SERVER)
        yield ada


@pytest.fixture(scope="module")
def bob(zoe: RunningZoe, ada: Person) -> Iterator[Person]:
    """Somebody else, who may launch what he likes."""
    ada.json("POST", "/hub/api/users/bob")
    ada.json("POST", f"/hub/api/groups/{POWER_GROUP}/users", json={"users": ["bob"]})
    token = ada.json("POST", "/hub/api/users/bob/tokens", json={})["token"]
    with Person(zoe, "bob", token) as bob:
        yield bob


@pytest.fixture
def workspace(zoe: RunningZoe) -> Path:
    return zoe.directory / "workspaces" / "admin"


def ended(person: Person, **body: object) -> dict[str, Any]:
    """What was launched so, when it has ended."""
    path = f"{API}/executions/{person.json('POST', f'{API}/executions', json=body)['id']}"
    eventually(lambda: person.json("GET", path)["ended_at"], 90, person.zoe.output)
    found: dict[str, Any] = person.json("GET", path)
    return found


def run_example(person: Person, name: str) -> str:
    """Run a notebook as it lies in the workspace, in a kernel of the server; what it prints."""
    server = f"/user/{person.name}/{SERVER}/api"
    notebook = nbformat.from_dict(
        person.json("GET", f"{server}/contents/examples/{name}.ipynb")["content"]
    )
    kernel = person.new_kernel(SERVER)
    printed = [
        person.run(SERVER, kernel, cell.source, timeout=300)
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]
    person.json("DELETE", f"{server}/kernels/{kernel}")
    return "".join(printed)


@pytest.mark.parametrize(("name", "said"), NOTEBOOKS)
def test_each_cell_works_in_a_new_workspace(name: str, said: str, ada: Person) -> None:
    assert said in run_example(ada, name)


def test_who_is_no_administrator_reports_on_herself(bob: Person) -> None:
    bob.running_server(SERVER)
    assert run_example(bob, "usage-report").strip().endswith("of bob")
    bob.stop_server(SERVER)


def test_variables_reach_the_notebook_by_their_names(ada: Person, workspace: Path) -> None:
    cells = [
        new_code_cell("month, name = 1, ''", metadata={"tags": ["parameters"]}),
        new_code_cell("print(repr((month, name)))"),
    ]
    (workspace / "reports").mkdir()
    nbformat.write(new_notebook(cells=cells), workspace / "reports" / "my report.ipynb")
    values = {"notebook": "reports/my report.ipynb", "month": 5, "parameters": "name = May"}
    job = ended(ada, zapp="notebook-job", parameters=values)
    assert job["status"] == "terminated"
    [result] = job["results"]
    assert result["name"] == "Executed notebook"
    assert result["path"] == f"reports/runs/my report-{job['id']}.ipynb"
    executed = nbformat.read(workspace / result["path"], as_version=4)
    assert executed.cells[-1].outputs[0].text == "(5, 'May')\n"


def test_the_executed_copy_of_one_that_failed_is_named_too(ada: Person, workspace: Path) -> None:
    notebook = new_notebook(cells=[new_code_cell("print('before')"), new_code_cell("1 / 0")])
    nbformat.write(notebook, workspace / "fails.ipynb")
    job = ended(ada, zapp="notebook-job", parameters={"notebook": "fails.ipynb"})
    assert (job["status"], "ZeroDivisionError" in job["reason"]) == ("error", True)
    [result] = job["results"]
    assert result["url"] == f"/hub/user-redirect/lab/tree/runs/fails-{job['id']}.ipynb"
    executed = nbformat.read(workspace / result["path"], as_version=4)
    outputs = [output for cell in executed.cells for output in cell.get("outputs", ())]
    assert "ZeroDivisionError" in {output.get("ename") for output in outputs}


def test_what_a_description_leaves_is_offered_to_its_owner(ada: Person, bob: Person) -> None:
    """Who looks at somebody else's sees where it is; a link would lead into her own workspace."""
    table = {"name": "Table", "path": "tables/{execution_name}/{execution_id}.csv"}
    description = {**python("print('done')", image="zoe/mpi"), "results": [table]}
    job = ended(bob, name="mine", description=description)
    place = f"tables/mine/{job['id']}.csv"
    assert [each["path"] for each in job["results"]] == [place]
    page = f"/services/zoe/executions/{job['id']}"
    assert f'href="/hub/user-redirect/lab/tree/{place}"' in bob.client.get(page).text
    assert "user-redirect" not in ada.client.get(page).text
    assert [
        each["path"] for each in ada.json("GET", f"{API}/executions/{job['id']}")["results"]
    ] == [place]


@pytest.mark.parametrize(
    ("zapp", "parameters", "field", "message"),
    [
        ("notebook-job", {"notebok": "x.ipynb"}, "notebok", "did you mean 'notebook'?"),
        ("notebook-job", {"a b": 1}, "a b", "must be letters, digits and _"),
        ("notebook-job", {"month": 1, "parameters": "month = 2"}, "month", "keep one"),
        ("notebook-job", {"notebook": "../x.ipynb"}, "notebook", "within the workspace"),
        ("mpi-job", {"wrokers": 2}, "wrokers", "did you mean 'workers'?"),
        ("mpi-job", {"month": 5}, "month", "is not known: the known ones are"),
    ],
)
@pytest.mark.parametrize("operation", ["executions", "estimate"])
def test_what_is_refused_names_the_field(
    operation: str,
    zapp: str,
    parameters: dict[str, object],
    field: str,
    message: str,
    ada: Person,
) -> None:
    body = {"zapp": zapp, "parameters": parameters}
    answer = ada.client.post(f"{API}/{operation}", json=body)
    assert answer.status_code == 422
    assert answer.json()["field"] == f"parameters.{field}"
    assert message in answer.json()["detail"]


def test_an_estimate_takes_variables(ada: Person) -> None:
    alternatives = [{"month": 6}, {"parameters": "month = 7"}]
    body = {"zapp": "notebook-job", "parameters": {"month": 5}, "alternatives": alternatives}
    items = ada.json("POST", f"{API}/estimate", json=body)["items"]
    assert [each["parameters"] for each in items] == [{"month": 5}, *alternatives]
