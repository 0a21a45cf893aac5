"""Plots of evaluations as PNG bytes."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from ..compute.extras import needs
from .suite import Bars, Curves, Plot, Points

COLOURS = ("#3266ad", "#d95f30", "#3f9b5b", "#a05fb4", "#8c6d4f", "#d24f8a", "#7a7a7a", "#b0a62c", "#1fa6b8", "#e3a83b", "#22394f")
LINES = ("#444444", "#999999", "#c0392b", "#1f7a4d")


def draw(plot: Plot) -> bytes:
    """Draw a plot.

    Args:
        plot: bars, points or curves.

    Returns:
        The PNG file's bytes.
    """
    with needs("evaluate", "a plot of an evaluation"):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

    width = min(24.0, max(9.0, 4 + 0.8 * len(plot.groups))) if isinstance(plot, Bars) else 9.0
    figure = Figure(figsize=(width, 4.8), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)  # no global state, no window: safe beside anyone else's figures
    axes: Any = figure.add_subplot()
    axes.set_title(plot.title, fontsize=11)
    axes.set_ylabel(plot.y)
    if isinstance(plot, Bars):
        _bars(axes, plot)
    elif isinstance(plot, Points):
        _points(axes, plot)
    else:
        _curves(axes, plot)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.25)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _bars(axes: Any, plot: Bars) -> None:
    places, width = np.arange(len(plot.groups)), 0.84 / max(1, len(plot.series))
    for i, (name, values) in enumerate(plot.series.items()):
        left = places + (i - (len(plot.series) - 1) / 2) * width
        axes.bar(left, values, width, yerr=plot.errors.get(name), label=name, color=COLOURS[i % len(COLOURS)], error_kw={"lw": 0.6})
    axes.set_xticks(places, plot.groups, rotation=40 if len(plot.groups) > 6 else 0, ha="right" if len(plot.groups) > 6 else "center")
    _lines(axes, plot.lines)


def _points(axes: Any, plot: Points) -> None:
    for i, (name, (x, y)) in enumerate(plot.series.items()):
        axes.scatter(x, y, s=12, alpha=0.6, label=name, color=COLOURS[i % len(COLOURS)])
        if len(x) > 2 and np.ptp(x) > 0:
            slope, level = np.polyfit(x, y, 1)
            ends = np.array([min(x), max(x)])
            axes.plot(ends, slope * ends + level, lw=1.2, color=COLOURS[i % len(COLOURS)])
    axes.set_xlabel(plot.x)


def _curves(axes: Any, plot: Curves) -> None:
    for i, (name, (x, y)) in enumerate(plot.series.items()):
        axes.plot(x, y, marker="o" if len(x) <= 20 else None, ms=4, label=name, color=COLOURS[i % len(COLOURS)])
    if plot.log_x:
        axes.set_xscale("log")
    axes.set_xlabel(plot.x)
    _lines(axes, plot.lines)


def _lines(axes: Any, lines: Any) -> None:
    for i, (name, value) in enumerate(lines.items()):
        axes.axhline(value, ls=(0, (4, 2 + i)), lw=1.2, color=LINES[i % len(LINES)], label=name)
