"""The money of one grant: 3,550,000 rupiah, in double entry.

Each entry moves an amount from one ledger to another, so the ledgers of a person, and of all, add up to nothing
whatever was booked. What can be wrong is what was booked, and `faults_of` looks for that.

| ledger | what it holds |
|---|---|
| program | less than nothing: what the program has granted |
| training | what a participant may still spend on courses |
| courses | what the platforms earned |
| due | what a participant is owed in money |
| gopay, bni, linkaja, ovo | what each partner paid out for us |
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

TRAINING = 1_000_000
INSTALMENT = 600_000
INSTALMENTS = 4
SURVEY = 50_000
SURVEYS = 3
GRANT = TRAINING + INSTALMENTS * INSTALMENT + SURVEYS * SURVEY
"""Rupiah, for whoever completes everything."""
MONTH = timedelta(days=30)


class Kind(StrEnum):
    """What an entry is about; with the reference of the entry it is booked once for a person."""

    TRAINING = "training"
    """The training part of the grant is the person's to spend."""
    COURSE = "course"
    INSTALMENT = "instalment"
    SURVEY = "survey"
    PAYOUT = "payout"


class Ledger(StrEnum):
    PROGRAM = "program"
    TRAINING = "training"
    COURSES = "courses"
    DUE = "due"
    GOPAY = "gopay"
    BNI = "bni"
    LINKAJA = "linkaja"
    OVO = "ovo"


METHODS = (Ledger.GOPAY, Ledger.BNI, Ledger.LINKAJA, Ledger.OVO)
"""The partners that pay out."""
_PAID_OUT: Mapping[str, int] = {Kind.INSTALMENT: INSTALMENT, Kind.SURVEY: SURVEY}


@dataclass(frozen=True, slots=True)
class Entry:
    kind: Kind
    reference: str
    """Which one: a course, a number, or what is paid out; "" for the training part, of which there is one."""
    debit: Ledger
    """What the amount leaves."""
    credit: Ledger
    amount: int
    """Rupiah, more than 0."""


TRAINING_ENTRY = Entry(Kind.TRAINING, "", Ledger.PROGRAM, Ledger.TRAINING, TRAINING)


def course_entry(course: str, price: int) -> Entry:
    return Entry(Kind.COURSE, course, Ledger.TRAINING, Ledger.COURSES, price)


def instalment_entry(number: int) -> Entry:
    """number: from 1 to INSTALMENTS."""
    return Entry(Kind.INSTALMENT, str(number), Ledger.PROGRAM, Ledger.DUE, INSTALMENT)


def survey_entry(number: int) -> Entry:
    """number: from 1 to SURVEYS."""
    return Entry(Kind.SURVEY, str(number), Ledger.PROGRAM, Ledger.DUE, SURVEY)


def payout_entry(reference: str, amount: int, method: str) -> Entry:
    """reference: of what is paid out, as `reference_of` names it; method: the partner that paid."""
    return Entry(Kind.PAYOUT, reference, Ledger.DUE, Ledger(method), amount)


def reference_of(entry: Entry) -> str:
    """The name of the payout that an instalment or a survey leads to: `instalment-1`."""
    return f"{entry.kind}-{entry.reference}"


def instalment_due(completed_at: datetime, number: int) -> datetime | None:
    """When instalment `number` falls due: the first with the first completed course, then one a month.

    None: there is no such instalment.
    """
    return completed_at + (number - 1) * MONTH if number <= INSTALMENTS else None


def balances(entries: Iterable[Entry]) -> Mapping[Ledger, int]:
    """What each ledger holds, rupiah; together nothing."""
    found = dict.fromkeys(Ledger, 0)
    for entry in entries:
        found[entry.debit] -= entry.amount
        found[entry.credit] += entry.amount
    return found


def granted(entries: Iterable[Entry]) -> int:
    """What the program has given one person; GRANT for who completed everything."""
    return sum(entry.amount for entry in entries if entry.debit is Ledger.PROGRAM)


def faults_of(entries: Sequence[Entry], unpaid: Mapping[str, int], paid: Mapping[str, tuple[int, str]]) -> list[str]:
    """What is wrong with one person's books.

    unpaid: amounts of the payouts that have not happened, by reference; paid: amount and method of those that have.
    """
    faults = []
    for (kind, reference), times in Counter((each.kind, each.reference) for each in entries).items():
        if times > 1:
            faults.append(f"{kind} {reference} is booked {times} times".replace("  ", " "))
    wrong = [each for each in entries if each != _as_it_should_be(each)]
    faults += [f"{each.kind} {each.reference} is booked as {each.amount:,} from {each.debit} to {each.credit}"
               for each in wrong]  # fmt: skip
    held = balances(entries)
    faults += [f"{ledger} holds {held[ledger]:,}" for ledger in (Ledger.TRAINING, Ledger.DUE) if held[ledger] < 0]
    if granted(entries) > GRANT:
        faults.append(f"{granted(entries):,} was granted")
    if held[Ledger.DUE] != sum(unpaid.values()):
        faults.append(f"{held[Ledger.DUE]:,} is due, and {sum(unpaid.values()):,} waits to be paid")
    booked = {each.reference: (each.amount, str(each.credit)) for each in entries if each.kind is Kind.PAYOUT}
    for reference in sorted(booked.keys() | paid.keys()):
        if booked.get(reference) != paid.get(reference):
            faults.append(f"payout {reference} is booked as {booked.get(reference)} and was {paid.get(reference)}")
    return faults


def _as_it_should_be(entry: Entry) -> Entry | None:
    """What the rules say that an entry of this kind and reference is; None: there must be none."""
    number = int(entry.reference) if entry.reference.isdecimal() else 0
    match entry.kind:
        case Kind.TRAINING:
            return TRAINING_ENTRY
        case Kind.COURSE:
            return course_entry(entry.reference, entry.amount) if entry.amount > 0 else None
        case Kind.INSTALMENT:
            return instalment_entry(number) if 1 <= number <= INSTALMENTS else None
        case Kind.SURVEY:
            return survey_entry(number) if 1 <= number <= SURVEYS else None
        case Kind.PAYOUT:
            amount = _PAID_OUT.get(entry.reference.partition("-")[0], 0)
            return payout_entry(entry.reference, amount, entry.credit) if amount and entry.credit in METHODS else None
