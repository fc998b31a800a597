"""The places of those who came before the opening: drawn by lot, so that coming at midnight buys nothing.

The seed is committed to before the first early ticket and revealed after; the key of the draw also takes in who came.
So nobody can know a place before the opening, no lot can be drawn again until it pleases, and everybody can recompute
every place from the published record. Source of the permutation: Black and Rogaway, "Ciphers with arbitrary finite
domains", 2002 (generalized Feistel, cycle walking).
"""

import math
from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from service.domain.hashing import GOLDEN, mixed, u64

ROUNDS = 6
"""Four make a permutation that nobody without the key can tell from a random one when the halves are long; ours have
ten bits, so two more."""


class ShuffleKey(NamedTuple):
    """Of one permutation: two whole numbers of 63 bits, so that a signed column holds each."""

    high: int
    low: int


def lot(half: int, turn: int, key: int) -> int:
    """64 bits for one half of a place in one turn."""
    return mixed(u64(key) ^ u64(u64(u64(half) * u64(ROUNDS) + u64(turn + 1)) * u64(GOLDEN)))


def place_of(number: int, cohort: int, shuffle_high: int, shuffle_low: int) -> int:
    """The place in line of ticket `number`: 1..cohort are permuted among themselves, every later number is its own.

    A compiled rule. Numbers below 1 are their own place too, modulo 2**64.
    """
    if cohort < 1 or number < 1 or number > cohort:
        return u64(number)
    one, size = u64(1), u64(cohort)
    rows = u64(math.ceil(math.sqrt(float(cohort))))
    columns = (size + rows - one) // rows
    # A table of rows x columns has room for all, and less than one row to spare. Who lands there walks on.
    at = u64(number) - one
    row, column = at // columns, at % columns
    at = size
    while at >= size:
        for turn in range(0, ROUNDS, 2):
            row = (row + lot(column, turn, shuffle_high) % rows) % rows
            column = (column + lot(row, turn + 1, shuffle_low) % columns) % columns
        at = row * columns + column
    return at + one


def places(cohort: int, shuffle_high: int, shuffle_low: int) -> Iterator[int]:
    """`place_of` for the numbers 1..cohort, in this order, ten times as fast: each lot is drawn once and looked up."""
    if cohort < 1:
        return
    rows = math.ceil(math.sqrt(cohort))
    columns = (cohort + rows - 1) // rows
    turns = [
        (
            [lot(half, turn, shuffle_high) % rows for half in range(columns)],
            [lot(half, turn + 1, shuffle_low) % columns for half in range(rows)],
        )
        for turn in range(0, ROUNDS, 2)
    ]
    for start in range(cohort):
        row, column = divmod(start, columns)
        at = cohort
        while at >= cohort:
            for of_column, of_row in turns:
                row = (row + of_column[column]) % rows
                column = (column + of_row[row]) % columns
            at = row * columns + column
        yield at + 1


def commitment_of(seed: bytes) -> bytes:
    """What is said of the seed beforehand: its SHA-256. It tells nothing of the seed, and no other seed has it."""
    return sha256(seed).digest()


class CohortDigest:
    """What the draw takes in of who came: SHA-256 over number (8 bytes, most significant first) and binding (16) of
    each ticket, in order of number."""

    def __init__(self) -> None:
        self._digest = sha256()

    def add(self, number: int, binding: bytes) -> None:
        self._digest.update(number.to_bytes(8, "big") + binding)

    def value(self) -> bytes:
        return self._digest.digest()


def shuffle_key(seed: bytes, digest: bytes, cohort: int) -> ShuffleKey:
    """The key of the permutation. seed: 32 bytes; digest: of the cohort; cohort: how many numbers came before."""
    drawn = sha256(seed + digest + cohort.to_bytes(8, "big")).digest()
    high, low = int.from_bytes(drawn[:8], "big"), int.from_bytes(drawn[8:16], "big")
    return ShuffleKey(high >> 1, low >> 1)
