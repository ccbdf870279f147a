"""Traces in the Standard Workload Format: what is read, what is left out, what is refused."""

import numpy as np
import pytest

from zoe_core.amount import Amount
from zoe_core.simulation import Component, SwfError, at_load, make_elastic, read_swf

FIELDS = dict.fromkeys(range(1, 19), "-1")


def line(submit: float = 0, run: float = 100, processors: int = 4, **fields: str) -> str:
    """A job that has completed; other fields as ``f9="60"``."""
    known = {1: "1", 2: f"{submit:g}", 4: f"{run:g}", 5: str(processors), 11: "1", 12: "7"}
    given = {int(name[1:]): value for name, value in fields.items()}
    return " ".join((FIELDS | known | given).values())


def test_a_job_becomes_one_instance_for_each_processor() -> None:
    (job,) = read_swf([line(submit=3, run=100, processors=4, f9="120", f10="2048")]).jobs

    assert job.components == (Component(Amount(2048 * 1024, 1000), essential=4),)
    assert job.work.amount == 400
    assert job.run_time == 100
    assert (job.estimate, job.limit) == (120, None)
    assert job.user == "user 7"


def test_what_is_not_known_is_taken_from_what_is() -> None:
    (job,) = read_swf([line(f5="-1", f8="2", f7="512")]).jobs

    assert job.components == (Component(Amount(512 * 1024, 1000), essential=2),)
    assert job.estimate is None


def test_time_begins_with_the_first_submission() -> None:
    jobs = read_swf([line(submit=70), line(submit=50)]).jobs

    assert [each.submitted for each in jobs] == [20, 0]
    assert [each.id for each in jobs] == [1, 2]


def test_comments_and_empty_lines_are_no_jobs() -> None:
    lines = ["; Version: 2.2", "", "   ;note", line(), "   "]

    assert len(read_swf(lines).jobs) == 1


def test_what_did_not_run_is_left_out_and_counted() -> None:
    lines = [
        line(f11="5"),
        line(run=0),
        line(f4="-1"),
        line(f11="2"),
        line(f5="-1", f8="0"),
        line(f11="0"),
    ]

    workload = read_swf(lines)

    assert len(workload.jobs) == 1
    assert workload.skipped == {
        "cancelled": 1,
        "partial": 1,
        "without_processors": 1,
        "without_run_time": 2,
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 2 3", "line 2 has 3 fields: a job has 18"),
        (line(f4="soon"), r"line 2, field 4 \(run time\) is 'soon'"),
        (line(f4="nan"), "field 4"),
        (line(f4="1e300"), "field 4"),
        (line(f2="-5"), r"line 2, field 2 \(submit time\) is -5: must be 0 to"),
        (line(f5="1000000"), r"field 5 \(number of allocated processors\)"),
        (line(f10="inf"), "field 10"),
        (line(f7="-2"), "field 7"),
    ],
)
def test_a_malformed_line_is_named_by_its_number(text: str, said: str) -> None:
    with pytest.raises(SwfError, match=said):
        read_swf(["; a comment", text])


def test_the_elastic_share_is_drawn_among_jobs_of_two_processors_or_more() -> None:
    jobs = read_swf([line(processors=1 + number % 2 * 7) for number in range(40)]).jobs

    mixed = make_elastic(jobs, 0.5, np.random.default_rng(3))

    elastic = [each for each in mixed if each.components[0].elastic]
    assert len(elastic) == 10
    assert {each.components for each in elastic} == {(Component(Amount(0, 1000), 1, 7),)}
    assert [each.work for each in mixed] == [each.work for each in jobs]
    assert mixed == make_elastic(jobs, 0.5, np.random.default_rng(3))
    assert mixed != make_elastic(jobs, 0.5, np.random.default_rng(4))


def test_the_load_factor_divides_the_gaps() -> None:
    jobs = read_swf([line(submit=0), line(submit=50), line(submit=80)]).jobs

    assert [each.submitted for each in at_load(jobs, 2)] == [0, 25, 40]
