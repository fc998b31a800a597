"""The two figures about people: who joined by province, and the wait that was promised beside the wait that was had."""

import numpy as np

from reports import drawing
from reports.drawing import COLORS, FAINT, Picture
from reports.facts import Facts
from reports.groups import by_province, overall, province_table
from reports.tries import wait_table, waits
from reports.wording import percent, say, seconds

LINE = 13.5
"""Units of height for one province: its name of 9.5 units stays readable on a phone."""
MINUTE = 60.0


def provinces(facts: Facts) -> Picture | None:
    """Share of the people who joined, by province; None where the record names none."""
    groups = by_province(facts)
    if not groups:
        return None
    share = overall(groups)
    places = np.arange(len(groups))[::-1]
    figure, (axes,) = drawing.canvas(70 + LINE * len(groups))
    for place, one in zip(places, groups, strict=True):
        color = COLORS[1] if one.stands_out(share) else COLORS[0]
        axes.hlines(place, 100 * one.low, 100 * one.high, color=color, linewidth=1.4)
        axes.plot(100 * one.joined, place, "D" if one.stands_out(share) else "o", color=color, markersize=4)
    axes.axvline(100 * share, color=FAINT, linewidth=0.9, linestyle=":")
    axes.set_yticks(places, [one.label for one in groups], fontsize=9.5)
    axes.set(xlabel=say("% joined"), xlim=(0, 100), ylim=(-0.8, len(groups) - 0.2))
    axes.grid(visible=False, axis="y")
    return Picture(
        "provinces",
        say("Who joined, by province"),
        say(
            "The province with the most people first. The line shows where the share may lie; it is so wide that by "
            "chance none of them leaves the dotted line, the share of all. A diamond stands out."
        ),
        say(
            "Shares by province from {least} to {most}; all together {share}.",
            least=percent(min(one.joined for one in groups)),
            most=percent(max(one.joined for one in groups)),
            share=percent(share),
        ),
        drawing.to_svg(figure, "provinces"),
        province_table(groups),
    )


def promises(facts: Facts) -> Picture | None:
    """What people were told that they would wait, beside what they waited; None where nobody was told."""
    found = waits(facts)
    if not found:
        return None
    places = np.arange(len(found))[::-1]
    unit, name = (MINUTE, say("minutes")) if max(one.high for one in found) > 3 * MINUTE else (1.0, say("seconds"))
    figure, (axes,) = drawing.canvas(125 + 34 * len(found))
    had = np.array([one.had for one in found]) / unit
    low, high = (np.array([getattr(one, side) for one in found]) / unit for side in ("low", "high"))
    axes.barh(places, high - low, left=low, height=0.62, color=COLORS[5], alpha=0.45, label=say("promised"))
    axes.hlines(places, had[:, 0], had[:, 2], color=COLORS[1], linewidth=2.0, label=say("8 in 10 waited"))
    axes.plot(had[:, 1], places, "D", color=COLORS[1], markersize=5.5, label=say("half waited at most"))
    axes.set_yticks(places, [seconds((one.low + one.high) / 2) for one in found])
    axes.set(xlabel=name, ylabel=say("middle of the promise"), xlim=(0, None), ylim=(-0.7, len(found) - 0.3))
    axes.grid(visible=False, axis="y")
    figure.legend(loc="outside upper left", ncols=2, frameon=False, fontsize=9.5, handlelength=1.2, columnspacing=1.2)
    people = sum(one.people for one in found)
    inside = sum(one.people * one.inside for one in found) / people
    return Picture(
        "promises",
        say("The wait that was promised, and the one that was had"),
        say(
            "People who were promised about the same wait stand together, the shortest promise on top. The bar is the "
            "range they were shown first, the line what 8 in 10 of them waited, the diamond their median. A line to "
            "the right of its bar is a promise that was broken."
        ),
        say("Ranges by promise; {inside} of all waits were inside the range that was shown.", inside=percent(inside)),
        drawing.to_svg(figure, "promises"),
        wait_table(found),
    )
