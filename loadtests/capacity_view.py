"""A search for capacity on the screen: a table for people, one document for programs."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from scenarios.capacity_record import Beyond, Capacity, Outcome, Recovery

STYLES = {Outcome.HELD: "green", Outcome.BROKE: "red", Outcome.INVALID: "yellow"}


def document(found: Capacity, folder: Path, exit_code: int) -> dict[str, Any]:
    """What `--json` prints: the record without the night, and where it is."""
    told = found.to_dict()
    del told["night"], told["order"]["options"]
    return {**told, "exit_code": exit_code, "folder": str(folder)}


def show(found: Capacity, folder: Path, console: Console | None = None) -> None:
    """Print the probes, what they say, and where all of it is."""
    console = Console() if console is None else console
    if found.probes:
        console.print(_table(found))
    limit = found.search.call is not None
    console.print(Text(sentence(found), style="bold green" if limit else "bold red"))
    for line in past(found):
        console.print(Text(line))
    # Alone on its line and never broken, so that it can be clicked and copied.
    console.print(Text(str(folder)), soft_wrap=True)


def sentence(found: Capacity) -> str:
    """The answer."""
    searched = found.search
    low, high = searched.low_per_s, searched.high_per_s
    if searched.call is not None:
        return (
            f"the service carries {searched.call:.3g} people a second within the objectives: "
            f"{low:g} held twice, {high:g} broke"
        )
    known = [f"{low:g}/s held"] if low is not None else []
    known += [f"{high:g}/s broke"] if high is not None else []
    said = f" ({', '.join(known)})" if known else ""
    return f"the capacity is not known{said}, because {searched.no_call_because}"


def past(found: Capacity) -> list[str]:
    """What was seen past the capacity, in a line each."""
    return [
        *([] if found.beyond is None else _beyond(found.beyond)),
        *([] if found.recovery is None else [_recovery(found.recovery)]),
    ]


def _beyond(beyond: Beyond) -> list[str]:
    return [
        f"at {point.times:g} times that, {point.offered_per_s:g}/s: "
        + (
            f"{point.goodput_per_s:.3g}/s finish, {point.kept:.0%} of the most that was seen"
            if point.goodput_per_s is not None and point.kept is not None
            else f"not known, because {point.why}"
        )
        for point in beyond.points
    ]


def _recovery(recovery: Recovery) -> str:
    if recovery.calm_per_s is None:
        return f"time to recover from a jump: not known, because {recovery.not_known_because}"
    jump = f"after {recovery.jump_s:.3g} s at {recovery.jump_per_s:g}/s"
    if recovery.recovered_s is None:
        return f"{jump} the service had not recovered: {recovery.not_known_because}"
    return f"{jump} no more people are on their way than before within {recovery.recovered_s:.3g} s"


def _table(found: Capacity) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("probe", "offered/s", "finished/s"):
        table.add_column(name, justify="right")
    for name in ("", "result", "why"):
        table.add_column(name)
    for probe in found.probes:
        table.add_row(
            str(probe.number),
            f"{probe.offered_per_s:g}",
            "–" if probe.goodput_per_s is None else f"{probe.goodput_per_s:.3g}",
            Text(probe.phase),
            Text(probe.outcome, style=STYLES[probe.outcome]),
            Text(probe.why),
        )
    return table
