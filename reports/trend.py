"""The last runs of a night beside each other: one table for screen and page, and a figure for each measure.

Runs count that were played alike; each is compared with the marked baseline, or with the oldest of those shown where
none is marked. All their intervals hold together, as in any comparison.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reports import baseline, drawing
from reports.change import BETTER, CALLS, SAME, UNKNOWN, WORSE, Change, worded
from reports.comparison import Comparison, NotComparable, compare, load
from reports.drawing import COLORS, INK, Picture, Table
from reports.likeness import differences, settings
from reports.measures import MEASURES, Measure, Seen
from reports.wording import N_, Quoted, Said, count, listed, say
from scenarios.record import RecordError, write_whole

MOST = 10
PAGE = "trend.html"
SHORT = {
    "api_p95_s": N_("95 %"),
    "api_p99_s": N_("99 %"),
    "server_error_ratio": N_("errors"),
    "wait_median_s": N_("wait"),
    "joined_ratio": N_("joined"),
    "cpu_per_answer_s": N_("CPU"),
}
"""What is shown of a run, with the head of its column."""
SHOWN = [measure for measure in MEASURES if measure.id in SHORT]
MARKS = {WORSE: ("v", COLORS[1]), BETTER: ("^", COLORS[2])}
"""Of a call in a figure; everything else is a dot."""


@dataclass(frozen=True)
class Point:
    """One run of the trend; compared: with the reference, None for the reference itself."""

    run: Seen
    compared: Comparison | None

    def change(self, measure: Measure) -> Change | None:
        changes = self.compared.changes if self.compared else ()
        return next((one for one in changes if one.id == measure.id), None)

    def call(self, measure: Measure) -> str:
        change = self.change(measure)
        return change.call if change else SAME

    @property
    def stands_out(self) -> str:
        return self.compared.call if self.compared else SAME


@dataclass(frozen=True)
class Trend:
    """Points from the oldest to the newest. reference: ids of what each is compared with; is_marked: by the user."""

    points: list[Point]
    reference: list[str]
    is_marked: bool
    notes: list[str]


def document(runs: Path, like: Path | None) -> dict[str, Any]:
    """What `compare --trend` answers; writes the page beside the runs. Raises RecordError and NotComparable."""
    trend = of(runs, like)
    path = runs / PAGE
    write_whole(path, lambda file: file.write(page(trend).encode()))
    return {
        "exit_code": 0,
        "trend": {
            "head": [str(one) for one in _head()],
            "reference": trend.reference,
            "points": [_told(point) for point in trend.points],
        },
        "page": str(path),
        "notes": trend.notes,
    }


def of(runs: Path, like: Path | None) -> Trend:
    """The newest MOST usable runs below `runs` that were played like the run `like`, or like the newest."""
    found = _configs(runs)
    wanted = load(like).config if like else None
    kept: list[Seen] = []
    notes: list[str] = []
    for folder, config in found:
        if len(kept) == MOST or (wanted is not None and differences(wanted, config)):
            continue
        try:
            kept.append(load(folder))
        except (RecordError, NotComparable) as refused:
            notes.append(str(refused))
            continue
        wanted = config if wanted is None else wanted
    if not kept:
        raise NotComparable(*(notes or [f"no runs in {runs}"]))
    kept.reverse()
    marked = _marked(runs, kept[-1])
    reference = marked or kept[:1]
    known = {run.id for run in reference}
    others = [run for run in kept if run.id not in known]
    compared = dict(zip((run.id for run in others), compare([reference, *([run] for run in others)]), strict=True))
    points = [Point(run, compared.get(run.id)) for run in kept]
    return Trend(points, [run.id for run in reference], bool(marked), notes)


def _configs(runs: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Run folders with what their run.json says, the newest first; without those in which nothing says what it was."""
    found = []
    for path in runs.glob("*/run.json"):
        try:
            config = json.loads(path.read_text(encoding="utf-8"))
            settings(config)
            found.append((float(config["opens_at"]), path.parent, config))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return [(folder, config) for _, folder, config in sorted(found, key=lambda one: (-one[0], one[1].name))]


def _marked(runs: Path, like: Seen) -> list[Seen]:
    """The baseline's runs, if there is one that was played like this run."""
    if not (runs / baseline.NAME).exists():
        return []
    seen = [load(folder) for folder in baseline.marked(runs)]
    return [] if any(differences(one.config, like.config) for one in seen) else seen


def _head() -> list[Said]:
    return [say("run"), *(say(SHORT[measure.id]) for measure in SHOWN), say("call")]


