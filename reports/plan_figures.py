"""The figures of a plan: two nights beside each other, what hangs on what, frontiers, luck, and blows."""

import numpy as np
from matplotlib.axes import Axes

from reports import drawing
from reports.drawing import COLORS, FAINT, Line, Picture, Table
from reports.plan_words import KNOBS, UNITS, knob
from reports.wording import Said, clock, count, number, percent, say, seconds
from scenarios.plan_record import Beside, Frontier, Plan, Proof

GOOD, BAD = COLORS[2], COLORS[1]
_ROWS = 12
"""Of the table behind a curve."""


def beside(one: Beside) -> list[Picture]:
    """People who came and who joined, in both nights."""
    with drawing.styled():
        figure, (axes,) = drawing.canvas(230)
        longest = max((one.protected, one.launched), key=lambda lived: lived.curve.step_s).curve
        grid = np.arange(len(longest.came)) * np.float64(longest.step_s)
        came = np.array(longest.came, float)
        both = [
            (say("with this set"), one.protected, GOOD, "-"),
            (say("as launched"), one.launched, BAD, (0, (5, 1.6))),
        ]
        drawn = [Line(say("came"), came, FAINT, (0, (1.4, 1.4)), 1.2)]
        for label, lived, color, dash in both:
            moments = np.arange(len(lived.curve.joined)) * lived.curve.step_s
            joined = np.interp(grid, moments, np.array(lived.curve.joined, float))
            drawn.append(Line(label, joined, color, dash))  # type: ignore[arg-type]
        drawing.over_time(axes, grid, drawn)
        axes.set(xlabel=drawing.time_label(grid), ylabel=say("people so far"))
        svg = drawing.to_svg(figure, "beside")
    places = np.unique(np.linspace(0, len(grid) - 1, _ROWS).astype(int))
    rows = [[clock(float(grid[i])), *(count(float(line.values[i])) for line in drawn)] for i in places]
    ends = {"protected": count(one.protected.joined, source="plan:beside.protected.joined"),
            "launched": count(one.launched.joined, source="plan:beside.launched.joined")}  # fmt: skip
    return [
        Picture(
            "beside", say("Who has joined by when (simulated)"),
            say("The dotted line is how many have come; where the others stay below it, people wait or were lost."),
            say("Lines of people so far: {protected} joined with this set, {launched} as launched.", **ends),
            svg, Table([say("time"), say("came"), say("with this set"), say("as launched")], rows),
        )
    ]  # fmt: skip


def sensitivities(plan: Plan) -> list[Picture]:
    """Of each knob how many more or fewer joined, relative to the set."""
    base = plan.beside.protected.joined if plan.beside is not None else 0
    shown = [one for one in plan.sensitivities if one.changes]
    if not base or not shown:
        return []
    with drawing.styled():
        figure, (axes,) = drawing.canvas(60 + 26 * len(shown))
        rows = []
        for row, one in enumerate(reversed(shown)):
            for change in one.changes:
                share = change.joined / base - 1.0
                axes.plot(share, row, "o" if change.holds else "X", color=GOOD if change.holds else BAD, markersize=5.5)
                rows.append([knob(one.knob), percent(change.asked, 0), percent(share, 2),
                             say("holds") if change.holds else say("breaks")])  # fmt: skip
        axes.set_yticks(range(len(shown)), [say(KNOBS[one.knob]) for one in reversed(shown)])
        axes.axvline(0.0, color=FAINT, linewidth=0.9)
        axes.set_xlabel(say("more or fewer people who join"))
        axes.xaxis.set_major_formatter(lambda value, _: percent(value, 1))
        svg = drawing.to_svg(figure, "hangs")
    return [
        Picture(
            "sensitivities", say("A tenth and a quarter more or less (simulated)"),
            say("Each mark is the same night with one knob changed: round where it holds, a cross where an "
                "objective is missed."),
            say("Marks for {n} knobs; the uppermost is the one on which most hangs.", n=count(len(shown))),
            svg, Table([say("what"), say("change"), say("people who join"), say("the night")], rows),
        )
    ]  # fmt: skip


def frontiers(plan: Plan) -> list[Picture]:
    """The least of one knob for amounts of the other, for each pair that has two points."""
    return [_frontier(plan, one) for one in plan.frontiers if sum(point.y is not None for point in one.points) > 1]


