"""A search for capacity on the screen: a table for people, one document for programs, both from its verdict.json."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtests import answer_view

STYLES = {"held": "green", "broke": "red", "invalid": "yellow"}


def document(verdict: dict[str, Any], report: Path) -> dict[str, Any]:
    """What `--json` prints."""
    return {**verdict, "report": str(report)}


def show(verdict: dict[str, Any], report: Path, console: Console | None = None) -> None:
    """Print the probes, what they say of the capacity and past it, and where all of it is."""
    console = Console() if console is None else console
    if verdict["probes"]:
        console.print(_table(verdict["probes"]))
    good = verdict["verdict"]["exit_code"] == 0
    console.print(Text(verdict["verdict"]["sentence"], style="bold green" if good else "bold red"))
    answer_view.show(verdict["answer"], console)
    for line in (*known(verdict["found"]), *past(verdict["beyond"], verdict["recovery"])):
        console.print(Text(line))
    # Alone on its line and never broken, so that it can be clicked and copied.
    console.print(Text(str(report)), soft_wrap=True)


def known(found: dict[str, Any]) -> list[str]:
    """The bracket, which stands even where no capacity is called."""
    low, high = found["low_per_s"], found["high_per_s"]
    told = ([] if low is None else [f"{low:g}/s held"]) + ([] if high is None else [f"{high:g}/s broke"])
    return [f"known for sure: {' and '.join(told)}"] if told else []


def past(beyond: dict[str, Any] | None, recovery: dict[str, Any] | None) -> list[str]:
    """What was seen past the capacity, in a line each."""
    points = [] if beyond is None else [_point(point) for point in beyond["points"]]
    return points if recovery is None else [*points, _recovery(recovery)]


def _point(point: dict[str, Any]) -> str:
    told = f"not known, because {point['why']}"
    if point["kept"] is not None:
        told = f"{point['goodput_per_s']:.3g}/s finish, {point['kept']:.0%} of the most that ever did"
    return f"{point['times']:g} times the capacity, {point['offered_per_s']:g}/s: {told}"


def _recovery(recovery: dict[str, Any]) -> str:
    if recovery["calm_per_s"] is None:
        return f"recovery from a jump: not known, because {recovery['not_known_because']}"
    jump = f"recovery from {recovery['jump_s']:.3g} s at {recovery['jump_per_s']:g}/s"
    if recovery["recovered_s"] is None:
        return f"{jump}: not seen; {recovery['not_known_because']}"
    return f"{jump}: after {recovery['recovered_s']:.3g} s no more people are on their way than before"


def _table(probes: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("probe", "offered/s", "finished/s"):
        table.add_column(name, justify="right")
    for name in ("", "result", "why"):
        table.add_column(name)
    for probe in probes:
        finished = probe["goodput_per_s"]
        table.add_row(
            str(probe["number"]),
            f"{probe['offered_per_s']:g}",
            "–" if finished is None else f"{finished:.3g}",
            Text(probe["phase"]),
            Text(probe["outcome"], style=STYLES[probe["outcome"]]),
            Text(probe["why"]),
        )
    return table
