"""`launchnight compare`: its options, which folders they name, and the comparison on the screen."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

STYLES = {"worse": "bold red", "better": "green", "no call": "", "same": "dim", "not known": "dim"}


def add_verb(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """`launchnight compare` and its options."""
    verb = verbs.add_parser(
        "compare",
        help="say what changed between runs beyond chance",
        description="Compare runs with the first one or with the marked baseline: absolute and relative change of each "
        "measure with its interval, and a call where chance alone would not do that. docs/compare.md.",
        epilog="exit codes: 0 nothing got worse beyond chance, 1 crash, 2 usage, runs that are unlike or not usable, "
        "7 something got worse",
    )
    add = verb.add_argument
    add("sides", metavar="RUN", nargs="*", help="a run folder, a name in --runs, or repeats with commas between them")
    add("--baseline", action="store_true", help="compare with the marked baseline instead of the first RUN")
    add("--mark", action="store_true", help="make the given runs the baseline of --runs, and compare nothing")
    add("--trend", action="store_true", help="the last 10 runs like RUN (like the newest), as a table and a page")
    add("--unlike", action="store_true", help="compare runs that were not played alike, too, and say in what")
    add(
        "--runs", metavar="DIR", default="runs", type=Path, help="where runs, baseline and page of the trend are (runs)"
    )
    add("--language", metavar="NAME", choices=("en", "id"), default="en", help="of table and page: en, id (en)")
    add("--json", action="store_true", help="one JSON document on standard output")
    return verb


class Misused(ValueError):
    """Options that do not go together."""


def folders(options: argparse.Namespace) -> list[list[Path]]:
    """The run folders that each RUN names: paths, or names below --runs; of a folder of runs all that are in it.

    Raises Misused.
    """
    given = [name for name in ("mark", "trend", "baseline") if getattr(options, name)]
    if len(given) > 1:
        raise Misused(f"--{given[0]} and --{given[1]} do not go together")
    sides = [
        [each for name in side.split(",") if name for each in _folders(name, options.runs)] for side in options.sides
    ]
    if options.trend and sum(map(len, sides)) > 1:
        raise Misused("--trend takes one run at most: the one that the others must be like")
    least = 0 if options.trend else 1 if given else 2
    if sum(map(len, sides)) < least:
        raise Misused(f"{'a run is' if least == 1 else 'two runs are'} needed: launchnight compare --help")
    return sides


def _folders(name: str, runs: Path) -> list[Path]:
    path = runs / name if (runs / name).exists() and not Path(name).exists() else Path(name)
    inside = [] if (path / "run.json").exists() else sorted(each.parent for each in path.glob("*/run.json"))
    return inside or [path]


def show(document: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what `compare` answers (reports.compared, reports.trend)."""
    if as_json:
        print(json.dumps(document, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, markup=False)

    def line(text: str, style: str = "") -> None:
        console.print(Text(text, style), soft_wrap=True)

    if "marked" in document:
        line(f"baseline of {document['runs']}: {', '.join(document['marked'])}")
    if "trend" in document:
        console.print(_trend(document["trend"]))
        line(document["page"])
    for one in document.get("comparisons", ()):
        for word in ("before", "after"):
            line(f"{word:<7}{', '.join(map(_run, one[word]))}")
        for each in one["unlike"]:
            line(f"unlike {each['key']}: {each['before']} and {each['after']}", "yellow")
        console.print(_changes(one["changes"]))
        line(f"{one['sentence']}\n", STYLES[one["call"]])
    for note in document.get("notes", ()):
        line(f"note: {note}", "yellow")


def _run(run: Mapping[str, Any]) -> str:
    code = run["versions"].get("service code")
    return f"{run['run']} (seed {run['seed']}{f', service {code}' if code else ''})"


def _changes(changes: Sequence[Mapping[str, Any]]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name in ("measure", "before", "after", "change", "of before", "call"):
        table.add_column(name, justify="left" if name in ("measure", "call") else "right")
    for one in changes:
        told = one["told"]
        call = told["call"] + (f": {one['why']}" if one["call"] == "not known" else "")
        cells = (told["before"], told["after"], told["absolute"], told["relative"])
        table.add_row(Text(one["text"]), *map(Text, cells), Text(call, STYLES[one["call"]]))
    return table


def _trend(trend: Mapping[str, Any]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for place, name in enumerate(trend["head"]):
        figures = 0 < place < len(trend["head"]) - 1
        table.add_column(name, justify="right" if figures else "left", no_wrap=not place)
    for point in trend["points"]:
        cells = [Text(told, STYLES[call]) for told, call in zip(point["told"], point["calls"], strict=True)]
        table.add_row(Text(point["short"]), *cells, Text(point["call_told"], STYLES[point["call"]]))
    return table
