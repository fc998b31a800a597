"""What operators type about applications on paper: `launchnight paper import|forward|receive|invite|report|list`.

What is written out for an office can be opened in its spreadsheet program: no cell of it is a formula.
"""

import argparse
import csv
import json
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from service import shell_names
from service.actions import paper_intake as intake
from service.actions import paper_report, paper_steps
from service.actions.paper_intake import Taken, Told
from service.actions.paper_report import PaperReport
from service.clock import WallClock
from service.domain.identity import masked_nik
from service.domain.paper import CellFault, Checked, Intake, Person, harmless
from service.domain.paper_states import Outcome, PaperState
from service.domain.queues import fed_to
from service.domain.spreadsheets import TableRefused, rows_of
from service.ports import Begin, Vault
from service.settings import Settings

LONGEST_NAME = 100
RESULT = ".result.csv"
STEPS = {verb: state for state, verb in paper_steps.STEP_VERBS.items()}
Said = tuple[str, bool]


def add_arguments(verb: argparse.ArgumentParser) -> None:
    whats = verb.add_subparsers(dest="what", metavar="VERB", required=True)

    def add(name: str, text: str, *, one: bool = True) -> argparse.ArgumentParser:
        parser = whats.add_parser(name, help=text, description=text)
        if one:
            parser.add_argument("office", metavar="OFFICE", help="its name, as `waiting-room office list` shows it")
            parser.add_argument(
                "--who", type=shell_names.name, default=shell_names.user(), help="your name on the record"
            )
        parser.add_argument("--json", action="store_true", help="as one JSON document")
        return parser

    importing = add("import", "take a table of people, whole or not at all; again it changes nothing")
    importing.add_argument("file", metavar="FILE", type=Path, help="CSV or .xlsx; the first row names the columns")
    importing.add_argument(
        "--result", metavar="FILE", type=Path, help=f"what became of each row (the table's name and {RESULT})"
    )
    importing.add_argument("--dry-run", action="store_true", help="only look what would become of each row")
    add("forward", "record that the papers are on their way to the center")
    add("receive", "record that the center has the data; that registers nobody")
    add("invite", "send everybody without an account a claim code by SMS; nobody gets two")
    reporting = add("report", "who has an account, and who only has a paper", one=False)
    reporting.add_argument("office", metavar="OFFICE", nargs="?", help="only this one")
    listing = add("list", "write how each of an office's people stands, for the office to call them")
    listing.add_argument("file", metavar="FILE", type=Path, help="a CSV")


async def run(begin: Begin, vault: Vault, settings: Settings, options: argparse.Namespace) -> Said:
    """What to print, and whether it could be done. Raises LaunchnightError, OSError."""
    whats: Mapping[str, Callable[..., Awaitable[Said]]] = {
        "import": _import, "invite": _invite, "report": _report, "list": _list,
    }  # fmt: skip
    if options.what in STEPS:
        moved = await paper_steps.move_papers(begin, options.who, options.office, STEPS[options.what])
        return _told({"office": options.office, STEPS[options.what].word: moved, "registered_by_this": 0}, options.json)
    return await whats[options.what](begin, vault, settings, options)


async def _import(begin: Begin, vault: Vault, settings: Settings, options: argparse.Namespace) -> Said:
    path: Path = options.file
    result = _result_path(options)
    try:
        with path.open("rb") as file, _written(result) as sheet:
            digest = sha256()
            while part := file.read(1 << 20):
                digest.update(part)
            file.seek(0)
            sheet.writerow(["row", "result", "state", "meaning", "column", "fault", "what to do"])
            taken = await _take(begin, vault, settings, options, file, digest.digest(), sheet)
    except TableRefused as refused:
        return f"refused, and nothing of it was taken: {refused.detail} ({refused.code})", False
    said = {"office": options.office, "file": path.name, **_counts(taken), "result": str(result)}
    if taken.was_taken:
        said["note"] = "this very table was taken before: nothing was changed"
    if options.dry_run:
        said["note"] = "nothing was kept: this is what would become of it"
    return _told(said, options.json)


async def _take(
    begin: Begin,
    vault: Vault,
    settings: Settings,
    options: argparse.Namespace,
    file: IO[bytes],
    digest: bytes,
    sheet: "_Sheet",
) -> Taken:
    checked = Intake(rows_of(file), WallClock().now().date(), settings.synthetic_people).checked()
    table = intake.Table(_plain(options.file.name), digest)

    def tell(told: Told) -> None:
        for cells in _result_cells(told):
            sheet.writerow(cells)

    with _spooled(checked, _result_path(options).parent) as rows:
        return await intake.take_table(
            begin, vault, options.who, options.office, table, rows, tell, keep=not options.dry_run
        )


def _result_path(options: argparse.Namespace) -> Path:
    path: Path = options.result or options.file.with_name(options.file.name + RESULT)
    return path


@contextmanager
def _spooled(rows: Iterable[Checked], folder: Path) -> Iterator[Iterator[Checked]]:
    """The rows, all of them read and checked before the first is given on: nobody waits for a row in a transaction.

    They stand in a file without a name: nobody else can open it, and it goes when we do, however we end.
    """
    with tempfile.TemporaryFile("w+", dir=folder, encoding="utf-8", newline="\n") as file:
        for row in rows:
            texts = None if row.person is None else row.person.texts
            file.write(json.dumps([row.number, texts, row.faults]) + "\n")
        file.seek(0)
        yield map(_of_spool, file)


