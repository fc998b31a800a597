"""How figures are drawn: matplotlib without pyplot, written as small inline SVG that takes its colors from the page.

A figure is 370 units wide with text of 10 to 11 units: on a phone of 360 px that is still 9 to 10 px, and two fit
beside each other on a desk. Text stays text. Colors are those of Okabe and Ito, told apart with any kind of color
vision; in the SVG they become CSS variables, so that dark mode and print choose their own.
"""

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from reports.statistics import FloatArray
from reports.svg import slim
from reports.wording import N_, say, separated

POINTS = 161
"""Points of a line over time; more cannot be seen at this size (the page's budget allows 200)."""
WIDTH_IN = 370 / 72
SPAN_NAME = 0.3
"""Share of a figure's width that the name of a shaded span takes."""

INK, FAINT, GRID = "#1b1b1f", "#6a6a72", "#dcdce2"
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195")
VARIABLES = {
    INK: "--ink",
    FAINT: "--faint",
    GRID: "--grid",
    **{color: f"--c{i + 1}" for i, color in enumerate(COLORS)},
}
DASHES: tuple[str | tuple[int, tuple[float, ...]], ...] = (
    "-", (0, (5, 1.6)), (0, (1.4, 1.4)), (0, (6, 1.5, 1.4, 1.5)), (0, (3, 1)), "-", (0, (8, 2)),
)  # fmt: skip

STYLE: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 11.0,
    "axes.titlesize": 11.0,
    "axes.titlelocation": "left",
    "axes.labelsize": 10.5,
    "xtick.labelsize": 10.0,
    "ytick.labelsize": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "lines.linewidth": 1.8,
    "path.simplify_threshold": 0.3,
}


@dataclass(frozen=True)
class Table:
    """Data behind a figure, as text. The first column names the row."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Picture:
    """One figure of a report. alt: what it shows, in a sentence, for those who cannot see it."""

    id: str
    title: str
    note: str
    alt: str
    svg: str
    table: Table


@dataclass(frozen=True)
class Line:
    """One line over time; values nan where nothing is known."""

    label: str
    values: FloatArray
    color: str
    dash: str | tuple[int, tuple[float, ...]] = "-"
    width: float = 1.8


def lines(levels: Mapping[str, FloatArray]) -> list[Line]:
    """Lines with a color and a dash each, the same ones in every figure for the same place in the list."""
    looks = cycle(zip(COLORS, DASHES, strict=True))
    return [Line(label, values, *look) for (label, values), look in zip(levels.items(), looks, strict=False)]


def time_grid(end_s: float) -> FloatArray:
    """POINTS moments from the opening to `end_s`, float64 seconds."""
    return np.linspace(0.0, end_s, POINTS)


def time_unit(grid_s: FloatArray) -> tuple[float, str]:
    """Seconds of the axis' unit and what it is called there: minutes, or hours for more than three."""
    if grid_s[-1] > 3 * 3600:
        return 3600.0, N_("hours since the doors opened")
    return 60.0, N_("minutes since the doors opened")


def time_label(grid_s: FloatArray) -> str:
    return say(time_unit(grid_s)[1])


def fill_below(axes: Axes, grid_s: FloatArray, line: Line) -> None:
    """Tint the area below a line, for a level rather than a total; its outline takes every second point twice."""
    axes.fill_between(grid_s[::2] / time_unit(grid_s)[0], line.values[::2], color=line.color, alpha=0.15, linewidth=0)


def canvas(height: float, panels: int = 1) -> tuple[Figure, list[Axes]]:
    """An empty figure, `height` units high, with panels one above the other. Call inside `styled()`."""
    figure = Figure(figsize=(WIDTH_IN, height / 72), layout=ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.03))
    axes = figure.subplots(panels, 1, sharex=panels > 1, squeeze=False)
    return figure, list(axes[:, 0])


def styled() -> AbstractContextManager[None]:
    """Context in which figures are made."""
    return mpl.rc_context(STYLE)


def over_time(axes: Axes, grid_s: FloatArray, lines: Iterable[Line]) -> None:
    """Draw lines against the time since the opening, each named at its right end."""
    drawn = [line for line in lines if np.isfinite(line.values).any()]
    moments = grid_s / time_unit(grid_s)[0]
    for line in drawn:
        axes.plot(moments, line.values, color=line.color, linestyle=line.dash, linewidth=line.width)
    axes.set_xlim(0, moments[-1])
    something = any(np.nanmax(line.values) > 0 for line in drawn)
    axes.set_ylim(0, None if something else 1)
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=moments[-1] >= 4))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(lambda value, _: separated(f"{value:,.10g}"))
    _name_at_the_end(axes, moments[-1], drawn)


def _name_at_the_end(axes: Axes, right: float, lines: Sequence[Line]) -> None:
    """Write each line's label beside its last value, moved apart where they would touch."""
    bottom, top = axes.get_ylim()
    height_units = axes.get_window_extent().height or 150.0
    least = 12.5 / height_units * (top - bottom)
    ends = [(float(line.values[np.isfinite(line.values)][-1]), float(np.nanmean(line.values)), line) for line in lines]
    ends.sort(key=lambda end: end[:2])
    places = [max(value, bottom + i * least) for i, (value, _, _) in enumerate(ends)]
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + least)
    highest = top
    for i in reversed(range(len(places))):
        places[i] = min(places[i], highest)
        highest = places[i] - least
    for place, (_, _, line) in zip(places, ends, strict=True):
        axes.annotate(line.label, (right, place), xytext=(4, 0), textcoords="offset points", color=line.color,
                      va="center", annotation_clip=False)  # fmt: skip


def mark_spans(axes: Axes, grid_s: FloatArray, spans: Iterable[tuple[float, float, str]]) -> None:
    """Shade spans of time (seconds, name), such as injected faults."""
    top, unit = axes.get_ylim()[1], time_unit(grid_s)[0]
    named_until = -math.inf
    for start, end, name in spans:
        axes.axvspan(start / unit, min(end, grid_s[-1]) / unit, color=COLORS[4], alpha=0.18, linewidth=0)
        if start >= named_until:  # of many in a row the first alone has room for its name
            axes.text(start / unit, top, f" {name}", va="top", color=FAINT, fontsize=9.5)
            named_until = start + SPAN_NAME * (grid_s[-1] - grid_s[0])


def mark_moment(axes: Axes, grid_s: FloatArray, moment_s: float, name: str) -> None:
    """A dotted line at a moment, with its name above the frame."""
    moment = moment_s / time_unit(grid_s)[0]
    axes.axvline(moment, color=FAINT, linewidth=0.9, linestyle=":")
    axes.annotate(name, (moment, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 2),
                  textcoords="offset points", ha="center", va="bottom", color=FAINT, fontsize=9.5)  # fmt: skip


def to_svg(figure: Figure, name: str) -> str:
    """The figure as SVG to stand inside HTML: no header, no metadata, no ids but those it refers to."""
    buffer = io.StringIO()
    if layout := figure.get_layout_engine():
        layout.execute(figure)
        figure.set_layout_engine("none")  # laid out: printing would draw everything once more to lay it out again
    silent = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with mpl.rc_context({**STYLE, "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", transparent=True, metadata=silent)
    return slim(buffer.getvalue(), VARIABLES)
