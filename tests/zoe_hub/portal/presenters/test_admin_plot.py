"""Stacked bars: they add up, stay within the picture, and say what they mean."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoe_hub.portal.presenters.admin_plot import Layer, amount, in_words, stacked

FIRST = date(2026, 11, 2)
values = st.lists(st.floats(0, 1e9), min_size=1, max_size=40)


def layers(*series: list[float]) -> tuple[list[Layer], list[date]]:
    days = [FIRST + timedelta(days=n) for n in range(max(map(len, series)))]
    return [
        Layer(f"user-{tone}", tone, dict(zip(days, each, strict=False)))
        for tone, each in enumerate(series)
    ], days


@given(values, values)
def test_every_bar_is_as_high_as_its_value(below: list[float], above: list[float]) -> None:
    stack, days = layers(below, above)
    plot = stacked("Cores", "core-hours", stack, days, "day")
    top = max(mark.at for mark in plot.heights)
    assert top == plot.heights[0].at
    for piece in plot.pieces:
        assert plot.left <= piece.x
        assert piece.x + piece.width <= plot.right + 0.02
        assert piece.y >= 9.9
        assert piece.y + piece.height <= plot.heights[0].at + 0.02
    for tone in (0, 1):
        shown = [piece.height for piece in plot.pieces if piece.tone == tone]
        drawn = [value for value in (below, above)[tone] if value > 0]
        assert len(shown) == len(drawn)
        if drawn:
            high = max(range(len(drawn)), key=drawn.__getitem__)
            assert shown[high] == pytest.approx(max(shown), abs=0.02)


def test_the_second_layer_stands_on_the_first() -> None:
    stack, days = layers([3, 0], [1, 2])
    plot = stacked("Cores", "core-hours", stack, days, "day")
    first, second, third = plot.pieces
    assert [mark.label for mark in plot.heights] == ["0", "1", "2", "3", "4"]
    assert second.y + second.height == pytest.approx(first.y)
    assert third.y + third.height == plot.heights[0].at
    assert first.height == pytest.approx(3 * second.height, abs=0.02)
    assert second.hint == "user-1, 2 Nov 2026: 1 core-hours"
    assert plot.total == "6 core-hours"


def test_nothing_is_an_empty_picture() -> None:
    plot = stacked("GPUs", "GPU-hours", [], [], "week")
    assert (plot.pieces, plot.dates) == ((), ())
    assert [mark.label for mark in plot.heights] == ["0", "1"]


def test_of_many_dates_a_few_are_written() -> None:
    stack, days = layers([1.0] * 120)
    plot = stacked("Cores", "core-hours", stack, days, "day")
    assert len(plot.dates) <= 6
    assert plot.dates[0].label == "2 Nov"


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0"), (0.256, "0.26"), (12.34, "12.3"), (1204.4, "1\N{NARROW NO-BREAK SPACE}204")],
)
def test_numbers_have_the_digits_that_count(value: float, said: str) -> None:
    assert amount(value) == said


def test_intervals_in_words() -> None:
    assert in_words(FIRST, "week") == "week of 2 Nov 2026"
    assert in_words(FIRST, "month") == "Nov 2026"
