"""How throughput grows with concurrency, drawn and told: of the windows of a run, or of the probes of a search.

Of a run, N is how many API requests were out at a time and X how many were answered well a second, over windows of ten
seconds (reports.little; uploads apart, because a phone's slow line is no concurrency of the service).
"""

from typing import Any

import numpy as np

from reports import drawing, little, scalability, statistics
from reports.drawing import COLORS, FAINT, Picture, Table
from reports.facts import Facts
from reports.responses import is_upload
from reports.scalability import Estimate, Law, Refusal
from reports.statistics import FloatArray
from reports.wording import Said, number, percent, say

ID = "#scalability"
ROWS = 30
_DRAWN = 81
"""Points of the curve."""


def of_run(facts: Facts) -> dict[str, Any] | None:
    """What the section's template is filled with; None of a record without windows."""
    n, x = points(facts)
    if not len(n):
        return None
    return section(n, x, scalability.fit(n, x), say("API requests out at a time"), say("answered well, requests/s"))


def section(n: FloatArray, x: FloatArray, law: Law | Refusal, of_n: Said, of_x: Said) -> dict[str, Any]:
    """The same of any points. of_n, of_x: what they are, for axes and columns."""
    with drawing.styled():
        return {"told": _told(law), "pictures": [_picture(n, x, law, of_n, of_x)]}


def points(facts: Facts) -> tuple[FloatArray, FloatArray]:
    """N and X of each window outside faults in which something was answered, all processes of the swarm together."""
    found = little.windows(facts.run.samples)
    places = sorted({one.place for one in found})
    n, x = np.zeros(len(places)), np.zeros(len(places))
    for instance in {one.instance for one in found}:
        own = [one for one in found if one.instance == instance]
        at = np.searchsorted(places, [one.place for one in own])
        edges = np.array([[one.start, one.end] for one in own])
        length = edges[:, 1] - edges[:, 0]
        n[at] += _gained(facts, "swarm_request_seconds_sum", edges, {"instance": instance}) / length
        x[at] += _gained(facts, "swarm_requests_total", edges, {"instance": instance, "outcome": "ok"}) / length
    touched = {one.place for one in found for start, end in facts.windows if one.start < end and start < one.end}
    kept = (n > 0.0) & (x > 0.0) & ~np.isin(places, list(touched))
    return n[kept], x[kept]


def _gained(facts: Facts, name: str, edges: FloatArray, labels: dict[str, str]) -> FloatArray:
    """What API routes gained between the edges (k, 2) of each window; shape (k,)."""
    samples = facts.run.samples
    routes = {own.get("route", "") for own, _, _ in samples.select(name, **labels)}
    gained = np.zeros(len(edges))
    for route in sorted(route for route in routes if not is_upload(route)):
        counted = statistics.counted_by(samples, name, edges.ravel(), since_first=False, **{**labels, "route": route})
        gained += np.diff(counted.reshape(edges.shape), axis=1)[:, 0]
    return gained


def _told(law: Law | Refusal) -> list[Said]:
    if isinstance(law, Refusal):
        return [say("No law is fitted, because {reason}.", reason=law.reason)]
    told = [say(
        "One alone carries {rate}/s. Of the work {sigma} waits its turn, and keeping each other informed costs {kappa} "
        "for each pair; the points lie {scatter} about the law.",
        rate=_interval(law.rate_of_one), sigma=_share(law.sigma), kappa=_share(law.kappa),
        scatter=percent(law.scatter, source=ID),
    )]  # fmt: skip
    if np.isfinite(law.peak_at.value) and law.kappa.low <= 0.0:
        told.append(say("It levels off near {peak}/s; whether it falls beyond is not known.",
                        peak=_interval(law.peak)))  # fmt: skip
    elif np.isfinite(law.peak_at.value):
        told.append(say("It peaks at {peak}/s with {at} at a time; beyond that more at a time carry less.",
                        peak=_interval(law.peak), at=_interval(law.peak_at)))  # fmt: skip
    else:
        told.append(say("It comes ever nearer to {peak}/s and never falls.", peak=_interval(law.peak)))
    told.append(say("Measured up to {last} at a time; what is told beyond is extrapolated.",
                    last=number(law.measured_up_to, source=ID)))  # fmt: skip
    return told


def _interval(one: Estimate) -> Said:
    value, low = number(one.value, source=ID), number(one.low, source=ID)
    if not np.isfinite(one.high):
        return say("{value} (at least {low})", value=value, low=low)
    return say("{value} ({low} to {high})", value=value, low=low, high=number(one.high, source=ID))


def _share(one: Estimate) -> Said:
    value, low, high = (percent(each, 3, source=ID) for each in (one.value, one.low, one.high))
    return say("{value} ({low} to {high})", value=value, low=low, high=high)


def _picture(n: FloatArray, x: FloatArray, law: Law | Refusal, of_n: Said, of_x: Said) -> Picture:
    figure, (axes,) = drawing.canvas(230)
    axes.plot(n, x, "o", color=COLORS[0], markersize=3.5, alpha=0.7)
    top = 1.1 * float(x.max())
    head = [of_n, of_x]
    order = np.argsort(n, kind="stable")
    rows = [[number(float(n[i])), number(float(x[i]))] for i in _spread(order)]
    if isinstance(law, Law):
        grid = np.linspace(float(n.max()) / _DRAWN, 1.15 * float(n.max()), _DRAWN)
        low, high = law.band(grid)
        axes.fill_between(grid, low, np.minimum(high, 2.0 * top), color=COLORS[1], alpha=0.2, linewidth=0)
        axes.plot(grid, law.rate(grid), color=COLORS[1])
        if law.peak_at.value <= grid[-1]:
            axes.axvline(law.peak_at.value, color=FAINT, linewidth=0.9, linestyle=":")
            axes.annotate(say("peak"), (law.peak_at.value, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 2),
                          textcoords="offset points", ha="center", va="bottom", color=FAINT)  # fmt: skip
        head = [*head, say("by the law")]
        rows = [[*row, number(float(law.rate(n[i])))] for row, i in zip(rows, _spread(order), strict=True)]
    axes.set(xlabel=of_n, ylabel=of_x, xlim=(0.0, None), ylim=(0.0, top))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: number(value))
    return Picture(
        "throughput",
        say("Throughput and concurrency"),
        say("Dots: measured. Where a law could be fitted its line is drawn, with the span in which it lies for 95 %."),
        say("Dots of throughput over concurrency; the highest is {most}/s.", most=number(float(x.max()), source=ID)),
        drawing.to_svg(figure, "throughput"),
        Table(head, rows),
    )


def _spread(order: Any) -> list[int]:
    """At most ROWS of these, evenly, first and last among them."""
    if len(order) <= ROWS:
        return [int(i) for i in order]
    return [int(order[i]) for i in np.linspace(0, len(order) - 1, ROWS).round().astype(int)]