def _frontier(plan: Plan, one: Frontier) -> Picture:
    units = {each.knob: say(UNITS[each.unit]) for each in plan.found}
    known = [(point.x, point.y) for point in one.points if point.y is not None]
    xs, ys = np.array([x for x, _ in known]), np.array([y for _, y in known])
    with drawing.styled():
        figure, (axes,) = drawing.canvas(210)
        axes.step(xs, ys, where="post", color=COLORS[0])
        axes.plot(xs, ys, "o", color=COLORS[0], markersize=5, label=say("the least that holds"))
        axes.plot(plan.amount(one.x), plan.amount(one.y), "*", color=GOOD, markersize=11, label=say("the set"))
        _plain(axes)
        axes.set(xlabel=_axis(one.x, units), ylabel=_axis(one.y, units))
        axes.set_ylim(0.0, 1.25 * max(float(ys.max()), plan.amount(one.y)))
        axes.legend(loc="lower right", frameon=False)
        svg = drawing.to_svg(figure, f"frontier-{one.x}-{one.y}")
    rows = [[number(point.x), number(point.y) if point.y is not None else say("none will do")] for point in one.points]
    told = {"x": knob(one.x), "y": knob(one.y)}
    return Picture(
        f"frontier-{one.x}-{one.y}", say("{x} against {y} (simulated)", **told),
        say("On the line and above it the night holds, with plenty of everything else."),
        say("A line from {first} to {last}.", first=number(ys[0]), last=number(ys[-1])),
        svg, Table([_axis(one.x, units), _axis(one.y, units)], rows),
    )  # fmt: skip


def _axis(name: str, units: dict[str, Said]) -> Said:
    return say("{what}, {unit}", what=knob(name), unit=units[name])


def lost(plan: Plan, proof: Proof) -> list[Picture]:
    """A mark for each night with other people: the share that was lost."""
    shares = np.array(sorted(proof.lost))
    worst = 1.0 - plan.melts_below
    with drawing.styled():
        figure, (axes,) = drawing.canvas(190)
        axes.plot(np.arange(1, len(shares) + 1), 100.0 * shares, "o", color=COLORS[0], markersize=5)
        axes.axhline(100.0 * worst, color=BAD, linewidth=1.0, linestyle="--")
        axes.annotate(say("melts down"), (0.0, 100.0 * worst), xycoords=("axes fraction", "data"), xytext=(4, 3),
                      textcoords="offset points", color=BAD)  # fmt: skip
        axes.set(xlabel=say("nights, the best first"), ylabel=say("lost, %"), xlim=(0.0, len(shares) + 1.0))
        axes.set_ylim(0.0, 100.0 * max(1.3 * worst, 1.1 * float(shares.max())))
        _plain(axes)
        svg = drawing.to_svg(figure, "lost")
    rows = [[count(place), percent(share, 2)] for place, share in enumerate(shares.tolist(), start=1)]
    return [
        Picture(
            "lost", say("People lost in each night (simulated)"),
            say("Of the people who wanted to join and came in time, those who did not, with the same set."),
            say("Marks from {least} to {most} lost.", least=percent(float(shares[0]), 2),
                most=percent(float(shares[-1]), 2)),
            svg, Table([say("night"), say("lost")], rows),
        )
    ]  # fmt: skip


def blows(plan: Plan) -> list[Picture]:
    """People lost over how long a blow lasts."""
    shown = [tip for tip in plan.tips if len(tip.tried) > 1]
    if not shown:
        return []
    rows = []
    with drawing.styled():
        figure, (axes,) = drawing.canvas(220)
        for tip, color, mark in zip(shown, COLORS, "osD", strict=False):
            how = say("with its protections") if tip.protected else say("without protections")
            label = say("{how}, at half its rate", how=how) if tip.slowed else how
            lengths = np.array([max(blow.length_s, 1.0) for blow in tip.tried]) / 60.0
            lost_ = [100.0 * blow.lost for blow in tip.tried]
            axes.plot(lengths, lost_, f"{mark}-", linewidth=1.0, color=color, markersize=4.5, label=label)
            rows += [[label, seconds(blow.length_s), percent(blow.lost, 2)] for blow in tip.tried]
        axes.axhline(100.0 * (1.0 - plan.melts_below), color=BAD, linewidth=1.0, linestyle="--")
        axes.set_xscale("log")
        axes.set(xlabel=say("minutes that it lasts"), ylabel=say("lost, %"))
        axes.set_ylim(0.0, None)
        _plain(axes)
        axes.legend(loc="upper left", frameon=False)
        svg = drawing.to_svg(figure, "blows")
    return [
        Picture(
            "blows", say("People lost over the length of a blow (simulated)"),
            say("Each mark is a night with a blow of that length; above the dashed line it has melted down."),
            say("Lines for {n} kinds of blows to the same stage.", n=count(len(shown))),
            svg, Table([say("blow"), say("lasts"), say("lost")], rows),
        )
    ]  # fmt: skip


def _plain(axes: Axes) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: number(value))
