"""Stacked bars over time: where each piece of a plot lies, for a template that draws it as SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from zoe_core.intervals import Interval
from zoe_hub.portal.presenters.admin import number

WIDTH, HEIGHT = 420.0, 190.0
"""Of the whole picture, in its own units."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 6.0, 10.0, 22.0
_BAR = 0.78  # of the room that each has
_TICKS = 4
_DATES = 5


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a bar; ``tone`` is the number of its colour, and ``hint`` says what it means."""

    x: float
    y: float
    width: float
    height: float
    tone: int
    hint: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on an axis, with its words."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Plot:
    """One picture; ``total`` says in words what all of it adds up to."""

    title: str
    total: str
    pieces: tuple[Piece, ...]
    heights: tuple[Mark, ...]
    dates: tuple[Mark, ...]
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    width: float = WIDTH
    height: float = HEIGHT


@dataclass(frozen=True, slots=True)
class Layer:
    """What is stacked: a value for some of the beginnings of intervals; missing ones are 0."""

    label: str
    tone: int
    values: Mapping[date, float]


def stacked(
    title: str, unit: str, layers: Sequence[Layer], starts: Sequence[date], interval: Interval
) -> Plot:
    """The bars, the first layer at the bottom."""
    sums = [sum(layer.values.get(start, 0.0) for layer in layers) for start in starts]
    step = _nice(max(sums, default=0.0) / _TICKS)
    top = step * max(1, math.ceil(max(sums, default=0.0) / step - 1e-9))
    return Plot(
        title=title,
        total=f"{amount(sum(sums))} {unit}",
        pieces=tuple(_pieces(unit, layers, starts, interval, top)),
        heights=tuple(
            Mark(round(_y(each * step, top), 1), amount(each * step))
            for each in range(round(top / step) + 1)
        ),
        dates=tuple(_dates(starts, interval)),
    )


def _pieces(
    unit: str, layers: Sequence[Layer], starts: Sequence[date], interval: Interval, top: float
) -> Iterable[Piece]:
    room = _room(starts)
    for place, start in enumerate(starts):
        below = 0.0
        for layer in layers:
            value = layer.values.get(start, 0.0)
            if value <= 0:
                continue
            low, high = _y(below, top), _y(below + value, top)
            below += value
            yield Piece(
                x=round(_LEFT + room * (place + (1 - _BAR) / 2), 2),
                y=round(high, 2),
                width=round(room * _BAR, 2),
                height=round(low - high, 2),
                tone=layer.tone,
                hint=f"{layer.label}, {in_words(start, interval)}: {amount(value)} {unit}",
            )


def _room(starts: Sequence[date]) -> float:
    return (WIDTH - _LEFT - _RIGHT) / max(1, len(starts))


def _y(value: float, top: float) -> float:
    return HEIGHT - _BOTTOM - (HEIGHT - _BOTTOM - _TOP) * value / top


def _dates(starts: Sequence[date], interval: Interval) -> Iterable[Mark]:
    every = max(1, math.ceil(len(starts) / _DATES))
    room = _room(starts)
    for place in range(0, len(starts), every):
        yield Mark(round(_LEFT + room * (place + 0.5), 1), _short(starts[place], interval))


def _nice(rough: float) -> float:
    """A step of 1, 2 or 5 times a power of ten, no smaller than ``rough``."""
    if rough <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return next(each * power for each in (1, 2, 5, 10) if each * power >= rough * (1 - 1e-9))


def amount(value: float) -> str:
    """A number with about three digits that count: ``0.25``, ``12.3``, ``1 204``."""
    if value >= 1000:
        return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return number(round(value, 1 if value >= 10 else 2))


def in_words(start: date, interval: Interval) -> str:
    """An interval: ``2 Nov 2026``, ``week of 2 Nov 2026``, ``Nov 2026``."""
    if interval == "month":
        return f"{start:%b %Y}"
    day = f"{start.day} {start:%b %Y}"
    return f"week of {day}" if interval == "week" else day


def _short(start: date, interval: Interval) -> str:
    return f"{start:%b %y}" if interval == "month" else f"{start.day} {start:%b}"
