"""The waiting room once more, obviously right: one sorted list that is looked through from its start each time.

It knows nothing of the service's code. What it is told: who claimed when, what the gate's clock said, how many may come
in. What it says: who must be the next to come in.
"""

from bisect import bisect_left, insort
from dataclasses import dataclass, field


@dataclass
class Claimant:
    number: int
    place: int
    until_ms: int
    """Until then it counts as there: it has promised to ask again before."""


@dataclass
class Reference:
    """`now_ms`: the gate's clock. `spent`: how many came in since the last grant."""

    waiting: dict[int, Claimant] = field(default_factory=dict)
    line: list[tuple[int, int]] = field(default_factory=list)
    """Place and number of those who wait, in order."""
    inside: dict[int, int] = field(default_factory=dict)
    """Ticket -> gate clock when its pass is over."""
    now_ms: int = 0
    allowed: int = 0
    inversions: int = 0
    doubled: int = 0
    excess: int = 0

    def granted(self, now_ms: int, allowed: int) -> None:
        """From now on so many may come in; what was left of the grant before is forfeited."""
        self.now_ms, self.allowed = now_ms, allowed

    def claimed(self, number: int, place: int, until_ms: int) -> bool:
        """False: it is inside already, and its pass is found again."""
        if self.inside.get(number, -1) > self.now_ms:
            return False
        if number not in self.waiting:
            insort(self.line, (place, number))
        self.waiting[number] = Claimant(number, place, until_ms)
        return True

    def expected(self) -> list[int]:
        """The tickets that must come in now, in this order: the first of those who are there."""
        first: list[int] = []
        for _, number in self.line:
            if len(first) >= self.allowed:
                break
            if self.waiting[number].until_ms > self.now_ms:
                first.append(number)
        return first

    def admitted(self, numbers: list[int], pass_until_ms: int) -> None:
        """The service let these in, in this order. Counts what is wrong with that, and follows it."""
        right = self.expected()
        self.inversions += sum(told != found for told, found in zip(right, numbers, strict=False))
        self.inversions += abs(len(right) - len(numbers))
        self.excess += max(0, len(numbers) - self.allowed)
        for number in numbers:
            self.doubled += self.inside.get(number, -1) > self.now_ms
            self.inside[number] = pass_until_ms
            claimant = self.waiting.pop(number, None)
            if claimant is not None:
                del self.line[bisect_left(self.line, (claimant.place, number))]
        self.allowed -= len(numbers)
