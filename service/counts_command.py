"""What operators ask about the counts of people: `launchnight counts [show|rebuild]`."""

import argparse
import json
import sys
from collections.abc import Sequence

from service import shell_names
from service.actions import counts as actions
from service.count_ports import Cell, Counts
from service.domain.counts import named
from service.ports import Begin, Vault
from service.settings import Settings

_TOLD_EVERY = 100_000
"""People between two lines of progress."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.set_defaults(what="show", json=False)
    whats = verb.add_subparsers(dest="what", metavar="show|rebuild")
    showing = whats.add_parser("show", help="everybody by stage, and how old that is")
    rebuilding = whats.add_parser("rebuild", help="count everybody anew from the rows, and say what was wrong")
    for each in (showing, rebuilding):
        each.add_argument("--json", action="store_true", help="as one JSON document")
    rebuilding.add_argument("--who", type=shell_names.name, default=shell_names.user(), help="your name on the record")


async def run(begin: Begin, _: Vault, __: Settings, options: argparse.Namespace) -> tuple[str, bool]:
    """What to print; a count that was wrong is no failure, it is right now. Raises DatabaseFailure."""
    if options.what == "rebuild":
        return _differences(await actions.rebuild(begin, options.who, _told), options.json), True
    return _counts(await actions.read(begin), options.json), True


def _told(people: int) -> None:
    if people % _TOLD_EVERY == 0:
        print(f"{people:,} people looked at", file=sys.stderr)


def _counts(counts: Counts, as_json: bool) -> str:
    people: dict[str, int] = {}
    for each in counts.cells:
        people[named(each.stage)] = people.get(named(each.stage), 0) + each.people
    if as_json:
        told = {"as_of": counts.as_of.isoformat(timespec="seconds"), "age_s": round(counts.age, 1), "people": people}
        return json.dumps(told, indent=2)
    lines = [f"{stage}  {number}" for stage, number in people.items()]
    return "\n".join([*lines, f"counted {counts.age:.0f} s ago"])


def _differences(differences: Sequence[Cell], as_json: bool) -> str:
    rows = [{"regency": each.regency, "stage": named(each.stage), "people": each.people} for each in differences]
    if as_json:
        return json.dumps(rows, indent=2)
    lines = [f"{row['regency']}  {row['stage']}  {row['people']:+}" for row in rows]
    return "\n".join([*lines, "these were wrong, and are right now"]) if lines else "nothing was wrong"
