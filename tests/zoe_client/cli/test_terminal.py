"""The command `zoe` on a terminal: what is drawn, what is asked for, and what Ctrl-C does."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pexpect
import pytest

from tests.support.waiting import eventually
from tests.zoe_client.cli.site import PATIENCE, ROOM, Site, end_of
from zoe_client import Execution

pytestmark = pytest.mark.timeout(300)

COUNTS = "import itertools, time\nfor n in itertools.count(): print('line', n); time.sleep(0.05)"
_STYLE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def text_of(terminal: pexpect.spawn) -> tuple[str, int | None]:
    """What a command writes until it ends, without colours, and its exit code."""
    written, code = end_of(terminal)
    return _STYLE.sub("", written), code


def test_a_list_is_a_table_with_colours(site: Site) -> None:
    site.run("run", site.job("exit(2)"), "--name", "drawn", "--wait")

    written, code = end_of(site.terminal("ls", "--name", "drawn"))
    plain, _ = end_of(site.terminal("ls", "--name", "drawn", NO_COLOR="1"))

    assert code == 0
    assert "\x1b[1;31merror" in written
    assert "───" in written
    assert "31m" not in plain


def test_a_long_reason_is_cut_in_a_list_and_whole_by_itself(site: Site) -> None:
    long = "a very long reason " * 10
    number = site.run("run", site.job(f"exit({long!r})"), "--wait").stdout.strip()

    listed, _ = text_of(site.terminal("ls", "--limit", "1"))
    shown, _ = text_of(site.terminal("show", number))

    assert "…" in listed
    assert " ".join(shown.split()).count("a very long reason") > listed.count("a very long reason")


def test_a_launch_says_how_to_follow_it(site: Site) -> None:
    written, code = text_of(site.terminal("run", site.job("pass")))

    assert code == 0
    assert re.search(r"Follow it with: zoe logs -f \d+", written)


def test_waiting_shows_the_place_in_the_queue_and_then_the_end(site: Site) -> None:
    with site.busy() as holder:
        terminal = site.terminal("run", site.job("exit(3)", memory=ROOM), "--wait")
        terminal.expect("number 1 in the queue")
        holder.stop()
        written, code = text_of(terminal)

    assert code == 3
    assert re.search(r"Execution \d+ has failed", written)


def test_one_that_never_ran_has_no_log(site: Site) -> None:
    with site.busy():
        waits = site.launch("pass", memory=ROOM)
        followed = site.terminal("logs", "-f", waits.id)
        waits.stop()
        written, code = text_of(followed)

    assert (code, written) == (
        0,
        f"zoe: execution {waits.id} has no log: it has ended: admin ended it\r\n",
    )


@pytest.fixture
def counting(site: Site) -> Execution:
    """An execution that writes lines until it is stopped."""
    return site.launch(COUNTS)


def follow_launch(site: Site, _: Execution) -> tuple[pexpect.spawn, str]:
    return site.terminal("run", site.job(COUNTS), "--follow"), "line 5\r"


def wait_for_launch(site: Site, _: Execution) -> tuple[pexpect.spawn, str]:
    return site.terminal("run", site.job(COUNTS), "--wait"), "is running"


def follow_log(site: Site, counting: Execution) -> tuple[pexpect.spawn, str]:
    return site.terminal("logs", "-f", counting.id), "line 5\r"


def watch_all(site: Site, counting: Execution) -> tuple[pexpect.spawn, str]:
    return site.terminal("top"), rf"{counting.id} .*running"


@pytest.mark.parametrize("begin", [follow_launch, wait_for_launch, follow_log, watch_all])
def test_ctrl_c_leaves_and_says_how_to_come_back(
    site: Site,
    counting: Execution,
    begin: Callable[[Site, Execution], tuple[pexpect.spawn, str]],
) -> None:
    terminal, seen = begin(site, counting)
    terminal.expect(seen)
    eventually(lambda: counting.status == "running", timeout=PATIENCE)
    terminal.sendintr()
    written, code = text_of(terminal)

    assert code == 130
    assert re.search(r"\r\nzoe: .* come back with: zoe (logs -f \d+|top)\r\n$", written)
    assert "Traceback" not in written
    running = list(site.client.executions(status=["running"]))
    assert counting.id in [each.id for each in running]
    for each in running:
        each.stop().wait(PATIENCE)


NEVER_POLLS = "import zoe_client.cli.zoe as zoe; zoe.top.INTERVAL = 1e6; zoe.main()"


def test_top_follows_events_and_says_that_zoe_is_away(site: Site) -> None:
    terminal = site.terminal("top", program=[sys.executable, "-c", NEVER_POLLS])
    terminal.expect("zoe top")
    seen = site.launch("import time; time.sleep(1000)")
    terminal.expect(rf"{seen.id} .*running")
    site.kill_portal()
    terminal.expect("does not answer")
    later = site.launch("import time; time.sleep(1000)")
    terminal.expect(rf"{later.id} .*running")
    terminal.sendintr()
    _, code = text_of(terminal)

    assert code == 130
    for each in (seen, later):
        each.stop().wait(PATIENCE)


class Away(BaseHTTPRequestHandler):
    """As a proxy answers whose portal is not there."""

    def do_GET(self) -> None:
        self.send_error(503)
        self.server.asked.set()  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_ctrl_c_ends_the_wait_for_a_portal_that_is_away(site: Site) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Away) as server:
        server.asked = threading.Event()  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        terminal = site.terminal("ls", ZOE_URL=f"http://127.0.0.1:{server.server_port}/")
        assert server.asked.wait(PATIENCE)  # type: ignore[attr-defined]
        terminal.sendintr()
        _, code = text_of(terminal)
        server.shutdown()

    assert code == 130  # 1, when it is waited to the end


def test_a_login_asks_and_does_not_show_the_token(site: Site, tmp_path: Path) -> None:
    terminal = site.terminal("login", XDG_CONFIG_HOME=str(tmp_path), DISPLAY="", BROWSER="")
    terminal.expect("Address of Zoe")
    terminal.sendline(site.zoe.url)
    terminal.expect(f"Make a token on {site.zoe.url}/hub/token")
    terminal.expect("Token: ")
    terminal.sendline(site.token)
    written, code = text_of(terminal)

    assert code == 0
    assert "You are admin" in written
    assert site.token not in written
    assert site.token in (tmp_path / "zoe" / "config.json").read_text()
