"""The usage page: which period is meant, what is stacked in which colour, and the table."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from zoe_core.protocol.rest_admin import UsagePoint, UsageRow, UsageSeries
from zoe_hub.portal.api.usage import UsageQuery
from zoe_hub.portal.presenters.admin_usage import TOP, choose, plots, rows

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)


def used(key: str, cores: float, **more: Any) -> dict[str, Any]:
    usual = {"executions": 1, "failed": 0, "memory_gb_hours": 1.0, "gpu_hours": 0.0}
    return {"key": key, "core_hours": cores, "mean_wait_s": None} | usual | more


def series(*points: UsagePoint, group_by: Any = "user") -> UsageSeries:
    starts = tuple(datetime(2026, 11, day, tzinfo=UTC) for day in (18, 19, 20))
    return UsageSeries(
        items=points,
        since=starts[0],
        until=NOW,
        group_by=group_by,
        interval="day",
        starts=starts,
    )


def test_the_last_thirty_days_unless_said_otherwise() -> None:
    choice = choose({}, NOW)
    assert (choice.days, choice.group_by, choice.interval) == ("30", "user", "day")
    assert (choice.first, choice.last) == (date(2026, 10, 22), date(2026, 11, 20))
    since, until = choice.period(NOW)
    assert (since, until) == (datetime(2026, 10, 22, tzinfo=UTC), NOW)
    assert choice.query(NOW)["user"] == "*"


@pytest.mark.parametrize(
    ("given", "interval"),
    [
        ({"days": "90"}, "week"),
        ({"days": "365"}, "month"),
        ({"days": "365", "interval": "week"}, "week"),
        ({"days": "365", "interval": "day"}, "month"),  # too many bars
        ({"days": "7", "interval": "century"}, "day"),
    ],
)
def test_bars_are_as_wide_as_they_can_be_told_apart(given: dict[str, str], interval: str) -> None:
    assert choose(given, NOW).interval == interval


def test_days_that_were_chosen_include_the_last() -> None:
    choice = choose({"from": "2026-11-01", "to": "2026-11-02", "by": "zapp"}, NOW)
    assert (choice.days, choice.group_by, choice.problem) == ("other", "zapp", "")
    since, until = choice.period(NOW)
    assert until - since == timedelta(days=2)


def test_days_that_are_still_to_come_do_not_count() -> None:
    choice = choose({"from": "2026-11-01", "to": "9999-12-31"}, NOW)
    assert (choice.first, choice.last) == (date(2026, 11, 1), NOW.date())
    assert choice.problem == ""
    choice = choose({"to": "9999-12-31"}, NOW)
    assert (choice.first, choice.last) == (NOW.date(), NOW.date())


def test_a_day_that_has_just_begun_has_a_length() -> None:
    midnight = datetime(2026, 11, 20, tzinfo=UTC)
    now = midnight + timedelta(milliseconds=300)
    query = choose({"from": "2026-11-20"}, now).query(now)
    assert query["to"] == (midnight + timedelta(seconds=1)).isoformat()
    UsageQuery.model_validate(query)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"from": "yesterday"}, "Give days such as"),
        ({"from": "2026-11-03", "to": "2026-11-02"}, "must not be after"),
        ({"from": "2027-01-01", "to": "2027-01-02"}, "still to come"),
        ({"from": "0001-01-01"}, "in this century"),
        ({"from": "9999-12-31", "to": "9999-12-31"}, "still to come"),
    ],
)
def test_days_that_make_no_sense_are_told(given: dict[str, str], said: str) -> None:
    choice = choose(given, NOW)
    assert said in choice.problem
    assert choice.days == "30"


def test_who_used_most_is_at_the_bottom_and_the_rest_on_top() -> None:
    start = datetime(2026, 11, 18, tzinfo=UTC)
    found, legend = plots(
        series(
            UsagePoint(start=start, **used("ada", 1)),
            UsagePoint(start=start, **used("bob", 5)),
            UsagePoint(start=start, rest=True, **used("", 2)),
        ),
        {},
    )
    assert [(each.label, each.tone) for each in legend] == [
        ("bob", 0),
        ("ada", 1),
        ("All others", TOP),
    ]
    assert [each.title for each in found] == ["Cores", "Memory", "Executions"], "no GPU was used"
    assert [each.tone for each in found[0].pieces] == [0, 1, TOP]


def test_keys_without_a_name_are_named() -> None:
    start = datetime(2026, 11, 18, tzinfo=UTC)
    point = UsagePoint(start=start, **used("", 1, gpu_hours=1.0))
    found, legend = plots(series(point, group_by="zapp"), {})
    assert [each.label for each in legend] == ["Own descriptions"]
    assert [each.title for each in found] == ["Cores", "Memory", "GPUs", "Executions"]
    assert plots(series(point, group_by="group"), {})[1][0].label == "Without a group"


def test_the_table_leads_on_to_what_a_user_launched() -> None:
    (row,) = rows([UsageRow(**used("a&b", 1250.4, mean_wait_s=90))], "user", {}, "/zoe/")
    assert row.url == "/zoe/admin/executions?user=a%26b"
    assert (row.core_hours, row.wait) == ("1\N{NARROW NO-BREAK SPACE}250", "1 min 30 s")
    (row,) = rows([UsageRow(**used("pi", 1))], "zapp", {"pi": "Pi"}, "/zoe/")
    assert (row.label, row.url) == ("Pi", "")
