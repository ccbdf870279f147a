"""What somebody holds and has used, as bars and lines."""

from datetime import date

import pytest

from zoe_core.amount import Amount
from zoe_core.cluster import Quota
from zoe_core.protocol.rest_admin import UsageRow
from zoe_hub.portal.presenters.usage import PLOT_HEIGHT, by_day, held, lines, number

GB = 2**30


def used(key: str, hours: float, wait: float | None = None) -> UsageRow:
    return UsageRow(
        key=key,
        executions=3,
        failed=1,
        core_hours=hours,
        memory_gb_hours=2 * hours,
        gpu_hours=0,
        mean_wait_s=wait,
    )


def test_what_is_held_stands_beside_its_limit() -> None:
    quota = Quota(executions=4, memory=8 * GB, millicores=0)
    told = held(1, Amount(2 * GB, 1500), quota)
    assert [(each.label, each.text, each.share) for each in told] == [
        ("Executions", "1 of 4", 25.0),
        ("Memory", "2 GB of 8 GB", 25.0),
        ("Cores", "1.5 of 0", 100.0),
    ]


def test_without_a_quota_there_is_no_bar_and_gpus_only_where_there_are_some() -> None:
    told = held(0, Amount(0, 0, 2), Quota())
    assert [(each.text, each.share) for each in told] == [
        ("0, without a limit", None),
        ("0, without a limit", None),
        ("0, without a limit", None),
        ("2, without a limit", None),
    ]


def test_a_plot_has_a_bar_for_each_day() -> None:
    rows = [used("2026-11-02", 1.0), used("2026-11-04", 4.0)]
    plot = by_day(rows, date(2026, 11, 1), date(2026, 11, 4))
    assert [each.height for each in plot.bars] == [0, PLOT_HEIGHT / 4, 0, PLOT_HEIGHT]
    assert [each.y + each.height for each in plot.bars] == [PLOT_HEIGHT] * 4
    assert plot.bars[1].hint == "2 Nov: 1 core-hours"
    assert (plot.top, plot.first, plot.last) == ("4 core-hours", "1 Nov", "4 Nov")


def test_a_plot_of_nothing_is_flat() -> None:
    plot = by_day([], date(2026, 11, 1), date(2026, 11, 2))
    assert [each.height for each in plot.bars] == [0, 0]


def test_lines_have_titles_and_shares() -> None:
    rows = [used("spark-job", 4, 75), used("gone", 1), used("", 0)]
    told = lines(rows, {"spark-job": "Spark job"})
    assert [each.label for each in told] == ["Spark job", "gone", "Own descriptions"]
    assert [each.share for each in told] == [100, 25, 0]
    assert [each.wait for each in told] == ["1 min 15 s", "", ""]
    assert lines([used("2026-11-02", 1)])[0].label == "2 Nov"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0001, "under 0.001"),
        (0.0034, "0.003"),
        (0.25, "0.25"),
        (1.5, "1.5"),
        (2, "2"),
        (100, "100"),
        (1240.4, "1240"),
    ],
)
def test_numbers_have_as_many_places_as_tell_something(value: float, text: str) -> None:
    assert number(value) == text
