"""The draw for the grants of a wave: who is chosen, from a list and a seed that anybody can check.

Each join has a ticket, 128 random bits that carry no luck before the seed exists. The list of all tickets is committed
to first; the seed is made of that commitment and of what nobody could know then. Tickets are ordered by a digest of
seed and ticket: there is no remainder to be biased by, and who is struck out moves nobody but the next in line.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain

DOMAIN = b"launchnight grants 1\n"
TICKET_BYTES = 16


class DrawRefused(ValueError):
    """What keeps a draw from being made, or its result from being believed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the list. ticket: 32 hexadecimal digits; province: its code, by identity number."""

    ticket: str
    province: int
    priority: bool

    def line(self) -> str:
        return f"{self.ticket} {self.province:02d} {self.priority:d}"


@dataclass(frozen=True, slots=True)
class Quotas:
    """seats: grants in all; provinces: the most that go to a province, for those that have a limit."""

    seats: int
    provinces: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Both in the order of the draw. waiting: who moves up when one of the chosen withdraws, quotas permitting."""

    winners: list[Entry]
    waiting: list[Entry]


def entry_of(line: str) -> Entry:
    """Raises ValueError for a line that no entry writes."""
    ticket, province, priority = line.split(" ")
    entry = Entry(ticket, int(province), priority == "1")
    if len(bytes.fromhex(ticket)) != TICKET_BYTES or entry.line() != line:
        raise ValueError(line)
    return entry


def seed_of(commitment: bytes, beacon: str, dice: str = "") -> bytes:
    """commitment: digest of what was published at the freeze; beacon and dice: what was not known then.

    No secret of the operator goes in: who reveals last could withhold it. Raises DrawRefused where either has more than
    one line, because then another pair would give the same seed.
    """
    if not (beacon + dice).isprintable():
        raise DrawRefused("beacon and dice are a line each")
    return sha256(DOMAIN + commitment.hex().encode() + f"\n{beacon}\n{dice}\n".encode()).digest()


def score_of(seed: bytes, ticket: str) -> bytes:
    return sha256(seed + bytes.fromhex(ticket)).digest()


def drawn(entries: Iterable[Entry], seed: bytes) -> list[Entry]:
    """Everybody in the order of the draw: those of the priority list first, each group by score."""
    digest = sha256  # two million times
    groups: tuple[list[tuple[bytes, Entry]], list[tuple[bytes, Entry]]] = ([], [])
    for entry in entries:
        groups[not entry.priority].append((digest(seed + bytes.fromhex(entry.ticket)).digest(), entry))
    for group in groups:
        group.sort(key=_score)
    return [entry for _, entry in chain(*groups)]


def _score(pair: tuple[bytes, Entry]) -> bytes:
    return pair[0]


def chosen(order: Iterable[Entry], quotas: Quotas, withdrawn: Collection[str] = ()) -> Chosen:
    """Go down the order and take whoever fits, until the seats are gone.

    withdrawn: tickets that are struck out. Striking one out makes room for at most one more, and takes it from nobody.
    """
    struck, left = frozenset(withdrawn), Counter(quotas.provinces)
    winners: list[Entry] = []
    waiting: list[Entry] = []
    for entry in order:
        if entry.ticket in struck:
            continue
        limited = entry.province in quotas.provinces
        if len(winners) < quotas.seats and not (limited and left[entry.province] <= 0):
            left[entry.province] -= limited
            winners.append(entry)
        else:
            waiting.append(entry)
    return Chosen(winners, waiting)


def faults_of_list(lines: Iterable[str]) -> Iterator[str]:
    """What keeps lines from being a list to draw from: sorted by ticket, none twice, each an entry."""
    before = ""
    for number, line in enumerate(lines, start=1):
        try:
            ticket = entry_of(line).ticket
        except ValueError:
            yield f"line {number} is not TICKET PROVINCE PRIORITY"
            continue
        if ticket <= before:
            yield f"line {number}: ticket {ticket} {'stands twice' if ticket == before else 'is out of order'}"
        before = ticket
