"""The figures of a report, each a function of the run's record alone, each with its data as a table."""

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator

from reports import drawing, funnel, statistics
from reports.drawing import COLORS, DASHES, FAINT, INK, Picture, Table
from reports.facts import Facts
from reports.generator import LATENESS_LIMIT_MS
from reports.names import PARTS, named
from reports.objectives import bound_of
from reports.responses import route_times
from reports.statistics import FloatArray
from reports.wording import N_, clock, count, listed, number, percent, say, seconds

CPU_SPAN_S = 10.0
CLOCKS = (N_("service"), N_("from start"))
QUEUES = ("email", "sms", "identity")


def all_pictures(facts: Facts) -> list[Picture]:
    """Every figure that this run has data for, in the order of the report."""
    with drawing.styled():
        pictures = [draw(facts) for draw in _DRAWINGS]
    return [picture for picture in pictures if picture is not None]


def people(facts: Facts) -> Picture | None:
    """Offered, admitted and joined people, added up, and how many wait at each moment."""
    columns = facts.people
    if not len(columns["started"]):
        return None

    grid = drawing.time_grid(facts.end_s)
    left_line = np.fmin(columns["admitted_at"], np.where(np.isnan(columns["ended"]), np.inf, columns["ended"]))
    levels: dict[str, FloatArray] = {
        say("offered"): statistics.arrived_by(columns["started"], grid),
        say("waiting"): statistics.present(columns["ticketed_at"], left_line, grid),
        say("admitted"): statistics.arrived_by(columns["admitted_at"], grid),
        say("joined"): statistics.arrived_by(columns["wave_joined_at"], grid),
    }
    figure, (axes,) = drawing.canvas(270)
    lines = drawing.lines(levels)
    drawing.fill_below(axes, grid, lines[1])
    drawing.over_time(axes, grid, lines)
    axes.set(xlabel=drawing.time_label(grid), ylabel=say("people"))
    _mark(axes, grid, facts)
    offered, waiting, admitted, joined = levels.values()
    return Picture(
        "people",
        say("People over time"),
        say(
            "Offered, admitted and joined are totals so far; waiting is how many stand in the line at that moment. "
            "People of this run; each stands for {full} of the full night.",
            full=number(facts.full),
        ),
        say(
            "Lines over time: {offered} people offered, {admitted} admitted, {joined} joined; at most {waiting} "
            "waiting.",
            offered=count(offered[-1]),
            admitted=count(admitted[-1]),
            joined=count(joined[-1]),
            waiting=count(waiting.max()),
        ),
        drawing.to_svg(figure, "people"),
        _time_table(grid, levels, count),
    )


def funnel_shares(facts: Facts) -> Picture | None:
    """Our stages as shares of the accounts, with the published shares beside those they map to."""
    stages = [stage for stage in funnel.stages(facts) if np.isfinite(stage.share)]
    if not stages:
        return None
    published = funnel.published(facts)
    figure, (axes,) = drawing.canvas(300)
    places = np.arange(len(stages))[::-1]
    shares = 100 * np.array([stage.share for stage in stages])
    axes.barh(places, shares, height=0.62, color=COLORS[5], alpha=0.8, label=say("this run"))
    for one, marker, size, color in zip(published, "Do", (8.0, 6.0), (COLORS[1], COLORS[3]), strict=False):
        known = [i for i, stage in enumerate(stages) if stage.id in one.shares]
        shown = [100 * one.shares[stages[i].id] for i in known]
        axes.plot(shown, places[known], marker, color=color, markersize=size, markeredgecolor=INK,
                  markeredgewidth=0.6, label=one.moment)  # fmt: skip
    axes.set_yticks(places, [stage.label for stage in stages])
    axes.set(xlabel=say("% of created accounts"), ylim=(-0.6, len(stages) - 0.4))
    axes.set_xlim(0, max(105.0, 1.03 * shares.max()))
    axes.grid(visible=False, axis="y")
    figure.legend(loc="outside upper left", ncols=3, frameon=False, fontsize=9.5, handlelength=1.2, columnspacing=1.2)
    rows = [
        [
            stage.label,
            count(stage.people),
            *map(percent, (stage.share, *(one.shares.get(stage.id) for one in published))),
        ]
        for stage in stages
    ]
    return Picture(
        "funnel",
        say("How far people came"),
        say(
            "Bars: people of this run who completed a stage, as a share of created accounts. Marks: what was published "
            "in April 2020, when people were still on their way. This run drained first, all but the registry's "
            "answers: identity verified counts those that had come by the end."
        ),
        say("Bars by stage; {share} of created accounts joined the wave.", share=percent(stages[-1].share)),
        drawing.to_svg(figure, "funnel"),
        Table([say("stage"), say("people"), say("of accounts"), *(one.moment for one in published)], rows),
    )


