"""Three waiting rooms with the same people, drawn: who is let in when, and how far order was kept."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("svg")

from matplotlib.figure import Figure

from tests.acceptance.long.room_people import People, Played

LOOKS = {
    "launchnight": ("launchnight", "#1b6ca8"),
    "minutes": ("groups of a minute", "#b3402e"),
    "counter": ("serving number", "#8a6fb0"),
}
BIN = 10.0
"""Seconds."""
POINTS = 200
"""Of a room's waits: more would only make the picture heavy."""


def draw(
    people: People, played: Mapping[str, Played], rate_per_s: float, marks: Mapping[str, float], path: Path
) -> None:
    """marks: what happened when, in seconds after the opening."""
    mpl.rcParams.update({"svg.hashsalt": "rooms", "svg.fonttype": "none", "font.size": 9})
    figure = Figure(figsize=(9, 5.4), layout="constrained")
    axes = figure.subplots(len(played) + 1, 1, height_ratios=[2] * len(played) + [3])
    end = max(float(np.nanmax(one.admitted)) for one in played.values())
    edges = np.arange(0.0, end + BIN, BIN)
    for place, (name, one) in zip(axes, played.items(), strict=False):
        label, color = LOOKS[name]
        counts, _ = np.histogram(one.admitted[~np.isnan(one.admitted)], edges)
        place.stairs(counts / BIN, edges / 60.0, fill=True, color=color, alpha=0.8)
        place.axhline(rate_per_s, color="black", lw=0.8, ls="--")
        most = max(3.0 * rate_per_s, 1.1 * float(counts.max()) / BIN)
        place.set(ylim=(0, most), xlim=(0, end / 60.0), ylabel="let in /s")
        place.set_title(label, loc="left", fontsize=9)
        for what, at in marks.items():
            place.axvline(at / 60.0, color="gray", lw=0.8, ls=":")
            if place is axes[0]:
                place.annotate(what, (at / 60.0, most), xytext=(3, -10), textcoords="offset points", fontsize=8)
    waits = axes[-1]
    stays = people.stays
    for name, one in played.items():
        label, color = LOOKS[name]
        chosen = np.flatnonzero(stays & ~np.isnan(one.admitted))
        chosen = chosen[:: max(len(chosen) // POINTS, 1)]
        minutes = (one.admitted[chosen] - people.came[chosen]) / 60.0
        waits.plot(chosen + 1, minutes, ".", ms=2, color=color, label=label)
    waits.set(xlabel="ticket", ylabel="minutes waited", xlim=(0, len(people)))
    waits.legend(loc="upper left", frameon=False, markerscale=4)
    for one_axes in axes:
        one_axes.grid(alpha=0.3)
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
