"""A night's curve, or a plan, drawn as text for the terminal and as a small SVG file, without a plotting library."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from scenarios.catalogue import Night
from scenarios.curve import Curve

EIGHTHS = " ▁▂▃▄▅▆▇█"

WIDTH, HEIGHT = 960, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = (60, 450), (540, 940), 50, 350
"""The two panels, from left to right edge, and their top and bottom, in the SVG's units."""
_COLORS = ("#2a9d8f", "#264653", "#d1495b", "#8d6a9f", "#edae49")
_POINTS = 180
"""Points of a line: more than the panel has pixels to show."""

Place = Callable[[float], float]


def people_in_bins(curve: Curve, end_s: float, bins: int) -> list[float]:
    """People in each of `bins` equal parts of [0, end_s)."""
    return list(np.diff(curve.cumulatives(np.linspace(0.0, end_s, bins + 1))).tolist())


def bars(values: Sequence[float], rows: int) -> list[str]:
    """A bar chart of one character for each value and `rows` lines, the highest first; the largest value fills it."""
    most = max(values) or 1.0
    filled = [round(8 * rows * value / most) for value in values]
    return [
        "".join(EIGHTHS[min(max(eighths - 8 * row, 0), 8)] for eighths in filled).rstrip()
        for row in reversed(range(rows))
    ]


def svg(night: Night) -> str:
    """The curve as one SVG document: people per second in the first block, people in all until the close."""
    curves = {name: night.curve.reading(name) for name in night.curve.readings}
    return _document(night.title, [*_launch(curves), *_whole(night, curves), *_legend(list(curves))])


def plan_svg(due: NDArray[np.float64], title: str) -> str:
    """A plan as one SVG document: applicants per second, and applicants in all.

    due: float64 (n,), real seconds since the opening, ascending; n may be 0.
    """
    length = (float(due[-1]) if len(due) else 0.0) or 1.0
    edges = np.linspace(0.0, length, _POINTS + 1)
    until = np.searchsorted(due, edges, side="right")
    rates = np.diff(until) / (length / _POINTS)
    ticks = [(float(t), _moment(float(t))) for t in np.linspace(0.0, length, 5)]
    parts = []
    for panel, times, values, words in (
        (_LEFT, edges[:-1] + length / _POINTS / 2.0, rates, "applicants per second; real time after the opening"),
        (_RIGHT, edges, until, "applicants in all"),
    ):
        most = _round_up(max(1e-9, float(values.max())))
        x, y = _scale(0.0, length, *panel), _scale(0.0, most, _BOTTOM, _TOP)
        parts += [*_axes(panel, x, y, ticks, most, words), _polyline(times, values, x, y, _COLORS[0])]
    return _document(title, parts)


def _document(title: str, parts: Sequence[str]) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
            f'font-size="12" role="img" aria-label="{_escaped(title)}">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            f'<text x="{_LEFT[0]}" y="22" font-size="15">{_escaped(title)}</text>',
            *parts,
            "</svg>",
            "",
        ]
    )


def _moment(t: float) -> str:
    """Seconds as people read them: 90 s, 15 min, 21 h."""
    if t < 180.0:
        return f"{t:.3g} s"
    return f"{t / 60.0:.3g} min" if t < 10_800.0 else f"{t / 3600.0:.3g} h"


def _launch(curves: dict[str, Curve]) -> list[str]:
    """The left panel: people per second in the first block."""
    end = next(iter(curves.values())).edges[1]
    times = np.linspace(0.0, end, _POINTS, endpoint=False)
    # The burst is short: fewer equal steps would cut its top off.
    times = np.unique(np.concatenate([times, [curve.burst.rise_s for curve in curves.values()]]))
    rates = {name: [curve.rate(float(t)) for t in times] for name, curve in curves.items()}
    most = _round_up(max(max(each) for each in rates.values()))
    x, y = _scale(0.0, end, *_LEFT), _scale(0.0, most, _BOTTOM, _TOP)
    lines = [_polyline(times, each, x, y, color) for each, color in zip(rates.values(), _COLORS, strict=False)]
    ticks = [(t, f"{t / 60.0:.0f} min") for t in np.linspace(0.0, end, 5)]
    return [*_axes(_LEFT, x, y, ticks, most, "people per second, the first hour"), *lines]


def _whole(night: Night, curves: dict[str, Curve]) -> list[str]:
    """The right panel: people in all, with the published totals as circles."""
    length = next(iter(curves.values())).length_s
    most = _round_up(max(curve.total for curve in curves.values()))
    x, y = _scale(0.0, length, *_RIGHT), _scale(0.0, most, _BOTTOM, _TOP)
    times = np.linspace(0.0, length, _POINTS)
    lines = [
        _polyline(times, curve.cumulatives(times), x, y, color)
        for curve, color in zip(curves.values(), _COLORS, strict=False)
    ]
    midnight = (night.opens_at + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    first = (midnight - night.opens_at).total_seconds()
    ticks = [
        (t, f"{night.opens_at + timedelta(seconds=t):%a}") for t in np.arange(first, length, 86400.0 * _days(length))
    ]
    circles = [
        f'<circle cx="{x((anchor.at - night.opens_at).total_seconds()):.1f}" cy="{y(anchor.total):.1f}" r="4" '
        f'fill="none" stroke="#000000"><title>{anchor.total:,}</title></circle>'
        for anchor in night.curve.anchors
    ]
    return [*_axes(_RIGHT, x, y, ticks, most, "people in all; circles: totals to be met"), *lines, *circles]


def _days(length: float) -> int:
    """Days between two ticks, so that at most about seven fit."""
    return max(1, round(length / 86400.0 / 7.0))


def _legend(names: Sequence[str]) -> list[str]:
    return [
        f'<text x="{_LEFT[0] + 110 * i}" y="390" fill="{color}">&#9473; {_escaped(name)}</text>'
        for i, (name, color) in enumerate(zip(names, _COLORS, strict=False))
    ]


def _axes(
    panel: tuple[int, int], x: Place, y: Place, ticks: Sequence[tuple[float, str]], most: float, title: str
) -> list[str]:
    left, right = panel
    parts = [f'<text x="{left}" y="{_TOP - 10}" fill="#555555">{title}</text>']
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        at = y(most * share)
        parts.append(f'<path d="M{left} {at:.1f}H{right}" stroke="#dddddd"/>')
        parts.append(f'<text x="{left - 6}" y="{at + 4:.1f}" text-anchor="end">{_short(most * share)}</text>')
    for value, text in ticks:
        parts.append(f'<text x="{x(value):.1f}" y="{_BOTTOM + 18}" text-anchor="middle">{text}</text>')
    return parts


def _polyline(
    times: Sequence[float] | np.ndarray, values: Sequence[float] | np.ndarray, x: Place, y: Place, color: str
) -> str:
    points = " ".join(f"{x(float(t)):.1f},{y(float(value)):.1f}" for t, value in zip(times, values, strict=True))
    return f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.5"/>'


def _scale(low: float, high: float, first: float, last: float) -> Place:
    return lambda value: first + (value - low) / (high - low) * (last - first)


def _round_up(value: float) -> float:
    """The next 1, 2, 4 or 8 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(step * power for step in (1, 2, 4, 8, 10) if step * power >= value))


def _short(value: float) -> str:
    if value >= 1e6:
        return f"{value / 1e6:g}M"
    return f"{value / 1e3:g}k" if value >= 1e4 else f"{value:g}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