def responses(facts: Facts) -> Picture | None:
    """p50, p95 and p99 of each route: service time and time from the intended start, side by side."""
    routes = [one for one in route_times(facts) if one.answers]
    if not routes:
        return None
    figure, (axes,) = drawing.canvas(110 + 20 * len(routes))
    lanes = [
        (0.17, say("service time"), "o", COLORS[0]),
        (-0.17, say("from the intended start"), "s", COLORS[1]),
    ]
    clocks = list(CLOCKS)
    note = N_(
        "From p50 (left tick) over p95 (mark) to p99 (right tick). Service time starts when the request leaves; "
        "the other starts when the applicant meant to act, and so holds every wait before it. Faults included."
    )
    if facts.is_simulated:  # people act at the moment they mean to
        lanes, clocks = [(0.0, say("simulated"), "o", COLORS[0])], clocks[1:]
        note = N_("Simulated: from p50 (left tick) over p95 (mark) to p99 (right tick). Faults included.")
    for lane, name, marker, color in lanes:
        places = np.arange(len(routes))[::-1] + lane
        points = 1000 * np.array([one.points(scheduled=lane < 0) for one in routes])
        axes.hlines(places, points[:, 0], points[:, 2], color=color, linewidth=1.4)
        axes.plot(points[:, 0], places, "|", color=color, markersize=7)
        axes.plot(points[:, 2], places, "|", color=color, markersize=7)
        axes.plot(points[:, 1], places, marker, color=color, markersize=4.5, label=name)
    axes.set_yticks(np.arange(len(routes))[::-1], [one.route for one in routes])
    axes.set(xscale="log", xlabel=say("time, logarithmic"), ylim=(-0.7, len(routes) - 0.3))
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0) if high / low < 3000 else (1.0,)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: seconds(value / 1000))
    for objective, label, side in (("api_p95_s", say("p95 bound"), "right"), ("api_p99_s", say("p99 bound"), "left")):
        bound = 1000 * bound_of(facts, objective)[0]
        axes.axvline(bound, color=FAINT, linewidth=0.9, linestyle=":")
        beside = -3 if side == "right" else 3
        axes.annotate(label, (bound, 1.0), xycoords=("data", "axes fraction"), xytext=(beside, 2),
                      textcoords="offset points", ha=side, va="bottom", color=FAINT, fontsize=9.5)  # fmt: skip
    axes.grid(visible=False, axis="y")
    figure.legend(loc="outside upper left", ncols=2, frameon=False, fontsize=9.5, handlelength=1.2, columnspacing=1.2)
    head = [say("route"), say("answers"), *(f"{q} {say(kind)}" for kind in clocks for q in ("p50", "p95", "p99"))]
    both = (False, True)[-len(clocks) :]
    rows = [
        [one.route, count(one.answers), *(seconds(point) for which in both for point in one.points(which))]
        for one in routes
    ]
    slowest = max(routes, key=lambda one: one.points(True)[2])
    return Picture(
        "responses",
        say("Response times by route"),
        say(note),
        say(
            "Ranges by route; the slowest at p99 from the intended start is {route} with {time}.",
            route=slowest.route,
            time=seconds(slowest.points(True)[2]),
        ),
        drawing.to_svg(figure, "responses"),
        Table(head, rows),
    )


def queues(facts: Facts) -> Picture | None:
    """Depth of each queue against its limit, and the age of its oldest job."""
    samples = facts.run.samples
    names = [queue for queue in QUEUES if samples.select("registration_queue_depth", queue=queue)]
    if not names:
        return None

    grid = drawing.time_grid(facts.end_s)

    def levels(metric: str) -> dict[str, FloatArray]:
        return {queue: statistics.level(samples, metric, grid, queue=queue) for queue in names}

    depths, ages = levels("registration_queue_depth"), levels("registration_queue_oldest_age_seconds")
    words = {queue: named(queue, PARTS) for queue in names}
    figure, (above, below) = drawing.canvas(380, panels=2)
    drawing.over_time(above, grid, drawing.lines({words[queue]: depth for queue, depth in depths.items()}))
    drawing.over_time(below, grid, drawing.lines({words[queue]: age for queue, age in ages.items()}))
    above.set_ylabel(say("jobs"))
    below.set(xlabel=drawing.time_label(grid), ylabel=say("age of oldest, s"))
    _mark(above, grid, facts)
    _mark(below, grid, facts, named_too=False)
    limits = levels("registration_queue_limit")
    bounds = listed((listed((words[queue], _most_of(limit)), " ") for queue, limit in limits.items()), "; ")
    deepest = listed(say("{queue} with {n} jobs", queue=words[queue], n=_most_of(depths[queue])) for queue in names)
    columns: dict[str, FloatArray] = {say("{queue} jobs", queue=words[queue]): depth for queue, depth in depths.items()}
    columns |= {say("{queue} oldest, s", queue=words[queue]): age for queue, age in ages.items()}
    return Picture(
        "queues",
        say("Queues"),
        say(
            "Work that a partner limits waits here, and counts until it is done; a full queue refuses with 503 and "
            "Retry-After. Above: jobs; below: age of the oldest. Most that each accepts: {bounds}.",
            bounds=bounds,
        ),
        say("Lines over time; the deepest were {queues}.", queues=deepest),
        drawing.to_svg(figure, "queues"),
        _time_table(grid, columns, number),
    )


