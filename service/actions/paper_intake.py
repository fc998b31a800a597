"""Taking a table of paper applications: whole or not at all, and again as often as one likes.

Rows come one after the other and are compared with what is kept some thousands at a time, all in one transaction. What
is the same stays as it is; what differs is corrected; what has a fault is told and not taken.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from service.actions.staff import at_the_shell, entry
from service.domain.errors import NotFound
from service.domain.paper import CellFault, Checked, Person
from service.domain.paper_states import Outcome, PaperState, outcome_of, state_of
from service.paper_ports import Known, PaperOffice, SamePhone, TypedRow
from service.ports import Begin, Transaction, Vault

AT_ONCE = 2000
"""Rows of one comparison: a tenth of a second of the database, some megabytes here."""


@dataclass(frozen=True, slots=True)
class Table:
    """digest: SHA-256 of the file's bytes."""

    name: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one row. state: how the person stands now; None: the row was refused."""

    number: int
    outcome: Outcome
    state: PaperState | None
    faults: tuple[CellFault, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """was_taken: this very table was taken before, so nothing was changed."""

    was_taken: bool
    outcomes: Mapping[str, int]


class _Rehearsed(Exception):
    """Everything was done but the commit."""


async def take_table(
    begin: Begin,
    vault: Vault,
    who: str,
    office: str,
    table: Table,
    rows: Iterable[Checked],
    tell: Callable[[Told], None],
    *,
    keep: bool = True,
) -> Taken:
    """Take the rows for an office; that `who` did is on the record.

    tell: is given what became of each, before it is certain that anything did.
    rows: at hand, each at once. The server cuts a transaction in which nothing is said for ten seconds, and only to
    read the strings of a large workbook takes longer.
    not keep: only look what would become of them. Raises NotFound, and whatever `rows` raises; nothing is kept
    then.
    """
    outcomes: Counter[str] = Counter()
    was_taken = False
    try:
        async with begin() as tx:
            held = await tx.paper.hold_office(office)
            if held is None:
                raise NotFound(f"There is no labor office {office}.")
            file_id = await tx.paper.begin_file(held.id, table.digest, table.name)
            was_taken = file_id is None
            remaining = iter(rows)
            while part := list(islice(remaining, AT_ONCE)):
                for told in await _take_part(tx, vault, held, file_id, part):
                    outcomes[told.outcome] += 1
                    tell(told)
            if file_id is not None:
                await tx.paper.end_file(file_id, outcomes)
            if not keep:
                raise _Rehearsed
            asked = {"office": office, "table": table.digest.hex()}
            outcome, after = ("unchanged", {}) if was_taken else ("done", dict(outcomes))
            await tx.staff.note(entry(at_the_shell(who), "paper-import", outcome, None, asked=asked, after=after))
    except _Rehearsed:
        pass
    return Taken(was_taken, outcomes)


@dataclass(frozen=True, slots=True)
class _Match:
    """A row beside what is kept. before: the person under another number."""

    row: TypedRow
    known: Known
    before: SamePhone | None
    outcome: Outcome

    @property
    def state(self) -> PaperState | None:
        step = self.known.step if self.before is None else self.before.step
        if self.outcome is Outcome.CHANGED and self.known.phone_index != self.row.phone_index:
            step = min(step, PaperState.RECEIVED)  # another phone: whoever has the old one got the invitation
        if step == 0 and self.outcome is Outcome.OLDER:
            return None
        return state_of(step or PaperState.COLLECTED, self.known.has_account)


async def _take_part(
    tx: Transaction, vault: Vault, office: PaperOffice, file_id: int | None, part: Sequence[Checked]
) -> Iterator[Told]:
    """What became of the rows of one part, in their order."""
    rows = [_typed(vault, each.number, each.person) for each in part if each.person is not None]
    numbers = [row.nik_index for row in rows]
    known = dict(zip(numbers, await tx.paper.known(office.id, numbers), strict=True))
    new = [row for row in rows if not known[row.nik_index].is_kept]
    before = await _other_numbers(tx, office, new, numbers)
    matches = [_match(row, known[row.nik_index], before.get(row.number), file_id) for row in rows]
    if file_id is not None:
        await _keep(tx, office, file_id, matches)
    by_number = {each.row.number: each for each in matches}
    return (_told(each, by_number.get(each.number)) for each in part)


def _typed(vault: Vault, number: int, person: Person) -> TypedRow:
    content = json.dumps(person.texts)
    return TypedRow(
        number,
        person,
        vault.index(person.identity_number),
        vault.index(person.phone),
        vault.index(f"paper {content}"),
    )


async def _other_numbers(
    tx: Transaction, office: PaperOffice, rows: Sequence[TypedRow], numbers: Sequence[bytes]
) -> Mapping[int, SamePhone]:
    """Rows of persons whom the office has under another identity number: one wrong digit, put right."""
    if not rows:
        return {}
    by_phone: dict[bytes, list[SamePhone]] = {}
    for each in await tx.paper.of_phones(office.id, [row.phone_index for row in rows], numbers):
        by_phone.setdefault(each.phone_index, []).append(each)
    return {
        row.number: each
        for row in rows
        for each in by_phone.get(row.phone_index, [])
        if is_one_person(row.person, each.person)
    }


def is_one_person(one: Person, other: Person) -> bool:
    """Of two with one phone: members of a family share a phone, and some of them a name."""
    return one.name.casefold() == other.name.casefold() and one.birth_date == other.birth_date


def _match(row: TypedRow, known: Known, before: SamePhone | None, file_id: int | None) -> _Match:
    outcome = outcome_of(
        is_kept=known.is_kept,
        is_same=known.content_index == row.content_index,
        has_account=known.has_account,
        renumbers=before is not None,
        was_taken=file_id is None,
    )
    return _Match(row, known, before, outcome)


async def _keep(tx: Transaction, office: PaperOffice, file_id: int, matches: Sequence[_Match]) -> None:
    put = [each.row for each in matches if each.outcome in (Outcome.ADDED, Outcome.CHANGED)]
    if put:
        await tx.paper.put(office.id, file_id, put)
    for each in matches:
        if each.outcome is Outcome.RENUMBERED and each.before is not None:
            await tx.paper.renumber(office.id, file_id, each.before.nik_index, each.row)


def _told(checked: Checked, match: _Match | None) -> Told:
    if match is None:
        return Told(checked.number, Outcome.REFUSED, None, checked.faults)
    return Told(checked.number, match.outcome, match.state)
