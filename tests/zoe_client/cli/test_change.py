"""`zoe run` with sizes, `zoe change`, `zoe keep` and `zoe show --use`, against a running portal."""

from __future__ import annotations

import pytest

from tests.support.waiting import eventually
from tests.zoe_client.cli.site import PATIENCE, ROOM, SMALL, Site

pytestmark = pytest.mark.timeout(300)

FOR_EVER = "import time; x = bytearray(20_000_000); time.sleep(1000)"
MB = 2**20


def test_a_launch_gets_the_sizes_and_the_limit_that_were_typed(site: Site) -> None:
    sizes = ("--memory", "main=48MB", "--cores", "main=0.02", "--runtime-limit", "1h30m")

    number = site.run("run", site.job(FOR_EVER), *sizes).stdout.strip()
    eventually(lambda: site.ask("show", number)["instances"], timeout=PATIENCE)
    document = site.ask("show", number)
    shown = site.run("show", number).stdout
    site.client.stop(int(number))

    assert document["resources"] == {"main": {"memory": 48 * MB, "cores": 0.02}}
    assert document["instances"][0]["resources"]["memory"] == 48 * MB
    assert "Sizes:          main: 48 MB, 0.02 cores\n" in shown
    assert "Runtime limit:  1h 30m\n" in shown
    assert "Ends:  " in shown
    assert "by its runtime limit\n" in shown


def test_what_runs_gets_another_priority_and_another_limit(site: Site) -> None:
    running = site.launch(FOR_EVER)
    eventually(lambda: running.status == "running", timeout=PATIENCE)

    changed = site.run("change", running.id, "--priority", "low", "--runtime-limit", "4h")
    eventually(lambda: running.refresh().document.runtime_limit == 4 * 3600, timeout=PATIENCE)
    assert running.document.priority == "low"
    too_late = site.run("change", running.id, "--memory", "main=64MB")
    document = site.ask("change", running.id, "--priority", "normal")
    running.stop().wait(PATIENCE)
    ended = site.run("change", running.id, "--priority", "low")

    assert changed.exit_code == 0, changed.output
    said = f"Execution {running.id} gets priority low, a runtime limit of 4h.\n"
    assert (changed.stdout, changed.stderr) == (said, "")
    assert (too_late.exit_code, "only while it waits" in too_late.stderr) == (1, True)
    assert document["id"] == running.id
    assert (ended.exit_code, "cannot be changed" in ended.stderr) == (1, True)


def test_what_waits_gets_other_sizes(site: Site) -> None:
    with site.busy():
        waits = site.launch("pass", memory=ROOM)
        changed = site.run("change", waits.id, "--memory", "main=64MB", "--cores", "main=1")
        eventually(lambda: waits.refresh().document.resources, timeout=PATIENCE)
        waits.stop()

    assert changed.stdout == f"Execution {waits.id} gets 64 MB, 1 core for each main.\n"
    assert waits.document.resources["main"].memory == 64 * MB


def test_a_job_is_no_server_to_be_kept(site: Site) -> None:
    running = site.launch(FOR_EVER)

    refused = site.run("keep", running.id)
    running.stop()

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "is no Jupyter server" in refused.stderr


def test_what_it_uses_is_shown_beside_what_it_has(site: Site) -> None:
    running = site.launch(FOR_EVER)
    eventually(lambda: running.status == "running", timeout=PATIENCE)
    eventually(lambda: _samples(site, running.id), timeout=PATIENCE)

    shown = site.run("show", running.id, "--use").stdout
    document = site.ask("show", running.id, "--use")
    running.stop().wait(PATIENCE)
    after = site.run("show", running.id, "--use").stdout

    titles, row = shown.splitlines()[-2:]
    assert titles.split("  ")[0] == "INSTANCE"
    assert row.startswith("main-0")
    assert " of 32 MB  " in row
    assert row.endswith(" of 0.01")
    assert document["execution"]["id"] == running.id
    assert document["use"]["items"][0]["reserved"]["memory"] == SMALL
    assert after.endswith("Nothing of it is measured now.\n")


def _samples(site: Site, execution_id: int) -> bool:
    items = site.ask("show", execution_id, "--use")["use"]["items"]
    return bool(items and items[0]["samples"])


def test_a_zapp_says_which_services_it_has(site: Site) -> None:
    shown = [line.split() for line in site.run("gallery", "spark-job").stdout.splitlines()]

    assert ["SERVICE", "MEMORY", "CORES"] in shown
    assert ["spark-worker", "1", "GB", "0.5"] in shown


MANY = "9" * 400


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "jupyter", "--memory", "4GB"), "--memory: is '4GB': must be SERVICE=SIZE, such"),
        (("run", "jupyter", "--memory", "=4GB"), "--memory: is '=4GB': must be SERVICE=SIZE"),
        (("run", "jupyter", "--memory", f"a={MANY}P"), "…': must be SERVICE=SIZE"),
        (("run", "jupyter", "--cores", "a=nan"), "--cores: is 'a=nan': must be SERVICE=NUMBER"),
        (("run", "jupyter", "--cores", "a=1", "--cores", "a=2"), "--cores a: is given twice"),
        (("run", "jupyter", "--cores", "nobody=1"), "resources.nobody: is no service here"),
        (("run", "jupyter", "--memory", "notebook=1"), "must be 16777216 bytes or more"),
        (("run", "jupyter", "--cores", "notebook=-1"), "resources.notebook.cores: is -1"),
        (("run", "jupyter", "--runtime-limit", "0s"), "runtime_limit: is 0: must be a whole"),
        (
            ("run", "jupyter", "--runtime-limit", "soon"),
            "--runtime-limit: is 'soon': must be a time",
        ),
        (("run", "jupyter", "--runtime-limit", f"{MANY}h"), "…': must be a time such as"),
        (("change", "1"), "give one change at least, such as --priority low"),
        (("change", "1", "--priority", "urgent"), "--priority: 'urgent' is not one of"),
    ],
)
def test_a_wrong_size_is_named(site: Site, arguments: tuple[str, ...], said: str) -> None:
    failed = site.run(*arguments)

    assert (failed.exit_code, failed.stdout) == (2, "")
    assert failed.stderr.startswith("zoe: ")
    assert failed.stderr.count("\n") == 1
    assert said in failed.stderr


def test_a_change_of_what_is_not_there(site: Site) -> None:
    missing = site.run("change", "999999", "--priority", "low")

    assert (missing.exit_code, missing.stderr) == (1, "zoe: You have no execution 999999.\n")
