"""What a report shows of the check by Little's law: its sentences, its figure, its table."""

from typing import Any

import numpy as np

from reports import drawing, little
from reports.drawing import Picture, Table
from reports.facts import Facts
from reports.little import ALLOWED, ID, WINDOW_S, Moment, Window
from reports.statistics import FloatArray
from reports.wording import Said, clock, count, number, percent, say, seconds

ROWS = 30
"""Windows that the table shows at most: of more the worst ones, and others evenly."""
WORST = 6


def view(facts: Facts) -> dict[str, Any]:
    """What the section's template is filled with."""
    found = little.windows(facts.run.samples)
    if not found:
        return {"told": [say("Not checked, because this record does not tell how many requests were out.")],
                "pictures": []}  # fmt: skip
    with drawing.styled():
        return {"told": _told(found), "pictures": [_picture(facts, little.moments(found))]}


def _told(found: list[Window]) -> list[Said]:
    judged = [one for one in found if one.is_judged]
    quiet = len(found) - len(judged)
    told = []
    if judged:
        told.append(say(
            "{judged} windows of about {length} were judged; the largest gap is {gap}, {allowed} allowed.",
            judged=count(len(judged), source=ID), length=seconds(WINDOW_S),
            gap=percent(max(abs(one.gap) for one in judged), 2, source=ID), allowed=percent(ALLOWED),
        ))  # fmt: skip
    if quiet:
        told.append(say("{quiet} windows were too quiet to judge: less than one request was out for one second.",
                        quiet=count(quiet, source=ID)))  # fmt: skip
    if drifting := sum(one.drifts for one in judged):
        told.append(say("In {drifting} of them the load grew or fell all along; what was out at their edges is counted "
                        "in.", drifting=count(drifting, source=ID)))  # fmt: skip
    return told


def _picture(facts: Facts, moments: list[Moment]) -> Picture:
    grid = drawing.time_grid(facts.end_s)
    middles = np.array([0.5 * (one.start + one.end) for one in moments])

    def over_grid(values: list[float]) -> FloatArray:
        return np.interp(grid, middles, values, left=np.nan, right=np.nan)

    levels: dict[str, FloatArray] = {say("counted"): over_grid([one.out for one in moments]),
              say("timed"): over_grid([one.timed for one in moments])}  # fmt: skip
    figure, (axes,) = drawing.canvas(220)
    drawing.over_time(axes, grid, drawing.lines(levels))
    axes.set(xlabel=drawing.time_label(grid), ylabel=say("requests out"))
    head = [say("from"), say("out, counted"), say("out, timed"), say("requests/s"), say("time of each"),
            say("edges"), say("gap"), say("judged")]  # fmt: skip
    most = max(moments, key=lambda one: one.out)
    return Picture(
        "requests-out",
        say("Requests out, counted and timed"),
        say("Counted by the wall clock, and as requests a second times the time of each; edges: what the requests that "
            "were out at the beginning and at the end of a window add. One line when no clock lies."),
        say("Two lines over time that should be one; at most {out} requests were out at a time.",
            out=number(most.out, source=ID)),
        drawing.to_svg(figure, "requests-out"),
        Table(head, [_row(one) for one in _shown(moments)]),
    )  # fmt: skip


def _shown(moments: list[Moment]) -> list[Moment]:
    """At most ROWS of them: the worst, and others evenly."""
    if len(moments) <= ROWS:
        return moments
    by_gap = sorted(range(len(moments)), key=lambda i: -_gap(moments[i]))
    evenly = np.linspace(0, len(moments) - 1, ROWS - WORST).round().astype(int)
    return [moments[i] for i in sorted({*by_gap[:WORST], *evenly.tolist()})]


def _gap(one: Moment) -> float:
    return abs(one.worst.gap) if one.worst.is_judged else 0.0


def _row(one: Moment) -> list[str]:
    worst = one.worst
    return [
        clock(one.start),
        number(one.out),
        number(one.timed),
        number(one.rate),
        seconds(one.response),
        number(one.carried),
        percent(worst.gap, 2),
        say("too quiet") if not worst.is_judged else say("apart") if worst.is_broken else say("holds"),
    ]