def _of_spool(line: str) -> Checked:
    number, texts, faults = json.loads(line)
    person = None if texts is None else Person.of_texts(texts)
    return Checked(number, person, tuple(CellFault(*fault) for fault in faults))


def _plain(name: str) -> str:
    return "".join(letter for letter in name if letter.isprintable())[:LONGEST_NAME]


def _result_cells(told: Told) -> Iterator[list[object]]:
    """A line for each fault of the row; one when it has none."""
    state = ["", ""] if told.state is None else [told.state.word, told.state.phrase]
    if not told.faults:
        yield [told.number, told.outcome, *state]
    for fault in told.faults:
        yield [told.number, told.outcome, *state, fault.column, fault.code, fault.detail]


def _counts(taken: Taken) -> dict[str, object]:
    found = {outcome.value: taken.outcomes.get(outcome, 0) for outcome in Outcome}
    return {"rows": sum(found.values()), **found}


async def _invite(begin: Begin, _: Vault, settings: Settings, options: argparse.Namespace) -> Said:
    limit = fed_to(settings.invitation_queue_limit) if settings.bounded_queues else -1
    done = await paper_steps.invite(begin, WallClock(), options.who, options.office, limit=limit)
    said: dict[str, object] = {"office": options.office, "asked": done.people, "queue_is_full": done.is_full}
    return _told(said, options.json)


async def _report(begin: Begin, _: Vault, __: Settings, options: argparse.Namespace) -> Said:
    reports = await paper_report.report(begin, options.office)
    if options.json:
        return json.dumps([_as_json(each) for each in reports], indent=2), True
    return "\n\n".join(map(_as_text, reports)) or "none", True


def _as_json(report: PaperReport) -> dict[str, object]:
    files = [{**asdict(each), "taken_at": each.taken_at.isoformat(timespec="seconds")} for each in report.files]
    return {
        "office": report.office,
        "on_paper": report.on_paper,
        "not_registered": report.not_registered,
        "not_registered_by_step": {state.word: people for state, people in report.unregistered.items()},
        "being_invited": report.being_invited,
        "registered": report.registered,
        "registered_by_claim": report.by_claim,
        "registered_by_themselves": report.by_themselves,
        "helped_at_the_desk": report.helped,
        "files": files,
    }


_MEANINGS = {
    PaperState.COLLECTED: "typed by the office, and nobody else has it",
    PaperState.FORWARDED: "on its way to the center",
    PaperState.RECEIVED: "the center has the data, and nobody an account",
    PaperState.ACCOUNT_INVITED: "have a claim code by SMS and have not used it",
}


def _as_text(report: PaperReport) -> str:
    """The people without an account first: they are why somebody asks."""
    lines = [
        report.office,
        f"  {report.on_paper:>9,}  on paper",
        f"  {report.not_registered:>9,}  NOT REGISTERED: no account, and out of every wave until there is one",
    ]
    lines += [
        f"    {people:>9,}  {state.word}: {_MEANINGS[state]}" for state, people in report.unregistered.items() if people
    ]
    if report.being_invited:
        lines.append(f"    {report.being_invited:>9,}  of the received are being invited")
    lines += [
        f"  {report.registered:>9,}  REGISTERED: {report.by_claim:,} with their claim code, "
        f"{report.by_themselves:,} by themselves",
        f"  {report.helped:>9,}  accounts were made at the desk of the office, on paper or not",
    ]
    for each in report.files:
        rows = ", ".join(f"{people:,} {outcome}" for outcome, people in each.outcomes.items())
        lines.append(f"  {each.taken_at:%Y-%m-%d %H:%M} UTC  {each.name}: {rows or 'no rows'}")
    return "\n".join(lines)


async def _list(begin: Begin, _: Vault, __: Settings, options: argparse.Namespace) -> Said:
    people = 0
    with _written(options.file) as sheet:
        sheet.writerow(["berkas", "baris", "nama", "nik", "no hp", "status", "keterangan"])
        async for line in paper_report.lines(begin, options.who, options.office):
            person = line.person
            cells = [line.file, line.row_number, person.name, masked_nik(person.identity_number), person.phone]
            sheet.writerow([*cells, line.state.word, line.state.phrase])
            people += 1
    return _told({"office": options.office, "people": people, "file": str(options.file)}, options.json)


class _Sheet:
    """A CSV that an office's program opens as columns, no cell of it as a formula.

    All cells are quoted: a program that ends cells at commas finds none within a name.
    """

    def __init__(self, file: IO[str]) -> None:
        self._writer = csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL)

    def writerow(self, cells: Iterable[object]) -> None:
        self._writer.writerow([harmless(str(cell)) for cell in cells])


@contextmanager
def _written(path: Path) -> Iterator[_Sheet]:
    """A sheet that stands at `path` when the block has ended well, whole; else what stood there before stays.

    Only its owner can read it: it holds people.
    """
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(number, "w", encoding="utf-8-sig", newline="") as file:
            yield _Sheet(file)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise


def _told(said: Mapping[str, Any], as_json: bool) -> Said:
    if as_json:
        return json.dumps(said), True
    return "\n".join(f"{name}: {value}" for name, value in said.items()), True
