"""The section that names the bottleneck: the evidence, every resource beside its limit, and how they filled up."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from reports import bottleneck, drawing
from reports.bottleneck import Named, Near
from reports.drawing import COLORS, Picture, Table
from reports.facts import Facts
from reports.wording import clock, count, number, percent, say

SHOWN = 4
"""Lines of the figure: more would cover each other."""
ROWS_EVERY = 8
USED = 0.05
"""Of a limit: what is used less is far from it, and only counted."""


def view(facts: Facts) -> dict[str, Any] | None:
    """What the section is filled with; None when no use of any resource was recorded."""
    found = bottleneck.find(facts)
    if not found.all:
        return None
    shown = [near for near in found.all if not near.demand < USED]
    more = len(found.all) - len(shown)
    return {
        "named": found.resource,
        "why_not": found.why_not,
        "evidence": found.evidence,
        "resources": table(shown),
        "more": say("{more} more were used to less than {least}.", more=count(more, source=bottleneck.SOURCE),
                    least=percent(USED)) if more else None,
        "pictures": [over_time(facts, found)],
    }  # fmt: skip


def table(shown: Sequence[Near]) -> Table:
    """Resources in the stretch that is judged, the nearest to its limit first."""
    head = [say("resource"), say("limit"), say("in use"), say("asked for"), say("full at"), say("who waited")]
    return Table(head, [_row(near) for near in shown])


def _row(near: Near) -> list[str]:
    source = bottleneck.SOURCE
    full_at = say("{people} people/s", people=number(near.holds_per_s, source=source))
    return [near.label, near.limit, percent(near.use, source=source), percent(near.demand, source=source), full_at,
            near.told]  # fmt: skip


def over_time(facts: Facts, found: Named) -> Picture:
    """How full the fullest resources were over the whole run."""
    shown = found.all[:SHOWN]
    grid = found.moments[:: max(1, len(found.moments) // drawing.POINTS)]
    levels = {str(near.label): 100 * np.interp(grid, found.moments, found.uses[near.id]) for near in shown}
    with drawing.styled():
        figure, (axes,) = drawing.canvas(260)
        lines = drawing.lines(levels)
        for line in lines:
            axes.plot(grid / drawing.time_unit(grid)[0], line.values, color=line.color, linestyle=line.dash,
                      linewidth=line.width, label=line.label)  # fmt: skip
        axes.axvspan(found.start_s / drawing.time_unit(grid)[0], found.end_s / drawing.time_unit(grid)[0],
                     color=COLORS[5], alpha=0.12, linewidth=0)  # fmt: skip
        axes.set(xlabel=drawing.time_label(grid), ylabel=say("% of the limit"), ylim=(0, 105))
        axes.set_xlim(0, float(grid[-1]) / drawing.time_unit(grid)[0])
        figure.legend(loc="outside upper left", ncols=1, frameon=False, fontsize=9.5, handlelength=1.6)
        svg = drawing.to_svg(figure, "resources")
    every = max(1, len(grid) // (drawing.POINTS // ROWS_EVERY))
    rows = [
        [clock(grid[i]), *(percent(float(line.values[i]) / 100) for line in lines)] for i in range(0, len(grid), every)
    ]
    fullest = shown[0]
    return Picture(
        "resources",
        say("How full resources were"),
        say("Over the {span} s before each moment. Shaded: the time that is judged.",
            span=number(float(found.moments[0]))),
        say("Lines over time; {label} was at {use} in the time that is judged.", label=fullest.label,
            use=percent(fullest.use, source=bottleneck.SOURCE)),
        svg,
        Table([say("time"), *levels], rows),
    )  # fmt: skip