def processors(facts: Facts) -> Picture | None:
    """Cores busy over time by role."""
    name = "rehearsal_cpu_seconds_total"
    roles = sorted({labels["role"] for labels, _, _ in facts.run.samples.select(name)})
    if not roles:
        return None

    grid = drawing.time_grid(facts.end_s)

    span_s = max(CPU_SPAN_S, facts.step_s)
    note = N_(
        "Cores kept busy by each role's process tree, over the {span} s before; the machine has {cpus}. Processor "
        "time is measured and never scaled."
    )
    if facts.is_simulated:
        note = N_("Simulated: cores that the work of each role keeps busy, over the {span} s before.")

    def used(role: str, by: FloatArray) -> FloatArray:
        return statistics.counted_by(facts.run.samples, name, by, since_first=facts.is_sampled_late, role=role)

    busy: dict[str, FloatArray] = {
        named(role, PARTS): (used(role, grid) - used(role, grid - span_s)) / span_s for role in roles
    }
    figure, (axes,) = drawing.canvas(280)
    drawing.over_time(axes, grid, drawing.lines(busy))
    axes.set(xlabel=drawing.time_label(grid), ylabel=say("cores busy"))
    _mark(axes, grid, facts)
    busiest = max(busy, key=lambda role: float(busy[role].max()))
    return Picture(
        "processors",
        say("Processors"),
        say(note, span=number(span_s), cpus=facts.config["machine"].get("cpus", "?")),
        say(
            "Lines over time; the busiest role was {role} with {n} cores.",
            role=busiest,
            n=number(float(busy[busiest].max())),
        ),
        drawing.to_svg(figure, "processors"),
        _time_table(grid, busy, number),
    )


def lateness(facts: Facts) -> Picture | None:
    """How late the generator started people, over the moments they were due."""
    if facts.is_simulated:
        return None
    known = np.isfinite(facts.people["started"])
    due, late = facts.people["due"][known], 1000 * (facts.people["started"] - facts.people["due"])[known]
    if not len(due):
        return None
    spans = 60
    edges = np.linspace(0.0, max(float(due.max()), 1.0) * (1 + 1e-9), spans + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    if (np.diff(due) < 0).any():
        order = np.argsort(due, kind="stable")
        due, late = due[order], late[order]
    parts = np.split(late, np.searchsorted(due, edges[1:-1]))

    def each(of: Callable[[FloatArray], float]) -> FloatArray:
        return np.array([of(part) if len(part) else np.nan for part in parts])

    highest, middle = each(lambda values: float(values.max())), each(lambda values: float(np.median(values)))
    figure, (axes,) = drawing.canvas(240)
    unit = drawing.time_unit(edges)[0]
    axes.vlines(middles / unit, middle, highest, color=COLORS[0], linewidth=1.6, alpha=0.6)
    axes.plot(middles / unit, highest, "o", color=COLORS[0], markersize=3)
    axes.axhline(LATENESS_LIMIT_MS, color=COLORS[1], linewidth=1.2, linestyle=DASHES[1])
    axes.annotate(say("limit for p99"), (edges[-1] / unit, LATENESS_LIMIT_MS), xytext=(0, 3),
                  textcoords="offset points", ha="right", color=COLORS[1])  # fmt: skip
    axes.set(xlabel=drawing.time_label(edges), ylabel=say("milliseconds late"), xlim=(0, edges[-1] / unit))
    axes.set_ylim(0, max(1.3 * LATENESS_LIMIT_MS, 1.05 * float(np.nanmax(highest))))
    rows = [[clock(middles[i]), number(middle[i]), number(highest[i])] for i in range(0, spans, 3)]
    return Picture(
        "lateness",
        say("Lateness of the generator"),
        say(
            "From the median (lower end) to the latest (dot) of the people due in each span. Above 10 ms for 1 in 100 "
            "the run is not valid: response times would be the generator's own."
        ),
        say("Ranges over time; the latest start was {late} ms late.", late=number(float(late.max()))),
        drawing.to_svg(figure, "lateness"),
        Table([say("due"), say("median, ms"), say("latest, ms")], rows),
    )


def _most_of(values: FloatArray) -> str:
    return count(float(np.nanmax(values)) if np.isfinite(values).any() else None)


def _mark(axes: Axes, grid: FloatArray, facts: Facts, *, named_too: bool = True) -> None:
    drawing.mark_spans(axes, grid, facts.fault_windows)
    last = float(facts.config["last_arrival_s"] or 0)
    if 0 < last < facts.end_s:
        drawing.mark_moment(axes, grid, last, say("last arrival") if named_too else "")


def _time_table(grid: FloatArray, columns: Mapping[str, FloatArray], wording: Callable[[float], str]) -> Table:
    """Every eighth point of the lines, as text."""
    rows = [[clock(grid[i]), *(wording(float(c[i])) for c in columns.values())] for i in range(0, len(grid), 8)]
    return Table([say("time"), *columns], rows)


_DRAWINGS: tuple[Callable[[Facts], Picture | None], ...] = (
    people, funnel_shares, responses, queues, processors, lateness,
)  # fmt: skip