def _told(point: Point) -> dict[str, Any]:
    values = [point.run.value(measure) for measure in SHOWN]
    return {
        "run": point.run.id,
        "short": _short(point.run),
        "values": {
            measure.id: None if np.isnan(value) else value for measure, value in zip(SHOWN, values, strict=True)
        },
        "calls": [point.call(measure) for measure in SHOWN],
        "told": [str(worded(measure.unit, value)) for measure, value in zip(SHOWN, values, strict=True)],
        "call": point.stands_out,
        "call_told": str(_call(point)),
    }


def _short(run: Seen) -> str:
    """A run's id without its night, which is the same in every line."""
    return run.id.removesuffix(f"-{run.config['night']['name']}")


def _call(point: Point) -> Said:
    return say("reference") if point.compared is None else say(CALLS[point.stands_out])


# ---------------------------------------------------------------- the page


@dataclass(frozen=True)
class _Outcome:
    """What a page says of itself to programs: the newest run's call."""

    outcome: str
    exit_code: int


def page(trend: Trend) -> str:
    """One HTML file: figures, and the table behind all of them."""
    from reports import html

    night = Quoted(trend.points[-1].run.config["night"]["title"])
    heading = listed((night, say("the last {n} runs", n=count(len(trend.points)))), " · ")
    with drawing.styled():
        pictures = [one for one in (_picture(trend, measure) for measure in SHOWN) if one is not None]
    rows = [
        [f"{number}: {told['short']}", *told["told"], told["call_told"]]
        for number, told in enumerate(map(_told, trend.points), start=1)
    ]
    against = say("the marked baseline") if trend.is_marked else say("the oldest run shown")
    view = {
        "pictures": pictures,
        "table": Table(_head(), rows),
        "against": say("{what} ({runs})", what=against, runs=listed(trend.reference)),
        "notes": trend.notes,
    }
    return html.page(heading, _Outcome(trend.points[-1].stands_out, 0), {"trend": view})


def _picture(trend: Trend, measure: Measure) -> Picture | None:
    """Values of one measure from run to run, each with where it may lie by chance beside the reference."""
    values = np.array([point.run.value(measure) for point in trend.points])
    changes = [point.change(measure) for point in trend.points]
    if np.isnan(values).all():
        return None
    scale, unit = _unit(measure, float(np.nanmax(values)))
    title = say(measure.text)
    figure, (axes,) = drawing.canvas(200)
    places = np.arange(1, len(values) + 1)
    axes.plot(places, scale * values, "-", color=COLORS[0], linewidth=1.0, alpha=0.6)
    for place, value, change in zip(places, values, changes, strict=True):
        call = change.call if change else SAME
        marker, color = MARKS.get(call, ("o", COLORS[0]))
        if change and change.absolute and change.before is not None and call != UNKNOWN:
            ends = scale * (change.before + np.array(change.absolute[1:]))
            axes.vlines(
                place, *np.clip(ends, 0.0, 3.0 * scale * np.nanmax(values)), color=color, linewidth=1.6, alpha=0.5
            )
        axes.plot(place, scale * value, marker, color=color, markersize=7, markeredgecolor=INK, markeredgewidth=0.5)
    axes.set(xlabel=str(say("run, from the oldest to the newest")), ylabel=str(unit))
    axes.set_xticks(places)
    axes.set_xlim(0.5, len(values) + 0.5)
    low, high = axes.get_ylim()
    if measure.relative:
        axes.set_ylim(bottom=0.0)
    elif not np.nanmax(values):
        axes.set_ylim(0.0, 1.0)
    else:
        axes.set_ylim(max(low, 0.0), min(high, 100.5))
    calls = [change.call if change else SAME for change in changes]
    rows = [
        [f"{place}", _short(point.run), worded(measure.unit, value), say(CALLS[call])]
        for place, point, value, call in zip(places, trend.points, values, calls, strict=True)
    ]
    return Picture(
        measure.id.replace("_", "-"),
        title,
        say("Runs by their number in the table above."),
        say("{worse} of {n} runs worse, {better} better.", worse=count(calls.count(WORSE)), n=count(len(calls)),
            better=count(calls.count(BETTER))),
        drawing.to_svg(figure, measure.id),
        Table([say("number"), say("run"), title, say("call")], rows),
    )  # fmt: skip


def _unit(measure: Measure, highest: float) -> tuple[float, str]:
    """By what values are multiplied in a figure, and the name of what they are then."""
    if measure.unit == "s":
        return (1.0, say("seconds")) if highest >= 1.0 else (1000.0, say("milliseconds"))
    return (100.0, "%") if measure.unit == "1" else (1.0, "")
