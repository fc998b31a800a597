"""Importing the ministry's list of people who come first: whole or not at all, and again without any change."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from service.actions.staff import at_the_shell, entry
from service.domain.errors import FieldRefused
from service.domain.priority import number_of
from service.ports import Begin, Vault

BATCH = 20_000
"""Numbers in one statement, and lines between two words of progress."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Imported:
    """numbers: different ones in the file; added: those that were not on the list before."""

    numbers: int
    repeated: int
    added: int
    total: int


class ListRefused(Exception):
    """Lines that cannot be used: their numbers and why. Nothing was imported."""

    def __init__(self, faults: Sequence[tuple[int, str]]) -> None:
        super().__init__(f"{len(faults)} lines cannot be used")
        self.faults = faults


async def import_list(
    begin: Begin,
    vault: Vault,
    who: str,
    lines: Iterable[bytes],
    *,
    synthetic_people: bool,
    say: Say = lambda said: None,
) -> Imported:
    """Add everybody of a list; that `who` did is on the record. lines: see `service.domain.priority.number_of`.
    Raises ListRefused.

    Of the numbers nothing but a keyed index is kept, in memory too.
    """
    indexes, repeated = _indexes(vault, lines, synthetic_people, say)
    ordered = sorted(indexes)  # neighbours in the index are written together: a fifth of the time
    added = 0
    async with begin() as tx:
        for start in range(0, len(ordered), BATCH):
            added += await tx.priority.add(ordered[start : start + BATCH])
            say(f"{min(start + BATCH, len(ordered)):,} of {len(ordered):,} numbers looked up")
        total = await tx.priority.count()
        after = {"added": added, "total": total}
        await tx.staff.note(entry(at_the_shell(who), "priority-import", "done" if added else "unchanged", after=after))
    return Imported(len(ordered), repeated, added, total)


def _indexes(vault: Vault, lines: Iterable[bytes], synthetic_people: bool, say: Say) -> tuple[set[bytes], int]:
    """Keyed indexes of all numbers, and how many stood there once more."""
    indexes: set[bytes] = set()
    faults: list[tuple[int, str]] = []
    repeated = 0
    for at, line in enumerate(lines, start=1):
        try:
            number = number_of(line, at, synthetic_people)
        except FieldRefused as fault:
            faults.append((at, str(fault)))
            continue
        if number is not None:
            index = vault.index(number)
            repeated += index in indexes
            indexes.add(index)
        if at % (10 * BATCH) == 0:
            say(f"{at:,} lines read")
    if faults:
        raise ListRefused(faults)
    return indexes, repeated
