"""When memory counts as short, and when it does not any more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.sites import ProcessSite
from zoe_master.backends.process.pressure import (
    MemoryPressure,
    Reading,
    parse_stalls,
    read_memory,
)

STALLS = """\
some avg10=12.50 avg60=3.00 avg300=0.00 total=1234
full avg10=99.00 avg60=0.00 avg300=0.00 total=0
"""


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ([Reading(0.5)], [False]),
        ([Reading(0.09), Reading(0.12), Reading(0.16)], [True, True, False]),
        ([Reading(0.12), Reading(0.09)], [False, True]),
        ([Reading(0.5, 11.0), Reading(0.5, 5.0), Reading(0.5, 1.0)], [True, True, False]),
        ([Reading(0.5, 5.0), Reading(0.5, 11.0)], [False, True]),
        ([Reading(0.09, 50.0), Reading(0.5, 5.0), Reading(0.12, 0.0)], [True, True, True]),
    ],
)
def test_it_begins_and_ends_at_different_bounds(
    readings: list[Reading], expected: list[bool]
) -> None:
    coming: Iterator[Reading] = iter(readings)
    pressure = MemoryPressure(lambda: next(coming))
    assert [pressure.look() for _ in readings] == expected


@pytest.mark.parametrize(
    ("text", "stalled"), [(STALLS, 12.5), ("", 0.0), ("full avg10=9.00 total=0\n", 0.0)]
)
def test_stalls_are_read(text: str, stalled: float) -> None:
    assert parse_stalls(text) == stalled


def test_a_kernel_without_stalls_has_its_memory_measured(tmp_path: Path) -> None:
    (tmp_path / "memory").write_text(STALLS)
    assert read_memory(tmp_path / "memory").stalled == 12.5
    seen = read_memory(tmp_path / "missing")
    assert 0 < seen.available < 1
    assert seen.stalled == 0


def test_the_node_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = ProcessSite(tmp_path)
    short = MemoryPressure(lambda: Reading(0.01))
    monkeypatch.setattr(site.backend, "_pressure", short)
    assert site.backend.nodes()[0].pressured
    site.close()
