"""Widgets without a browser, against a running portal: they follow, stop, and leave nothing."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import psutil
import pytest
from anyio import to_thread
from ipywidgets.widgets import widget as registry

from tests.support.waiting import eventually
from tests.zoe_client.cli.site import PATIENCE, ROOM, SMALL, Site
from tests.zoe_client.widgets.shown import shows, soon
from zoe_client import Client, NotFound, TimedOut, ZoeError
from zoe_client._async_client import AsyncClient
from zoe_client.widgets import Cluster, ExecutionView, Gallery, Queue
from zoe_client.widgets._background import call_there
from zoe_client.widgets._live import PAUSE, Live
from zoe_client.widgets._log import BLOCK, BLOCKS

pytestmark = pytest.mark.timeout(300)

GREETING = "import time; print('hello'); time.sleep(1000)"
FLOOD = "for n in range(200_000): print(f'line {n}')"


def test_an_execution_is_followed_to_its_end(site: Site) -> None:
    execution = site.launch("print('hello'); print('<b>bye</b>')")
    with_id, with_object = ExecutionView(execution.id, client=site.client), ExecutionView(execution)
    for view in (with_id, with_object):
        soon(lambda view=view: shows(view, "Terminated", "hello", "<b>bye</b>"))  # type: ignore[misc]
        soon(view._running.done)
        assert view._stop_button.layout.display == "none"
        assert "&lt;b&gt;bye" in view._repr_mimebundle_()["text/html"]
        view.close()


def test_waiting_is_explained_and_stop_asks_once(site: Site) -> None:
    with site.busy() as holder:
        waiting = site.launch(GREETING, memory=ROOM)
        view, queue = ExecutionView(waiting), Queue(client=site.client)
        soon(lambda: shows(view, "Queued", "Number 1 in the queue", str(holder.id)))
        soon(lambda: shows(queue, "1 waiting", f"* 1      {waiting.id}: {waiting.name}"))

        view._stop_button.click()
        soon(lambda: view._question.layout.display == "flex")
        assert waiting.status == "queued"
        yes = view._question.children[1]
        yes.click()
        soon(lambda: shows(view, "Terminated"))
        assert view._question.layout.display == "none"
        soon(lambda: shows(queue, "Nothing waits."))
        view.close()
        queue.close()


def test_a_widget_says_what_zoe_has_refused(site: Site) -> None:
    with Client(site.client.url, "no-such-token") as stranger:
        queue = Queue(client=stranger)
        soon(lambda: "token" in queue._problem.value)
        assert "Something went wrong" not in queue._problem.value
        queue.close()


def test_the_log_of_each_instance_can_be_chosen(site: Site) -> None:
    execution = site.launch(
        "import os, time; print('I am', os.environ['SERVICE_NAME']); time.sleep(1000)",
        total_count=2,
        essential_count=2,
    )
    view = ExecutionView(execution)
    soon(lambda: "I am" in view._log.kept.text and view._which.layout.display is None)
    names = [value for _, value in view._which.options]
    assert names == ["", "main-0", "main-1"]
    view._which.value = "main-1"
    soon(lambda: view._chosen() == "main-1" and "I am" in view._log.kept.text)
    view.ask_to_stop()
    soon(lambda: shows(view, "Terminated"))
    view.wait(PATIENCE)

    view._log.clear()
    view._which.value = "main-0"  # also of one that has ended
    soon(lambda: "I am" in view._log.kept.text)
    view.close()


def test_the_log_goes_on_with_the_next_attempt(site: Site) -> None:
    fail = site.directory / "fail"
    program = (
        f"import pathlib, time; fail = pathlib.Path({str(fail)!r})\n"
        "print('second' if fail.exists() else 'first')\n"
        "while not fail.exists(): time.sleep(0.05)\n"
        "fail.read_text() or time.sleep(1000)\n"
        "fail.write_text(''); raise SystemExit(1)"
    )
    execution = site.launch(program, restart={"policy": "on-failure", "count": 1})
    view = ExecutionView(execution)
    soon(lambda: view._log.kept.text == "first\n")
    fail.write_text("now")
    soon(lambda: view._log.kept.text == "first\nsecond\n")
    execution.stop()
    view.wait(PATIENCE)
    assert view._log.kept.text == "first\nsecond\n"
    view.close()


def test_what_comes_right_after_an_update_is_shown_too(site: Site) -> None:
    view = ExecutionView(site.launch(GREETING))
    soon(lambda: "hello" in view._log.kept.text)

    def write(text: str) -> None:
        view._log.kept.add(text)
        view._touch()

    for word in ("one", "two", "three"):
        call_there(lambda word=word: write(word))  # type: ignore[misc]
        soon(lambda word=word: word in view._log._lines.children[-1].value)  # type: ignore[misc]
    view.ask_to_stop()
    view.wait(PATIENCE)
    view.close()


def test_a_log_that_floods_is_bounded_and_sent_at_a_measured_pace(site: Site) -> None:
    sent: list[float] = []
    view = ExecutionView(site.launch(FLOOD))
    view._log._lines.observe(lambda _: sent.append(time.monotonic()), "children")
    soon(lambda: shows(view, "Terminated", "line 199999"))

    assert len(view._log.kept.text.splitlines()) <= BLOCK * BLOCKS
    pauses = [after - before for before, after in pairwise(sent)]
    # The last state is shown at once; each of the others at least a pause after the one before.
    assert all(pause > 0.9 * PAUSE for pause in pauses[:-1])
    view.close()


def test_the_nodes_are_bars(site: Site) -> None:
    execution = site.launch(GREETING, memory=ROOM // 2)
    cluster = Cluster(client=site.client)
    soon(lambda: shows(cluster, "Online", "[#####.....] 512 MB of 1 GB"))
    assert "width:50.0%" in cluster._html.value
    execution.stop().wait(PATIENCE)
    soon(lambda: shows(cluster, "[..........] 0 bytes of 1 GB"))
    cluster.close()


def test_what_does_not_exist_is_said_and_may_be_tried_again(site: Site) -> None:
    number = site.launch("print('last')").wait(PATIENCE).id + 1
    view = ExecutionView(number, client=site.client)
    soon(lambda: f"You have no execution {number}" in view._problem.value)
    with pytest.raises(NotFound):
        view.wait(PATIENCE)

    view._problem.value = ""
    view.ask_to_stop()  # which fails too, and leaves the way to try again
    soon(lambda: view._problem.value)
    assert view._again.layout.display is None
    assert site.launch("print('next')").id == number
    view._again.click()
    soon(lambda: shows(view, "Terminated", "next"))
    assert view._problem.value == ""
    assert view._again.layout.display == "none"
    view.close()


def test_whoever_waits_for_a_view_hears_the_truth(site: Site) -> None:
    execution = site.launch(GREETING)
    view = ExecutionView(execution)
    with pytest.raises(TimedOut, match="within 0 s"):
        view.wait(0)
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(view.wait, PATIENCE)
        soon(lambda: "hello" in view._log.kept.text)
        view._view_count = 1
        view._view_count = 0  # nobody sees it any more
        execution.stop()
        assert waiting.result(PATIENCE).status == "terminated"
    view.close()

    closed = ExecutionView(site.launch(GREETING))
    closed.close()
    with pytest.raises(ZoeError, match="its view was closed"):
        closed.wait(PATIENCE)
    closed = ExecutionView(closed.execution_id, client=site.client)
    closed.ask_to_stop()
    closed.wait(PATIENCE)
    closed.close()


def test_the_gallery_checks_launches_and_follows(site: Site) -> None:
    gallery = Gallery(client=site.client)
    soon(lambda: len(gallery._logos) == len(gallery._cards) > 3)
    assert "data:image/svg+xml;base64," in gallery._cards["mpi-job"].children[0].value
    assert shows(gallery, "MPI job", "Spark job")

    gallery.choose("notebook-job")
    soon(lambda: gallery.form)
    form = gallery.form
    assert form is not None
    by_key = {each.key: each for each in form.fields}
    by_key["parameters"].control.value = "this is no variable"
    soon(lambda: by_key["parameters"].error and form.launch_button.disabled)
    by_key["parameters"].control.value = "month = 5"
    soon(lambda: not form.launch_button.disabled)

    by_key["notebook"].control.value = "there-is-none.ipynb"
    form.name_field.control.value = "x" * 1000
    soon(lambda: form.launch_button.disabled)
    form.name_field.control.value = "monthly"
    soon(lambda: "Starts" in form._when.value or "No estimate" in form._when.value)
    form.launch_button.click()
    soon(lambda: gallery.executions)
    view = gallery.executions[0]
    soon(lambda: view.document and view.document.name == "monthly")
    assert view.document
    assert view.document.parameters["notebook"] == "there-is-none.ipynb"
    view.ask_to_stop()
    soon(lambda: view._ended)
    gallery.close()


def test_what_the_portal_refuses_stands_next_to_its_field(site: Site) -> None:
    gallery = Gallery(client=site.client)
    gallery.choose("mpi-job")  # before the cards are there
    soon(lambda: gallery.form)
    form = gallery.form
    assert form is not None
    workers = next(each for each in form.fields if each.key == "workers")
    workers.control.value = 16  # more than there is room for on this machine
    soon(lambda: "This would be refused" in form._problem.value or workers.error)
    gallery.close()


def test_nobody_who_looks_means_that_nothing_is_asked(site: Site) -> None:
    execution = site.launch(GREETING)
    view = ExecutionView(execution)
    soon(lambda: "hello" in view._log.kept.text)

    view._view_count = 1  # as a front-end says it
    view._view_count = 0
    assert view._running is None
    view._view_count = 1
    soon(lambda: view._log.kept.text == "hello\n" and shows(view, "Running"))
    execution.stop()
    soon(lambda: shows(view, "Terminated"))
    view.close()


def test_closing_leaves_neither_tasks_nor_connections_nor_widgets(site: Site) -> None:
    execution = site.launch(GREETING)

    def use() -> None:
        widgets: list[Live] = [
            Gallery(client=site.client),
            Queue(client=site.client),
            Cluster(client=site.client),
            *(ExecutionView(execution) for _ in range(5)),
        ]
        soon(lambda: all("hello" in each._log.kept.text for each in widgets[3:]))  # type: ignore[attr-defined]
        for each in widgets:
            each.close()
            each.close()

    use()
    soon(lambda: open_streams(site) == 0)
    before = (tasks(), instances())
    use()
    assert instances() == before[1]
    soon(lambda: open_streams(site) == 0 and tasks() <= before[0])
    assert instances() == before[1]
    execution.stop().wait(PATIENCE)


@pytest.mark.parametrize("answer", ["zapps", "zapp", "submit"])
def test_an_answer_that_comes_as_the_gallery_closes_makes_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    before = instances()
    galleries: list[Gallery] = []
    real = getattr(AsyncClient, answer)

    async def close_with(*given: Any, **more: Any) -> Any:
        answered = await real(*given, **more)
        soon_made = await to_thread.run_sync(lambda: eventually(lambda: galleries))
        soon_made[0].close()
        return answered

    monkeypatch.setattr(AsyncClient, answer, close_with)
    galleries.append(gallery := Gallery(client=site.client))
    gallery.choose("mpi-job")
    if answer == "submit":
        soon(lambda: gallery.form)
        assert gallery.form
        gallery.form.launch_button.click()
    soon(lambda: gallery._closing and not gallery._others)
    soon(lambda: call_there(lambda: gallery._running is None))
    assert instances() == before
    assert gallery.executions == ()
    for each in site.client.executions(status=["queued", "starting", "running"]):
        each.stop()


def test_a_portal_that_dies_is_noticed_and_the_log_goes_on(site: Site) -> None:
    execution = site.launch(
        "import time\nfor n in range(100_000): print(f'line {n}'); time.sleep(0.05)", memory=SMALL
    )
    view = ExecutionView(execution)
    soon(lambda: "line 20" in view._log.kept.text)
    portal(site).kill()
    soon(lambda: shows(view, "Lost connection"))
    assert "Lost connection" in view._head.value
    before = last_line(view)
    soon(lambda: not shows(view, "Lost connection"))
    soon(lambda: last_line(view) > before + 20)

    lines = view._log.kept.text.split("\n")[:-1]
    first = int(lines[0].split()[1])
    assert lines == [f"line {number}" for number in range(first, first + len(lines))]
    execution.stop()
    soon(lambda: shows(view, "Terminated"))
    view.close()


def last_line(view: ExecutionView) -> int:
    return int(view._log.kept.text.split("\n")[-2].split()[1])


def portal(site: Site) -> psutil.Process:
    """The portal service of the Hub, which the Hub starts again."""
    assert site.zoe.process is not None
    for each in psutil.Process(site.zoe.process.pid).children():
        if "zoe_hub.portal" in " ".join(each.cmdline()) or "zoe-portal" in " ".join(each.cmdline()):
            return each
    raise AssertionError("the portal does not run")


def open_streams(site: Site) -> int:
    """Requests of this process that are being answered: httpx keeps the others for reuse."""
    pool = site.client.asynchronous.connection._http._transport._pool  # type: ignore[attr-defined]
    return sum(not each.is_idle() for each in pool.connections)


def tasks() -> set[asyncio.Task[Any]]:
    """What runs on the client's thread, but for this question."""
    return call_there(lambda: asyncio.all_tasks() - {asyncio.current_task()})


def instances() -> set[str]:
    """All widgets that are open."""
    return set(registry._instances)
