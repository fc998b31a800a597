"""Who is still there: places that asked lately, as bitmaps, and the live people between two places.

A bitmap holds one bit for each place from `base` on, least bit first; bases are multiples of `BLOCK`.
"""

from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple

BLOCK = 1024
"""Places counted together: 128 bytes are counted in a tenth of a microsecond, and 2 million places have 2,000 sums."""
SLOT = 30.0
"""Seconds that one bitmap of a replica notes: a place leaves the count at most this much late."""
LIVE = 150.0
"""Seconds after which who did not ask counts as gone: the longest pause between two looks (75 s), a network cut of a
minute between them, and time to write it down."""
MOST_SPAN = 4_000_000
"""Places from the frontier on that are noted: twice the crowd of that night in half a megabyte. Who stands behind
them is counted as a ticket, not as a person, until the line has moved."""

_BYTES = BLOCK // 8


class Bitmap(NamedTuple):
    base: int
    bits: bytes


class Noted:
    """A bitmap that grows while places are noted: the bits of places `base` to the highest one noted."""

    __slots__ = ("_bits", "base")

    def __init__(self, base: int) -> None:
        self.base = based(base)
        self._bits = bytearray()

    def note(self, place: int) -> bool:
        """Whether it is new. Places before `base` are let in already, and no more places than `MOST_SPAN` are kept."""
        at = place - self.base
        if not 0 <= at < MOST_SPAN:
            return False
        index, bit = at >> 3, 1 << (at & 7)
        if index >= len(self._bits):
            blocks = index // _BYTES + 1
            self._bits.extend(bytes(blocks * _BYTES - len(self._bits)))
        if self._bits[index] & bit:
            return False
        self._bits[index] |= bit
        return True

    def bitmap(self) -> Bitmap:
        return Bitmap(self.base, bytes(self._bits))


def based(place: int) -> int:
    """The base at or before `place`."""
    return max(place, 0) // BLOCK * BLOCK


def united(bitmaps: Iterable[Bitmap], base: int) -> Bitmap:
    """Places that at least one bitmap holds, from the base at or before `base` on."""
    base = based(base)
    held = 0
    for each in bitmaps:
        bits = int.from_bytes(each.bits, "little")
        shift = each.base - base
        held |= bits << shift if shift >= 0 else bits >> -shift
    return Bitmap(base, held.to_bytes((held.bit_length() + 7) // 8, "little"))


class Live:
    """Counts in a united bitmap; made once for each, asked a million times."""

    __slots__ = ("_before", "_bits", "base", "top")

    def __init__(self, bitmap: Bitmap) -> None:
        self.base, self._bits = bitmap
        self.top = self.base + int.from_bytes(self._bits, "little").bit_length()
        """The first place of which nothing is known: it was given out after the count."""
        blocks = (self._bits[at : at + _BYTES] for at in range(0, len(self._bits), _BYTES))
        self._before = [0, *accumulate(int.from_bytes(block, "little").bit_count() for block in blocks)]

    @property
    def count(self) -> int:
        """All live people."""
        return self._before[-1]

    def between(self, first: int, end: int) -> int:
        """Live people at places `first` <= place < `end`. Those from `top` on came just now: everybody counts."""
        newcomers = max(end - max(first, self.top), 0)
        return max(self._below(end) - self._below(first), 0) + newcomers

    def _below(self, place: int) -> int:
        at = place - self.base
        if at <= 0:
            return 0
        block, rest = divmod(at, BLOCK)
        if block >= len(self._before) - 1:
            return self._before[-1]
        start = block * _BYTES
        own = int.from_bytes(self._bits[start : start + _BYTES], "little")
        return self._before[block] + (own & ((1 << rest) - 1)).bit_count()
