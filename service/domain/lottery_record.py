"""The published record of a draw: everything that its places follow from, one line a ticket.

The first line is a JSON object, each other one `NUMBER PLACE BINDING` in order of number; the binding, in hexadecimal,
is the digest of a secret that only the ticket's holder has, so the record names nobody. Numbers without a line were
never given to anybody; their places stay empty.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice

from service.domain import lottery
from service.domain.tickets import BINDING_BYTES

FORMAT = "launchnight draw 1"
MOST_FAULTS = 10
"""Told of one record: the first says enough."""


@dataclass(frozen=True, slots=True)
class Header:
    """Times in ISO 8601 with zone; seed, commitment and digest in hexadecimal. Numbers of early comers: `base` + 1 to
    `base` + `cohort`."""

    epoch: int
    base: int
    cohort: int
    commitment: str
    committed_at: str
    opens_at: str
    opened_at: str
    seed: str
    cohort_digest: str

    def line(self) -> str:
        return json.dumps({"format": FORMAT, **asdict(self)})


def member_line(number: int, place: int, binding: bytes) -> str:
    return f"{number} {place} {binding.hex()}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """faults: why the record is refused; none when every place follows from it."""

    header: Header | None
    tickets: int
    faults: tuple[str, ...]


def verify(lines: Iterable[str]) -> Verdict:
    """Recompute commitment, digest, key and every place of a record. lines: with or without their ends."""
    rest = iter(lines)
    header = _header(next(rest, ""))
    if header is None:
        return Verdict(None, 0, (f"the first line is not the header of a record ({FORMAT})",))
    faults = list(_faults_of(header))
    if faults:
        return Verdict(header, 0, tuple(faults))
    key = lottery.shuffle_key(bytes.fromhex(header.seed), bytes.fromhex(header.cohort_digest), header.cohort)
    digest, tickets = lottery.CohortDigest(), 0
    places = lottery.places(header.cohort, *key)
    last = header.base
    for number, place, binding in _members(rest, faults):
        if not last < number <= header.base + header.cohort:
            faults.append(f"ticket {number} does not follow {last}, or came after the opening")
            break
        drawn = header.base + next(islice(places, number - last - 1, None))
        if place != drawn:
            faults.append(f"ticket {number} stands at {drawn}, not at {place}")
        if len(faults) >= MOST_FAULTS:
            break
        digest.add(number, binding)
        last = number
        tickets += 1
    if not faults and digest.value().hex() != header.cohort_digest:
        faults.append("the tickets are not those of the cohort's digest")
    return Verdict(header, tickets, tuple(faults))


def _header(line: str) -> Header | None:
    try:
        fields = json.loads(line)
        if fields.pop("format") != FORMAT:
            return None
        header = Header(**fields)
    except (ValueError, TypeError, AttributeError, KeyError):
        return None
    numbers = header.epoch, header.base, header.cohort
    texts = (value for name, value in asdict(header).items() if name not in ("epoch", "base", "cohort"))
    if not all(type(each) is int and each >= 0 for each in numbers) or not all(isinstance(each, str) for each in texts):
        return None
    return header


def _faults_of(header: Header) -> Iterator[str]:
    try:
        seed, _ = bytes.fromhex(header.seed), bytes.fromhex(header.cohort_digest)
        moments = [datetime.fromisoformat(each) for each in (header.committed_at, header.opens_at, header.opened_at)]
        in_order = moments == sorted(moments)
    except (ValueError, TypeError):
        yield "the header holds something that is no time or no hexadecimal"
        return
    if lottery.commitment_of(seed).hex() != header.commitment:
        yield "the seed is not the one that was committed to"
    if not in_order:
        yield "the commitment was not made before the opening"


def _members(lines: Iterable[str], faults: list[str]) -> Iterator[tuple[int, int, bytes]]:
    for line in lines:
        try:
            number, place, binding = line.split()
            member = int(number), int(place), bytes.fromhex(binding)
            if len(member[2]) != BINDING_BYTES:
                raise ValueError
        except ValueError:
            faults.append(f"not a ticket's line: {line.strip()[:80]!r}")
            return
        yield member
