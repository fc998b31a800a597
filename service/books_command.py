"""What operators ask about the books: `launchnight books [show|check]`.

`check` exits with 2 when anything is wrong, and says what. With `--statement FILE` it also compares them with what
partners say that they paid: lines `key,method,amount` under that heading. While money flows, `--until INSTANT` says
when these files were written.
"""

import argparse
import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from service.actions.books import Statement, Summary, reconcile, sum_up
from service.domain.money import GRANT
from service.domain.money_errors import StatementUnreadable
from service.draw_command import instant
from service.ports import Begin, Vault
from service.settings import Settings

COLUMNS = ("key", "method", "amount")


def add_arguments(verb: argparse.ArgumentParser) -> None:
    whats = verb.add_subparsers(dest="what", metavar="show|check", required=True)
    showing = whats.add_parser("show", help="what each ledger holds, participants, payouts that wait")
    checking = whats.add_parser("check", help="whether every entry of everybody is right; exits with 2 if not")
    checking.add_argument(
        "--statement",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="what a partner says that it paid: CSV with key,method,amount; give the files of all partners",
    )
    checking.add_argument(
        "--until",
        type=instant,
        metavar="INSTANT",
        help="2020-05-01T00:00:00+07:00, before any of the files was written: what was paid later may be missing there",
    )
    for each in (showing, checking):
        each.add_argument("--json", action="store_true", help="as one JSON document")


async def run(begin: Begin, _: Vault, __: Settings, options: argparse.Namespace) -> tuple[str, bool]:
    """What to print, and whether all is well. Raises LaunchnightError, OSError."""
    checks = options.what == "check"
    if checks and options.until is not None and not options.statement:
        return "--until says when statements were written: give them with --statement", False
    lines = [line for path in getattr(options, "statement", []) for line in read_statement(path)]
    summary = await sum_up(begin)
    if checks and options.statement:
        await reconcile(begin, lines, summary, options.until)
    text = json.dumps(_document(summary), indent=2) if options.json else _text(summary, with_faults=checks)
    return text, not (checks and summary.faults)


def read_statement(path: Path) -> Sequence[Statement]:
    """Raises StatementUnreadable with the number of the line that cannot be read."""
    found = []
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        if tuple(next(reader, ())) != COLUMNS:
            raise StatementUnreadable(f"{path}: the first line must be {','.join(COLUMNS)}")
        for row in reader:
            if len(row) != len(COLUMNS) or not row[2].isascii() or not row[2].isdecimal():
                raise StatementUnreadable(f"{path}: line {reader.line_num} is not key,method,amount in rupiah")
            found.append(Statement(row[0], row[1], int(row[2])))
    return found


def _document(summary: Summary) -> Mapping[str, object]:
    return {
        "participants": summary.participants,
        "completed": summary.completed,
        "granted_to_completed": summary.granted_to_completed,
        "entries": summary.entries,
        "granted": summary.granted,
        "ledgers": dict(summary.ledgers),
        "payouts_waiting": summary.waiting,
        "payouts_waiting_amount": summary.waiting_amount,
        "faults": summary.faults,
        "told": summary.told,
    }


def _text(summary: Summary, *, with_faults: bool) -> str:
    lines = [
        f"{summary.participants:,} participants; {summary.completed:,} completed everything and were granted "
        f"{summary.granted_to_completed:,} ({GRANT:,} each); {summary.entries:,} entries"
    ]
    lines += [f"  {ledger:<9} {held:>20,}" for ledger, held in summary.ledgers.items()]
    lines.append(f"  together  {sum(summary.ledgers.values()):>20,}")
    lines.append(f"{summary.waiting:,} payouts wait, {summary.waiting_amount:,} rupiah")
    if with_faults:
        lines += summary.told
        lines.append("nothing is wrong" if not summary.faults else f"{summary.faults:,} faults")
    return "\n".join(lines)
