"""The record of a draw: whoever has it recomputes every place, and whatever was changed in it is found."""

import json
import random

import pytest

from service.domain import lottery, lottery_record
from service.domain.lottery_record import Header

SEED = b"s" * 32
BASE, COHORT = 1000, 500
HOLES = {1007, 1008, 1499}
"""Numbers that were given to nobody."""


def members() -> dict[int, bytes]:
    rng = random.Random("members")
    numbers = (number for number in range(BASE + 1, BASE + COHORT + 1) if number not in HOLES)
    return {number: rng.randbytes(16) for number in numbers}


def record(seed: bytes = SEED, given: dict[int, bytes] | None = None) -> list[str]:
    """A record as the service writes it."""
    given = members() if given is None else given
    digest = lottery.CohortDigest()
    for number, binding in given.items():
        digest.add(number, binding)
    key = lottery.shuffle_key(seed, digest.value(), COHORT)
    header = Header(
        epoch=2, base=BASE, cohort=COHORT, commitment=lottery.commitment_of(seed).hex(),
        committed_at="2020-04-10T12:00:00+00:00", opens_at="2020-04-11T12:00:00+00:00",
        opened_at="2020-04-11T12:00:00.3+00:00", seed=seed.hex(), cohort_digest=digest.value().hex(),
    )  # fmt: skip
    lines = [
        lottery_record.member_line(number, BASE + lottery.place_of(number - BASE, COHORT, *key), binding)
        for number, binding in given.items()
    ]
    return [header.line(), *lines]


def test_a_record_is_verified():
    """All tickets, the holes left out; every place is one of the cohort's and nobody's twice."""
    lines = record()
    verdict = lottery_record.verify(lines)
    assert (verdict.faults, verdict.tickets) == ((), COHORT - len(HOLES))
    places = {int(line.split()[1]) for line in lines[1:]}
    assert len(places) == verdict.tickets and min(places) > BASE and max(places) <= BASE + COHORT


def changed(lines: list[str], **fields: object) -> list[str]:
    return [json.dumps({**json.loads(lines[0]), **fields}), *lines[1:]]


def other_member(lines: list[str]) -> list[str]:
    number, place, binding = lines[40].split()
    return [*lines[:40], f"{number} {place} {binding[:-1]}{'0' if binding[-1] != '0' else '1'}", *lines[41:]]


def swapped(lines: list[str]) -> list[str]:
    """Two holders change places."""
    one, other = lines[40].split(), lines[41].split()
    one[1], other[1] = other[1], one[1]
    return [*lines[:40], " ".join(one), " ".join(other), *lines[42:]]


@pytest.mark.parametrize(
    ("mend", "why"),
    [
        (lambda lines: changed(lines, seed=(b"t" * 32).hex()), "not the one that was committed to"),
        (lambda lines: changed(lines, commitment="00" * 32), "not the one that was committed to"),
        (lambda lines: [record(b"t" * 32)[0], *lines[1:]], "stands at"),
        (lambda lines: changed(lines, cohort=COHORT + 1), "stands at"),
        (lambda lines: changed(lines, committed_at="2020-04-11T12:00:01+00:00"), "not made before the opening"),
        (lambda lines: changed(lines, opened_at="soon"), "no time"),
        (lambda lines: changed(lines, cohort="500"), "not the header"),
        (lambda lines: lines[1:], "not the header"),
        (lambda lines: [], "not the header"),
        (other_member, "not those of the cohort's digest"),
        (swapped, "stands at"),
        (lambda lines: [*lines[:40], *lines[41:]], "not those of the cohort's digest"),
        (lambda lines: [*lines[:40], lines[40], *lines[40:]], "does not follow"),
        (lambda lines: [*lines, f"{BASE + COHORT + 1} {BASE + COHORT + 1} {'00' * 16}"], "after the opening"),
        (lambda lines: [*lines, "1 2"], "not a ticket's line"),
    ],
)  # fmt: skip
def test_whatever_was_changed_is_found(mend, why):
    verdict = lottery_record.verify(mend(record()))
    assert verdict.faults and why in verdict.faults[0]


def test_a_member_put_in_later_moves_everybody():
    """Who adds a ticket after the opening, digest and all, gives other people places that they were not told."""
    first = {line.split()[0]: line.split()[1] for line in record()[1:]}
    later = record(given=dict(sorted({**members(), 1007: b"n" * 16}.items())))
    assert lottery_record.verify(later).faults == ()
    moved = [line for line in later[1:] if first.get(line.split()[0]) != line.split()[1]]
    assert len(moved) > 0.9 * COHORT
