"""Paper applications that a labor office typed into a table: what one row must hold, and what is wrong with it.

A number of sixteen digits does not survive a spreadsheet that takes it for a number: the program keeps fifteen. So what
could have been damaged is refused with the way to repair it, and never guessed.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from service.domain import addresses, identity
from service.domain.errors import FieldRefused
from service.domain.first_seen import FirstSeen
from service.domain.spreadsheets import Cell, Row, TableRefused

COLUMNS: dict[str, tuple[str, ...]] = {
    "name": ("nama", "nama lengkap", "name"),
    "identity_number": ("nik", "no ktp", "nomor ktp", "identity number"),
    "family_card": ("kk", "no kk", "nomor kk", "family card"),
    "birth_date": ("tanggal lahir", "tgl lahir", "birth date"),
    "phone": ("hp", "no hp", "nomor hp", "telepon", "no telepon", "phone"),
    "email": ("email", "surel"),
}
"""Our name -> what an office may write above the column, whatever its letters' case, points and underscores."""
MAY_LACK = ("email",)
LONGEST_NAME = 100
FORMULA = ("=", "+", "-", "@")
"""What a spreadsheet takes for the beginning of a formula: nobody's name."""
_BEGUN = re.compile(r'(^|[,;|\t\r\n])([\s"]*[=+@-])')
"""A formula at the beginning of a cell, also of one that begins in the middle of ours: where a program takes another
letter than ours for the end of a cell, and quotes in the middle of one for nothing."""
_DAY_ZERO = date(1899, 12, 30)
"""Spreadsheets count days from here, and think that 1900 was a leap year."""
_DAYS = range(1000, 60_000)
_ROUNDED = re.compile(r"\d[.,]\d+[eE]\+?\d+")


class CellRefused(ValueError):
    """One cell that cannot be used: a stable code, and what to do."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


class CellFault(NamedTuple):
    column: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Person:
    """One row without a fault, in the forms in which things are kept. email: "" when there is none."""

    name: str
    identity_number: str
    family_card: str
    birth_date: date
    phone: str
    email: str

    @property
    def texts(self) -> list[str]:
        """All of it, for `of_texts`."""
        return [self.name, self.identity_number, self.family_card, str(self.birth_date), self.phone, self.email]

    @classmethod
    def of_texts(cls, texts: Sequence[str]) -> "Person":
        name, identity_number, family_card, born, phone, email = texts
        return cls(name, identity_number, family_card, date.fromisoformat(born), phone, email)


@dataclass(frozen=True, slots=True)
class Checked:
    """person: None when there are faults. number: of the row, as the office's program shows it."""

    number: int
    person: Person | None
    faults: tuple[CellFault, ...]


@dataclass
class Intake:
    """Checks the rows of one table. Raises TableRefused when its first row does not name the columns."""

    rows: Iterable[Row]
    today: date
    synthetic_people: bool
    _seen: FirstSeen = field(default_factory=FirstSeen)
    """Identity numbers and phones; no phone has as many digits as an identity number."""

    def checked(self) -> Iterator[Checked]:
        rows = iter(self.rows)
        head = next(rows, None)
        if head is None:
            raise TableRefused("empty", "The table is empty.")
        places = _places(head)
        for row in rows:
            yield self._check(row, places)

    def _check(self, row: Row, places: dict[str, int]) -> Checked:
        faults: list[CellFault] = []
        values: dict[str, object] = {}
        for name, read in _READERS.items():
            place = places.get(name, len(row.cells))
            cell = row.cells[place] if place < len(row.cells) else Cell("")
            try:
                values[name] = read(cell, self)
            except (CellRefused, FieldRefused) as fault:
                faults.append(CellFault(name, fault.code, fault.detail))
        if not faults:
            faults += self._contradictions(row.number, values)
        person = None if faults else Person(**values)  # type: ignore[arg-type]
        return Checked(row.number, person, tuple(faults))

    def _contradictions(self, number: int, values: dict[str, object]) -> Iterator[CellFault]:
        nik, born = str(values["identity_number"]), values["birth_date"]
        assert isinstance(born, date)
        if nik[6:12] not in (f"{born:%d%m%y}", f"{born.day + 40}{born:%m%y}"):
            detail = "It is not the date in digits 7 to 12 of the identity number: one of the two is mistyped."
            yield CellFault("birth_date", "not-that-of-the-number", detail)
        for name in ("identity_number", "phone"):
            before = self._seen.row_of(int(str(values[name])), number)
            if before != number:
                yield CellFault(name, "twice", f"It stands in row {before} too.")


