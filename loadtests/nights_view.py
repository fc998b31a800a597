"""`launchnight nights` and `launchnight nights show NIGHT`: the nights there are, and one night in figures."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtests import curve_drawing
from scenarios import catalogue
from scenarios.catalogue import Figure, Night
from scenarios.curve import Curve
from scenarios.objectives import demands

USAGE = 2
_ROWS = 8
_PLACE = re.compile(r"\[\d+\]")


def list_nights() -> int:
    """Print the nights that come with the project; returns the exit code."""
    table = Table("night", "opens", "people", "title", box=None, pad_edge=False)
    for name in catalogue.names():
        night = catalogue.load(name)
        total = night.curve.reading(night.curve.default).total
        table.add_row(name, f"{night.opens_at:%Y-%m-%d %H:%M}", f"{total:,}", night.title)
    _console().print(table)
    return 0


def show(name: str, svg: str | None = None) -> int:
    """Print a night and write its curve to the file `svg` (default NIGHT.svg here); returns the exit code.

    Raises NightError when the night cannot be used.
    """
    night = catalogue.load(name)
    path = Path(svg or f"{night.name}.svg")
    try:
        path.write_text(curve_drawing.svg(night), encoding="utf-8")
    except OSError as error:
        print(f"launchnight: cannot write {path}: {error.strerror}; name another file with --svg", file=sys.stderr)
        return USAGE
    console = _console()
    console.print(Text(night.title, style="bold"))
    console.print(f"{night.name}: {night.opens_at:%a %Y-%m-%d %H:%M %Z} to {night.closes_at:%a %Y-%m-%d %H:%M %Z}")
    console.print(_readings(night))
    for line in _charts(night, console.width):
        console.print(line)
    console.print(_published(night))
    for block in _figures(night):
        console.print(block)
    for remark in _remarks(night):
        console.print(f"\n{remark}")
    console.print(Text("\nSources", style="bold"))
    for source, words in night.sources.items():
        console.print(Text(f"  {source}: {words}"))
    console.print(f"\nThe curve is drawn in {path}")
    return 0


def _console() -> Console:
    # Keys in brackets are not markup here, and numbers need no colors.
    return Console(highlight=False, markup=False)


def _readings(night: Night) -> Table:
    table = Table("reading", box=None, pad_edge=False, title_justify="left", title="\nThe launch, by reading")
    for heading in ("first 5 min", "first hour", "peak /s", "busiest minute", "people in all"):
        table.add_column(heading, justify="right")
    for name in night.curve.readings:
        curve = night.curve.reading(name)
        shown = f"{name} (default)" if name == night.curve.default else name
        cells = (curve.cumulative(300.0), curve.cumulative(3600.0), *_peak(curve), curve.total)
        table.add_row(shown, *(f"{value:,.0f}" for value in cells))
    return table


def _peak(curve: Curve) -> tuple[float, float]:
    """The highest rate and the most people in any 60 s, both looked for second by second in the first block."""
    starts = np.arange(0.0, curve.edges[1])
    most = curve.cumulatives(starts + 60.0) - curve.cumulatives(starts)
    return max(curve.rate(float(t)) for t in [*starts, curve.burst.rise_s]), float(most.max())


def _charts(night: Night, width: int) -> Iterator[str]:
    """Two bar charts of the default reading: the first hour by minute, the whole night by hour or as many as fit."""
    curve = night.curve.reading(night.curve.default)
    hours = curve.length_s / 3600.0
    each = int(np.ceil(hours / max(width - 4, 1)))
    charts = (
        ("The first hour, people a minute", curve_drawing.people_in_bins(curve, 3600.0, 60)),
        (
            f"The whole night, people in {'an hour' if each == 1 else f'{each} hours'}",
            curve_drawing.people_in_bins(curve, curve.length_s, int(np.ceil(hours / each))),
        ),
    )
    for title, values in charts:
        yield f"\n{title} ({night.curve.default}; at most {max(values):,.0f})"
        for line in curve_drawing.bars(values, _ROWS):
            yield f"  │{line}"
        yield f"  └{'─' * len(values)}"


def _published(night: Night) -> Table:
    table = Table("published", box=None, pad_edge=False, title_justify="left", title="\nThe published funnel")
    for heading in ("registered", "e-mail verified", "identity verified", "joined"):
        table.add_column(heading, justify="right")
    for row in night.funnel:
        counts = (row.registered, row.email_verified, row.identity_verified, row.joined)
        table.add_row(f"{row.at:%a %d %b %H:%M}", *("-" if count is None else f"{count:,}" for count in counts))
    return table


def _figures(night: Night) -> Iterator[Text]:
    """Every figure, those of one table with one source together."""
    groups: dict[tuple[str, str, str], list[Figure]] = {}
    for figure in night.figures:
        groups.setdefault(_heading(figure), []).append(figure)
    for (table, status, source), figures in groups.items():
        text = Text(f"\n{table}", style="bold")
        text.append(f"  {status}", style="not bold green" if status == "fact" else "not bold yellow")
        text.append(f"  {source}\n", style="not bold dim")
        text.append("  " + "; ".join(_values(figures)), style="not bold")
        yield text


def _heading(figure: Figure) -> tuple[str, str, str]:
    table = figure.key.rpartition(".")[0] or figure.key
    return _PLACE.sub("", table), figure.status, figure.source


def _values(figures: list[Figure]) -> Iterator[str]:
    """Name, values and unit: "rate_per_s 56 (1/s)"; those of a list in one row, in the order of the file."""
    by_name: dict[tuple[str, str], list[str]] = {}
    for figure in figures:
        name = _PLACE.sub("", figure.key.rpartition(".")[2])
        by_name.setdefault((name, figure.unit), []).append(f"{figure.value:,.10g}")
    for (name, unit), values in by_name.items():
        yield f"{name} {', '.join(values)} ({unit})"


def _remarks(night: Night) -> Iterator[str]:
    """What is not a figure: faults on the timeline, where objectives hold, why they are looser than the default."""
    for fault in night.faults:
        yield f"fault: {fault.kind} of {fault.target} from {fault.start_s:g} s to {fault.end_s:g} s"
    for window in night.objectives.window:
        yield f"window {window.name} of the objectives: from {window.start_s:g} s to {window.end_s:g} s"
    for demand in demands(night.to_dict()["objectives"], night.objective_reasons):
        if demand.reason:
            yield f"looser than the default: {demand.id}, because {demand.reason}"
