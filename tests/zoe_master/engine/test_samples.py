"""What an attempt has used: bounded, in order, and true however long it lives."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoe_master.backends.base import Usage
from zoe_master.engine.samples import FINEST, MOST, Sample, Samples

MEASURED = st.lists(
    st.tuples(
        st.floats(0, 10_000),  # seconds since the last one
        st.integers(0, 2**40),  # memory
        st.floats(0, 64),  # cores meanwhile
    ),
    max_size=3 * MOST,
)


def fed(measured: list[tuple[float, int, float]], start: float = 1000.0) -> tuple[Samples, float]:
    """The samples, and the CPU seconds in all."""
    samples, at, cpu = Samples(start), start, 0.0
    for seconds, memory, cores in measured:
        at, cpu = at + seconds, cpu + seconds * cores
        samples.add(at, Usage(memory, cpu))
    return samples, cpu


@given(MEASURED, st.integers(1, MOST))
def test_however_it_is_measured(measured: list[tuple[float, int, float]], most: int) -> None:
    samples, cpu = fed(measured)
    for found in (samples.all(), samples.all(most)):
        assert bool(found) == bool(measured)
        assert all(one.at <= other.at for one, other in pairwise(found)), "in order"
        if found:
            assert found[-1].at == pytest.approx(1000 + sum(each[0] for each in measured))
            assert max(each.memory for each in found) == max(each[1] for each in measured)
        starts = [1000.0, *(each.at for each in found)]
        told = sum(
            each.cores * (each.at - start) for start, each in zip(starts, found, strict=False)
        )
        assert told == pytest.approx(cpu, abs=1e-3), "no CPU time is lost or doubled"
    assert len(samples.all()) <= MOST
    assert len(samples.all(most)) <= most


@given(st.integers(1, 20_000), st.sampled_from([5.0, 15.0, 60.0]))
def test_an_even_life_is_told_evenly(count: int, every: float) -> None:
    samples, _ = fed([(every, 1, 0.5)] * count)
    found = samples.all()
    assert len(found) >= min(count, MOST // 2)
    # All but the newest, which may have come at any time.
    gaps = {round(other.at - one.at) for one, other in pairwise(found[:-1])}
    assert not gaps or max(gaps) <= 2 * min(gaps), gaps


def test_it_is_fine_at_first_and_coarser_with_its_age() -> None:
    samples, _ = fed([(FINEST, each, 1.0) for each in range(MOST)])
    assert samples.all()[:2] == [Sample(1005.0, 0, 1.0), Sample(1010.0, 1, 1.0)]
    assert len(samples) == MOST
    samples.add(1000 + FINEST * (MOST + 1), Usage(0, FINEST * (MOST + 1)))
    found = samples.all()
    assert len(found) == MOST // 2 + 1
    assert [each.at for each in found[:2]] == [1010.0, 1020.0]
    assert found[0].memory == 1, "the most of both"


def test_it_does_not_matter_that_somebody_looks_in_between() -> None:
    samples, _ = fed([(1.0, each % 5, 1.0) for each in range(20)])
    assert [each.at for each in samples.all()] == [1005.0, 1010.0, 1015.0, 1020.0]
    assert all(each == Sample(each.at, 4, 1.0) for each in samples.all())


def test_counts_and_clocks_that_go_back() -> None:
    samples = Samples(1000.0)
    for at, cpu in ((1010.0, 10.0), (1020.0, 4.0), (1015.0, 5.0), (1030.0, 15.0)):
        samples.add(at, Usage(7, cpu))
    assert [each.cores for each in samples.all()] == [1.0, 0.0, 1.1]
    assert [each.at for each in samples.all()] == [1010.0, 1020.0, 1030.0]