def _places(head: Row) -> dict[str, int]:
    """Column of each of our names. Raises TableRefused with all that are missing or stand twice."""
    titles = [_title(cell.text) for cell in head.cells]
    places: dict[str, int] = {}
    faults = []
    for name, words in COLUMNS.items():
        found = [i for i, title in enumerate(titles) if title in words]
        if len(found) == 1:
            places[name] = found[0]
        elif found:
            faults.append(f"{words[0]} stands twice")
        elif name not in MAY_LACK:
            faults.append(f"{words[0]} is missing")
    if faults:
        known = ", ".join(words[0] for words in COLUMNS.values())
        raise TableRefused("columns", f"The first row names the columns ({known}): {'; '.join(faults)}.")
    return places


def _title(text: str) -> str:
    return " ".join(re.sub(r"[._*:-]", " ", text).lower().split())


def _name(cell: Cell, intake: Intake) -> str:
    name = addresses.plain_text(cell.text)
    if name.startswith(FORMULA):
        raise CellRefused("formula", "A name does not begin like a formula.")
    if cell.was_number or len(name) > LONGEST_NAME:
        raise CellRefused("no-name", f"A name of up to {LONGEST_NAME} letters is needed.")
    return name


def _sixteen_digits(check: Callable[[str, bool], str]) -> Callable[[Cell, Intake], str]:
    def read(cell: Cell, intake: Intake) -> str:
        if cell.was_number or _ROUNDED.fullmatch(cell.text):
            raise CellRefused(
                "rounded",
                "The spreadsheet took it for a number and keeps fifteen of its sixteen digits: make the column text, "
                "then type the numbers again from the paper.",
            )
        return check(re.sub(r"[ .'’-]", "", cell.text), intake.synthetic_people)

    return read


def _birth_date(cell: Cell, intake: Intake) -> date:
    return identity.check_birth_date(_date(cell.text), intake.today)


def _date(text: str) -> date:
    """ISO, day/month/year with any of / - . or a space, or the day's number of a spreadsheet."""
    if text.isascii() and text.isdecimal() and int(text) in _DAYS:
        return _DAY_ZERO + timedelta(days=int(text))
    parts = re.split(r"[/. -]", text.partition("T")[0].removesuffix(" 00:00:00"))
    try:
        first, month, last = (int(part) for part in parts)
        return date(first, month, last) if first > 31 else date(last, month, first)
    except ValueError:
        raise CellRefused("no-date", "A date is needed: day/month/year with four digits, 17/08/1990.") from None


def _phone(cell: Cell, intake: Intake) -> str:
    """A number column drops the zero in front; without it a mobile number still begins with 8."""
    text = cell.text
    return addresses.phone(f"0{text}" if text.startswith("8") else text)


def _email(cell: Cell, intake: Intake) -> str:
    return addresses.email(cell.text) if cell.text and cell.text != "-" else ""


_READERS: dict[str, Callable[[Cell, Intake], object]] = {
    "name": _name,
    "identity_number": _sixteen_digits(identity.check_nik),
    "family_card": _sixteen_digits(identity.check_family_card_number),
    "birth_date": _birth_date,
    "phone": _phone,
    "email": _email,
}


def harmless(text: str) -> str:
    """A cell of a table of ours: what a spreadsheet would run as a formula has an apostrophe before it."""
    text = _BEGUN.sub(r"\1'\2", text)
    return f"'{text}" if text.startswith(("\t", "\r")) else text
