"""Widgets while Zoe, or a part of it, is away: they say so, and go on by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.zoe_client.cli.site import PATIENCE, Site
from tests.zoe_client.widgets.gate import Gate
from tests.zoe_client.widgets.shown import shows, soon
from zoe_client import Client, _connection
from zoe_client.widgets import Cluster, ExecutionView, Gallery, Queue
from zoe_client.widgets._live import Live

pytestmark = pytest.mark.timeout(300)

ALL = re.compile("")
LOST = "Lost connection"
NAMED = "import os, time; print('I am', os.environ['SERVICE_NAME']); time.sleep(1000)"


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def client(site: Site, gate: Gate) -> Iterator[Client]:
    with Client(site.client.url, site.token, transport=gate) as client:
        yield client


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients give up at once: the widgets themselves have to be patient."""
    monkeypatch.setattr(_connection, "PATIENCE", 0.1)
    monkeypatch.setattr(_connection, "DOUBT", 0.1)


@pytest.mark.usefixtures("impatient")
def test_widgets_that_are_made_while_zoe_is_away_go_on(
    site: Site, gate: Gate, client: Client
) -> None:
    execution = site.launch("import time; print('hello'); time.sleep(1000)")
    gate.away = ALL
    view = ExecutionView(execution.id, client=client)
    widgets: list[Live] = [
        view,
        Gallery(client=client),
        Queue(client=client),
        Cluster(client=client),
    ]
    for each in widgets:
        soon(lambda each=each: shows(each, LOST))  # type: ignore[misc]
        assert each._again.layout.display == "none"

    gate.away = None
    for each, word in zip(widgets, ("hello", "Spark job", "Nothing waits", "Online"), strict=True):
        soon(lambda each=each, word=word: shows(each, word))  # type: ignore[misc]
        soon(lambda each=each: not shows(each, LOST))  # type: ignore[misc]
    execution.stop()
    assert view.wait(PATIENCE).status == "terminated"
    for each in widgets:
        each.close()


@pytest.mark.usefixtures("impatient")
def test_a_log_that_is_chosen_while_the_scheduler_is_away_comes_later(
    site: Site, gate: Gate, client: Client
) -> None:
    execution = site.launch(NAMED, total_count=2, essential_count=2)
    view = ExecutionView(execution.id, client=client)
    soon(lambda: "I am" in view._log.kept.text and view._which.layout.display is None)

    gate.busy = re.compile("/logs$")
    view._which.value = "main-1"
    soon(lambda: shows(view, LOST, "Running") and "I am" not in view._log.kept.text)
    assert view._failure is None
    gate.busy = None
    soon(lambda: not shows(view, LOST) and "I am" in view._log.kept.text)
    execution.stop()
    view.wait(PATIENCE)
    view.close()


def test_what_was_lost_before_a_pause_is_not_lost_for_ever(
    site: Site, gate: Gate, client: Client
) -> None:
    execution = site.launch(NAMED)
    gate.away = re.compile("(/logs|/events)$")
    view, queue = ExecutionView(execution.id, client=client), Queue(client=client)
    for each in (view, queue):
        soon(lambda each=each: shows(each, LOST))  # type: ignore[misc]
        each._view_count = 1
        each._view_count = 0  # nobody sees it any more
    gate.away = None
    for each in (view, queue):
        each._view_count = 1
    soon(lambda: "I am" in view._log.kept.text and not shows(view, LOST))
    soon(lambda: not shows(queue, LOST))
    execution.stop()
    view.wait(PATIENCE)
    view.close()
    queue.close()


def test_launch_is_pressed_again_when_its_answer_was_lost(
    site: Site, gate: Gate, client: Client
) -> None:
    gallery = Gallery(client=client)
    gallery.choose("mpi-job")
    soon(lambda: gallery.form)
    form = gallery.form
    assert form is not None
    form.name_field.control.value = "only once"
    gate.unheard = re.compile("POST .*/executions$")
    for _ in range(2):
        form.launch_button.click()
        soon(lambda: "does not answer as Zoe does" in form._problem.value and not form._busy)
        form._problem.value = ""
    [launched] = site.client.executions(name="only once")

    gate.unheard = None
    form.launch_button.click()
    soon(lambda: gallery.executions)
    assert gallery.executions[0].execution_id == launched.id
    form.launch_button.click()  # after an answer it means another one
    soon(lambda: len(gallery.executions) == 2)

    gate.unheard = re.compile("POST .*/executions$")
    form.launch_button.click()
    soon(lambda: form._problem.value and not form._busy)
    form.name_field.control.value = "another name"
    gate.unheard = None
    form.launch_button.click()
    soon(lambda: len(gallery.executions) == 3)
    assert len(list(site.client.executions(name="only once"))) == 3
    assert len(list(site.client.executions(name="another name"))) == 1
    for view in gallery.executions:
        view.ask_to_stop()
    for view in gallery.executions:
        view.wait(PATIENCE)
    gallery.close()
