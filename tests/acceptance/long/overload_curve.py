"""Goodput and waiting against the offered load: the figures of a point, their table and their picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib.figure import Figure

from tests.acceptance.long.overload_crowd import Seen

Curves = dict[str, list["Point"]]
"""With the limiter "on" and "off", by ascending load."""


@dataclass(frozen=True)
class Costs:
    """Of one request when there is nobody else, in seconds of a database connection; connections: how many there are.

    Who is signed in asks for less work than who draws a ticket, and goes first: the heavier the load, the cheaper the
    mix that is let in, and the more answers a second for the same work.
    """

    signed_in: float
    ticket: float
    connections: int


@dataclass(frozen=True)
class Point:
    """One load, of all seeds together. Rates per second; times in seconds."""

    load: float
    offered: float
    goodput: float
    by_seed: tuple[float, ...]
    """Goodput of each seed."""
    work: float
    """Share of the capacity that went into useful answers, by what each costs when there is nobody else."""
    signed_in: float
    """Share of the useful answers that went to people who are signed in."""
    signed_in_answered: float
    """Share of what those asked that was answered in time."""
    answered_p50: float
    answered_p99: float
    refused: float
    refused_p99: float
    without_retry_after: int
    other_errors: int
    gave_up: int
    lateness_p99: float
    """Of the seed with the latest crowd."""
    limit: float
    """Of the door, as it was at the end."""


def point_of(load: float, offered: float, seeds: Sequence[Seen], seconds: float, costs: Costs, limit: float) -> Point:
    """seeds: what was seen in `seconds` under each seed."""
    good = [took for seen in seeds for took in seen.good]
    answered = good + [took for seen in seeds for took in seen.late]
    refused = [took for seen in seeds for took in seen.refused]
    asked_signed_in = [useful for seen in seeds for useful in seen.signed_in]
    good_signed_in = sum(asked_signed_in)
    length = seconds * len(seeds)
    used = good_signed_in * costs.signed_in + (len(good) - good_signed_in) * costs.ticket
    return Point(
        load=load,
        offered=offered,
        goodput=len(good) / length,
        by_seed=tuple(len(seen.good) / seconds for seen in seeds),
        work=used / (length * costs.connections),
        signed_in=good_signed_in / max(len(good), 1),
        signed_in_answered=good_signed_in / max(len(asked_signed_in), 1),
        answered_p50=quantile(answered, 0.5),
        answered_p99=quantile(answered, 0.99),
        refused=len(refused) / length,
        refused_p99=quantile(refused, 0.99),
        without_retry_after=sum(seen.without_retry_after for seen in seeds),
        other_errors=sum(seen.other_errors for seen in seeds),
        gave_up=sum(seen.gave_up for seen in seeds),
        lateness_p99=max(quantile(seen.lateness, 0.99) for seen in seeds),
        limit=limit,
    )


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)] if values else 0.0


HEADS = (
    "limiter", "load", "offered/s", "goodput/s", "of each seed", "work", "p50 ms", "p99 ms", "refused/s",
    "refused p99 ms", "gave up", "answers to signed in", "of theirs", "limit", "generator late p99 ms",
)  # fmt: skip


def table(curves: Curves) -> str:
    rows = [HEADS, *(row_of(name, point) for name, points in curves.items() for point in points)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def row_of(name: str, point: Point) -> tuple[str, ...]:
    return (
        name,
        f"{point.load:g}",
        f"{point.offered:.0f}",
        f"{point.goodput:.1f}",
        " ".join(f"{rate:.0f}" for rate in point.by_seed),
        f"{point.work:.0%}",
        f"{point.answered_p50 * 1e3:.0f}",
        f"{point.answered_p99 * 1e3:.0f}",
        f"{point.refused:.0f}",
        f"{point.refused_p99 * 1e3:.0f}",
        str(point.gave_up),
        f"{point.signed_in:.0%}",
        f"{point.signed_in_answered:.0%}",
        f"{point.limit:.1f}",
        f"{point.lateness_p99 * 1e3:.1f}",
    )


def draw(curves: Curves, path: Path) -> None:
    """Answers, useful work and the slowest answers against the offered load, with the limiter and without."""
    mpl.rcParams.update({"svg.hashsalt": "overload", "svg.fonttype": "none", "font.size": 9})
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    rate, work, slow = figure.subplots(1, 3)
    on = curves["on"]
    for name, color, style in (("on", "#1b6ca8", "-"), ("off", "#b3402e", "--")):
        points = curves[name]
        loads = [point.load for point in points]
        look: dict[str, Any] = {"ls": style, "color": color, "marker": "o", "ms": 3}
        rate.plot(loads, [point.goodput for point in points], label=f"limiter {name}", **look)
        for point in points:
            rate.plot([point.load] * len(point.by_seed), point.by_seed, ls="", marker="_", ms=6, color=color, alpha=0.6)
        work.plot(loads, [point.work * 100.0 for point in points], **look)
        slow.plot(loads, [point.answered_p99 * 1e3 for point in points], **look)
    shed = [point for point in on if point.load > 1.0]
    refusals: dict[str, Any] = {"ls": "-", "color": "#3d8b52", "marker": "o", "ms": 3}
    slow.plot([point.load for point in shed], [point.refused_p99 * 1e3 for point in shed], label="refusals", **refusals)
    goal: dict[str, Any] = {"color": "#888", "lw": 0.8}
    rate.axhline(0.9 * max(point.goodput for point in on), ls=":", label="90 % of the most", **goal)
    work.axhline(90.0 * max(point.work for point in on), ls=":", **goal)
    calm = next(point for point in on if point.load == 0.7)
    slow.axhline(2e3 * calm.answered_p99, ls="--", label="twice that at 0.7", **goal)
    slow.axhline(50.0, ls="-.", label="50 ms, for refusals", **goal)
    rate.set(ylabel="per second", title="Answers within 1 s")
    work.set(ylabel="% of the capacity", title="Work that went into them")
    slow.set(ylabel="ms", title="99 of 100 told within", yscale="log")
    loads = [point.load for point in on]
    for axes in (rate, work, slow):
        axes.set(xlabel="offered load, times the capacity", xscale="log")
        axes.set_xticks(loads, [f"{load:g}" for load in loads])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    for axes in (rate, work):
        axes.set_ylim(bottom=0)
    marks = (20, 50, 100, 200, 500, 1000, 2000, 5000)
    slow.set_yticks(marks, [f"{mark}" for mark in marks])
    figure.legend(loc="outside lower center", ncols=6, frameon=False)
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
