"""The draw for the grants of a wave: who is chosen, from a list and a seed that anybody can check.

Each join has a ticket, 128 random bits that carry no luck before the seed exists. The list of all tickets is committed
to first; the seed is made of that commitment and of what nobody could know then. Tickets are ordered by a digest of
seed and ticket: there is no remainder to be biased by, and who is struck out moves nobody but the next in line.

A list has two million lines, so lines stay what they are in its file: bytes `TICKET PROVINCE PRIORITY`.
"""

import re
from binascii import unhexlify
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from operator import eq

DOMAIN = b"launchnight grants 1\n"
TICKET_BYTES = 16
LINE = re.compile(rb"[0-9a-f]{32} [0-9]{2} [01]")
LINE_BYTES = 37
TICKET, PROVINCE, PRIORITY = slice(0, 32), slice(33, 35), slice(36, 37)
"""Of a line."""
LISTED = ord("1")
SCORE_BYTES = sha256().digest_size
_AT_ONCE = 10_000
"""Lines that fit the processor's own memory."""


class DrawRefused(ValueError):
    """What keeps a draw from being made, or its result from being believed."""


@dataclass(frozen=True, slots=True)
class Quotas:
    """seats: grants in all; provinces: the most that go to a province, for those that have a limit."""

    seats: int
    provinces: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Both in the order of the draw. waiting: who moves up when one of the chosen withdraws, quotas permitting."""

    winners: list[bytes]
    waiting: list[bytes]


def line_of(ticket: bytes, province: int, *, priority: bool) -> bytes:
    """ticket: TICKET_BYTES random bytes; province: its code; priority: on the ministry's list."""
    return b"%s %02d %d" % (ticket.hex().encode(), province, priority)


def seed_of(commitment: bytes, beacon: str, dice: str = "") -> bytes:
    """commitment: digest of what was published at the freeze; beacon and dice: what was not known then.

    No secret of the operator goes in: who reveals last could withhold it. Raises DrawRefused where either has more than
    one line, because then another pair would give the same seed.
    """
    if not (beacon + dice).isprintable():
        raise DrawRefused("beacon and dice are a line each")
    return sha256(DOMAIN + commitment.hex().encode() + f"\n{beacon}\n{dice}\n".encode()).digest()


def in_order(texts: Iterable[bytes]) -> list[bytes]:
    """As `sorted`, for millions of texts whose beginnings are spread evenly: a fraction of its time.

    Put in heaps by their first two bytes, so that each heap is sorted within the processor's own memory.
    """
    heaps: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for text in texts:
        heaps[text[:2]].append(text)
    order: list[bytes] = []
    for start in sorted(heaps):
        heaps[start].sort()
        order += heaps[start]
    return order


def drawn(lines: Sequence[bytes], seed: bytes) -> list[bytes]:
    """All lines in the order of the draw: those of the priority list first, each group by score.

    Put in heaps by the first byte of their score first: a heap is sorted within the processor's own memory, which takes
    half the time.
    """
    digest, unhex = sha256, unhexlify  # two million times
    heaps: list[list[bytes]] = [[] for _ in range(2 * 256)]
    for line in lines:
        key = digest(seed + unhex(line[:32])).digest() + line
        heaps[key[0] if line[36] == LISTED else 256 + key[0]].append(key)
    order: list[bytes] = []
    for heap in heaps:
        heap.sort()
        order += [key[SCORE_BYTES:] for key in heap]
    return order


def chosen(order: Sequence[bytes], quotas: Quotas, withdrawn: Collection[bytes] = ()) -> Chosen:
    """Go down the order and take whoever fits, until the seats are gone.

    withdrawn: tickets that are struck out. Striking one out makes room for at most one more, and takes it from nobody.
    """
    struck = frozenset(withdrawn)
    if struck:
        order = [line for line in order if line[TICKET] not in struck]
    left = {b"%02d" % province: most for province, most in quotas.provinces.items()}
    winners: list[bytes] = []
    waiting: list[bytes] = []
    for place, line in enumerate(order):
        if len(winners) == quotas.seats:
            return Chosen(winners, [*waiting, *order[place:]])
        province = line[PROVINCE]
        if province not in left:
            winners.append(line)
        elif left[province] > 0:
            left[province] -= 1
            winners.append(line)
        else:
            waiting.append(line)
    return Chosen(winners, waiting)


def faults_of_list(lines: Sequence[bytes]) -> Iterator[str]:
    """What keeps sorted lines from being a list to draw from: each is of `line_of`, no ticket stands twice."""
    if all(_is_whole(lines[at : at + _AT_ONCE + 1]) for at in range(0, len(lines), _AT_ONCE)):
        return
    before = b""
    for number, line in enumerate(lines, start=1):
        if not LINE.fullmatch(line):
            yield f"line {number} is not TICKET PROVINCE PRIORITY"
        elif line[TICKET] == before:
            yield f"line {number}: ticket {before.decode()} stands twice"
        before = line[TICKET]


def _is_whole(lines: Sequence[bytes]) -> bool:
    """Whether there is nothing to be told of some sorted lines, looked at column by column: ten times as fast."""
    if not set(map(len, lines)) <= {LINE_BYTES}:
        return False
    text, tickets = b"".join(lines), [line[TICKET] for line in lines]
    spaces, provinces, flags = (text[32::37] + text[35::37]), (text[33::37] + text[34::37]), text[36::37]
    return (
        not spaces.strip(b" ")
        and not provinces.translate(None, b"0123456789")
        and not flags.translate(None, b"01")
        and len(text.translate(None, b"0123456789abcdef")) == len(spaces)  # everything else is hexadecimal
        and not any(map(eq, tickets, islice(tickets, 1, None)))
    )
