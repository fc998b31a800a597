"""The figures of a search for capacity: goodput over what was offered, and how it grows with the cores in use."""

from typing import Any

import numpy as np

from reports import answer, drawing, laws
from reports.drawing import COLORS, FAINT, Picture, Table
from reports.search import Searched
from reports.search_verdict import PROBE_OUTCOMES
from reports.wording import N_, number, say
from scenarios.capacity_record import Outcome, Probe

LOOKS = {Outcome.HELD: ("o", COLORS[2]), Outcome.BROKE: ("X", COLORS[1])}
METHODS = {"goodput": N_("by goodput"), "objectives": N_("by objectives")}


def scalability(searched: Searched) -> dict[str, Any] | None:
    """The section on how goodput grows with busy cores over the probes; None where no cores were sampled."""
    n, x = answer.law_points(searched)
    if not n:
        return None
    return laws.section(
        np.array(n), np.array(x), answer.law_of(searched), say("cores of the service busy"), say("finished, people/s")
    )


def knee(searched: Searched) -> Picture | None:
    """Every valid probe of the search, and where each method places the knee; None without two probes."""
    probes = [one for one in searched.of(*LOOKS) if one.goodput_per_s is not None]
    if len(probes) < 2:
        return None
    offered = np.array([one.offered_per_s for one in probes])
    good = np.array([one.goodput_per_s for one in probes], float)
    figure, (axes,) = drawing.canvas(250)
    axes.plot([0.0, offered.max()], [0.0, offered.max()], color=FAINT, linewidth=0.9, linestyle=":")
    for outcome, (marker, color) in LOOKS.items():
        own = [one.outcome is outcome for one in probes]
        axes.plot(offered[own], good[own], marker, color=color, markersize=6, label=say(PROBE_OUTCOMES[outcome]))
    axes.set(xlabel=say("offered, people/s"), ylabel=say("finished, people/s"), xlim=(0.0, None))
    axes.set_ylim(0.0, 1.25 * max(float(good.max()), 1e-9))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: number(value))
    found = {name: rate for name, rate in searched.capacity.search.methods.items() if rate is not None}
    for (name, rate), side in zip(sorted(found.items(), key=lambda one: one[1]), ("right", "left"), strict=False):
        axes.axvline(rate, color=COLORS[0], linewidth=1.0, linestyle="--")
        axes.annotate(f" {say(METHODS[name])} ", (rate, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 2),
                      textcoords="offset points", ha=side, va="bottom", color=COLORS[0])  # fmt: skip
    axes.legend(loc="lower right", frameon=False)
    head = [say("offered, people/s"), say("finished, people/s"), say("outcome")]
    return Picture(
        "knee",
        say("Goodput over what is offered"),
        say("Each mark is a probe. On the dotted line everybody who comes finishes; where marks leave it the service "
            "falls behind. The lines are where the two methods place the knee."),
        say("Marks of goodput over the offered rate; at most {most} people/s finished.",
            most=number(float(good.max()), source="#search")),
        drawing.to_svg(figure, "knee"),
        Table(head, [_row(one) for one in probes]),
    )  # fmt: skip


def _row(probe: Probe) -> list[str]:
    return [number(probe.offered_per_s), number(probe.goodput_per_s), say(PROBE_OUTCOMES[probe.outcome])]


def view(searched: Searched) -> list[Picture]:
    """The figures of the section on the search."""
    with drawing.styled():
        drawn = knee(searched)
    return [drawn] if drawn is not None else []
