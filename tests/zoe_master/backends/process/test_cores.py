"""Reserved cores cap nobody: what idles may be used."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.sites import ProcessSite
from tests.support.waiting import eventually
from zoe_core.amount import Amount

NEXT_TO_NOTHING = Amount.of(2**26, 0.001)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[ProcessSite]:
    site = ProcessSite(tmp_path)
    yield site
    site.close()


def test_one_that_reserved_next_to_nothing_may_use_what_idles(site: ProcessSite) -> None:
    """With a cap of a thousandth of a core this would take more than eight minutes."""
    command = (sys.executable, "-c", "while True: pass")
    instance = site.start(*command, reservation=NEXT_TO_NOTHING)

    def has_worked() -> bool:
        usage = site.backend.usage(instance)
        return usage is not None and usage.cpu_seconds > 0.5

    eventually(has_worked)


def test_it_may_run_on_all_cores(site: ProcessSite) -> None:
    question = "import os; print(sorted(os.sched_getaffinity(0)))"
    _, log = site.run(sys.executable, "-c", question, reservation=NEXT_TO_NOTHING)
    assert log.decode() == f"{sorted(os.sched_getaffinity(0))}\n"
