"""Where a number stood first, for millions of numbers: twelve bytes a place instead of the hundred of a dict's."""

from array import array

_AT_FIRST = 1 << 10
"""Places; always a power of two, at most half of them taken."""


class FirstSeen:
    """An open table, probed from place to place. Its hash is seeded anew in each process, as Python's of bytes is: no
    file can be made so that all its numbers meet in one place."""

    def __init__(self) -> None:
        self._used = 0
        self._make(_AT_FIRST)

    def row_of(self, number: int, row: int) -> int:
        """The row in which `number` stood first: `row`, when it is new. number: 1 to 2^64 - 1; row: under 2^32."""
        place = self._place(number)
        if self._numbers[place] == number:
            return self._rows[place]
        self._numbers[place], self._rows[place] = number, row
        self._used += 1
        if 2 * self._used > len(self._numbers):
            self._grow()
        return row

    @property
    def size_bytes(self) -> int:
        return len(self._numbers) * (self._numbers.itemsize + self._rows.itemsize)

    def _make(self, places: int) -> None:
        self._numbers = array("Q", bytes(8 * places))
        self._rows = array("I", bytes(4 * places))

    def _place(self, number: int) -> int:
        numbers = self._numbers
        last = len(numbers) - 1
        place = hash(b"%d" % number) & last
        while numbers[place] not in (0, number):
            place = (place + 1) & last
        return place

    def _grow(self) -> None:
        numbers, rows = self._numbers, self._rows
        self._make(2 * len(numbers))
        for number, row in zip(numbers, rows, strict=True):
            if number:
                place = self._place(number)
                self._numbers[place], self._rows[place] = number, row
