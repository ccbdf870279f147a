"""The end of a log in blocks: bounded, and only what grows is sent again."""

from __future__ import annotations

import pytest

from zoe_client.widgets._log import BLOCK, BLOCKS, LONGEST, LogText, LogView


def test_pieces_make_lines_wherever_they_were_cut() -> None:
    log = LogText()
    for piece in ("fir", "st\nsec", "", "ond\n"):
        log.add(piece)

    assert log.text == "first\nsecond\n"


@pytest.mark.parametrize("at_once", [1, 7, 100_000])
def test_only_the_last_lines_are_kept(at_once: int) -> None:
    log = LogText()
    text = "".join(f"{number}\n" for number in range(5 * BLOCK * BLOCKS))
    for start in range(0, len(text), at_once):
        log.add(text[start : start + at_once])

    kept = log.text.split("\n")
    assert kept == text.split("\n")[-len(kept) :]
    assert BLOCK * (BLOCKS - 1) < len(kept) <= BLOCK * BLOCKS


def test_a_line_without_end_is_cut() -> None:
    log = LogText()
    for _ in range(100):
        log.add("x" * 1000)

    assert len(log.text) == LONGEST


@pytest.mark.parametrize("at_once", [1, 3, 100_000])
def test_of_a_progress_bar_the_last_state_is_shown_however_long_it_runs(at_once: int) -> None:
    view = LogView()
    text = "x" * 2 * LONGEST + "".join(f"\r{number} %" for number in range(2 * LONGEST)) + "\r"
    for start in range(0, len(text), at_once):
        view.kept.add(text[start : start + at_once])
    view.refresh()
    [block] = view._lines.children
    assert block.value == f'<pre class="zoe-lines">{2 * LONGEST - 1} %</pre>'

    view.kept.add("x" * 2 * LONGEST + "\r")
    view.kept.add("done\r\nnext")
    view.refresh()
    assert block.value == '<pre class="zoe-lines">done\nnext</pre>'


def test_a_block_that_is_full_is_never_sent_again() -> None:
    view, sent = LogView(), []
    view.kept.add("line\n" * (BLOCK + 1))
    view.refresh()
    first, second = view._lines.children
    first.observe(lambda change: sent.append("first"), "value")
    second.observe(lambda change: sent.append("second"), "value")

    view.kept.add("more\n")
    view.refresh()

    assert sent == ["second"]


def test_blocks_that_left_are_closed() -> None:
    view = LogView()
    view.kept.add("line\n" * BLOCK * BLOCKS)
    view.refresh()
    before = view._lines.children

    view.kept.add("more\n" * 3 * BLOCK)
    view.refresh()
    after = view._lines.children

    assert len(after) == BLOCKS
    assert after[: BLOCKS - 3] == before[3:]
    assert [each.comm for each in before[:3]] == [None, None, None]


def test_another_log_begins_anew() -> None:
    view = LogView()
    view.kept.add("line\n" * 3 * BLOCK * BLOCKS)
    view.refresh()
    view.clear()
    view.kept.add("<b>new</b>")
    view.refresh()

    [block] = view._lines.children
    assert block.value == '<pre class="zoe-lines">&lt;b&gt;new&lt;/b&gt;</pre>'
