"""The generated mix: repeatable, within the cluster, at the load that was asked for."""

import numpy as np
import pytest

from zoe_core.amount import Amount
from zoe_core.simulation import PAPERS_NODE, Job, generate

GB = 2**30


def jobs(count: int = 400, load: float = 1.0, seed: int = 1) -> list[Job]:
    return generate(count, load, 100, PAPERS_NODE, np.random.default_rng(seed))


def test_a_seed_gives_one_workload() -> None:
    assert jobs() == jobs()
    assert jobs() != jobs(seed=2)


def test_there_are_three_kinds() -> None:
    found = jobs()
    elastic = [each for each in found if any(part.elastic for part in each.components)]
    interactive = [each for each in found if not each.work.divisible]

    assert len(interactive) == pytest.approx(80, abs=25)
    assert len(elastic) == pytest.approx(256, abs=35)


@pytest.mark.parametrize("load", [0.5, 2.0])
def test_it_needs_what_the_load_says_while_it_comes(load: float) -> None:
    found = jobs(load=load)

    needed = sum(each.demand.millicores * each.run_time for each in found)
    memory = sum(each.demand.memory * each.run_time for each in found)
    offered = max(needed / PAPERS_NODE.millicores, memory / PAPERS_NODE.memory) / 100
    assert offered / found[-1].submitted == pytest.approx(load)


def test_they_come_in_order_and_in_bursts() -> None:
    moments = [each.submitted for each in jobs()]

    assert moments == sorted(moments)
    assert len(set(moments)) <= 20


def test_each_fits_a_small_cluster_alone() -> None:
    small = Amount.of(64 * GB, 16)
    for each in generate(200, 1.0, 4, small, np.random.default_rng(5)):
        assert each.demand.fits_in(small * 4)
