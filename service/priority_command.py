"""The ministry's list of people who come first: `launchnight priority [count|import FILE]` (docs/waves.md)."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from service import shell_names
from service.actions import priority as actions
from service.actions.priority import ListRefused
from service.ports import Begin, Vault
from service.settings import Settings

LONGEST_LINE = 64 * 1024
"""Bytes. Without an end to a line, a file of another kind would be read whole."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.set_defaults(what="count", json=False)
    whats = verb.add_subparsers(dest="what", metavar="count|import")
    counting = whats.add_parser("count", help="how many people are on the list")
    bringing = whats.add_parser(
        "import",
        help="add everybody of a file: a line each, the identity number in front; all of it or nothing",
    )
    bringing.add_argument("file", type=Path, metavar="FILE", help="text or CSV; further columns are not read")
    bringing.add_argument("--who", type=shell_names.name, default=shell_names.user(), help="your name on the record")
    for each in (counting, bringing):
        each.add_argument("--json", action="store_true", help="as one JSON document")


async def run(begin: Begin, vault: Vault, settings: Settings, options: argparse.Namespace) -> tuple[str, bool]:
    """What to print, and whether it could be done. Raises OSError, LaunchnightError."""
    if options.what != "import":
        async with begin(single=True) as tx:
            total = await tx.priority.count()
        return json.dumps({"total": total}) if options.json else f"{total:,} people", True
    try:
        with options.file.open("rb") as file:
            lines = iter(lambda: file.readline(LONGEST_LINE), b"")
            done = await actions.import_list(
                begin, vault, options.who, lines, synthetic_people=settings.synthetic_people, say=_say
            )
    except ListRefused as refused:
        return _faults(refused, options.json), False
    if options.json:
        return json.dumps(asdict(done)), True
    already = done.numbers - done.added
    return (
        f"{done.numbers:,} numbers ({done.repeated:,} lines repeated one): {done.added:,} added, {already:,} were on "
        f"the list already; it has {done.total:,} now"
    ), True


def _faults(refused: ListRefused, as_json: bool) -> str:
    """Every line that cannot be used; never what stands in it."""
    if as_json:
        return json.dumps({"faults": [{"line": line, "detail": detail} for line, detail in refused.faults]})
    lines = [f"line {line}: {detail}" for line, detail in refused.faults]
    return "\n".join([*lines, f"{len(lines):,} lines cannot be used: nothing was imported"])


def _say(text: str) -> None:
    print(text, file=sys.stderr)
