"""The results of a simulation as a picture, or as one page of HTML that needs no other file."""

from __future__ import annotations

import html
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zoe_client.cli.admin.report import table
from zoe_core.simulation import Run

_HOUR = 3600.0


def draw(path: Path, run: Run, figures: dict[str, Any]) -> None:
    """Write the picture (.png) or the page (.html); equal runs give equal files.

    Raises OSError.
    """
    figure = Figure(figsize=(10, 7), layout="constrained")
    upper, lower = figure.subplots(2, 1)
    _draw_use(upper, figures["utilisation"]["over_time"])
    _draw_times(lower, run)
    save(path, figure, "Simulation", table(figures))


def save(path: Path, figure: Figure, title: str, text: str) -> None:
    """Write the picture (.png), or a page with ``text`` above the picture (.html).

    Raises OSError.
    """
    if path.suffix.lower() == ".png":
        figure.savefig(path, metadata={"Software": None})
    else:
        path.write_text(_page(figure, title, text), encoding="utf-8")


def _draw_use(axes: Axes, over_time: Sequence[Sequence[float]]) -> None:
    hours = [at / _HOUR for at, _, _ in over_time]
    axes.step(hours, [cores for _, cores, _ in over_time], where="post", label="cores")
    axes.step(hours, [memory for _, _, memory in over_time], where="post", label="memory")
    axes.set(ylim=(0, 1.02), xlabel="hours", ylabel="part of the cluster", title="Use over time")
    axes.legend()


def _draw_times(axes: Axes, run: Run) -> None:
    """For each time, the share of jobs that took no longer."""
    ended = [each for each in run.lives if each.started is not None and each.ended is not None]
    waiting = [(each.started or 0.0) - each.job.submitted for each in ended]
    turnaround = [(each.ended or 0.0) - each.job.submitted for each in ended]
    shares = np.arange(1, len(ended) + 1) / max(1, len(ended))
    for name, values in (("waiting", waiting), ("turnaround", turnaround)):
        axes.step(np.sort(values) / _HOUR, shares, where="post", label=name)
    axes.set_xscale("symlog", linthresh=0.1)
    axes.set(xlabel="hours", ylabel="share of the jobs", title="Took no longer than")
    axes.legend()


def _page(figure: Figure, title: str, text: str) -> str:
    drawing = StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "zoe"}):  # ids would be drawn at random
        figure.savefig(drawing, format="svg", metadata={"Date": None})
    picture = drawing.getvalue()
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title>\n"
        f"<h1>{html.escape(title)}</h1>\n<pre>{html.escape(text)}</pre>\n"
        f"{picture[picture.index('<svg') :]}</html>\n"
    )
