"""The waiting room once more, obviously right and slow: lists that are sorted each time, a log that is counted.

It knows nothing of the service's code. What it is told: who claimed when, what the gate's clock said, how many may come
in. What it says: who must be the next to come in.
"""

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
        self.waiting[number] = Claimant(number, place, until_ms)
        return True

    def expected(self) -> list[int]:
        """The tickets that must come in now, in this order: the first of those who are there."""
        there = [one for one in self.waiting.values() if one.until_ms > self.now_ms]
        return [one.number for one in sorted(there, key=lambda one: one.place)[: self.allowed]]

    def admitted(self, numbers: list[int], pass_until_ms: int) -> None:
        """The service let these in, in this order. Counts what is wrong with that, and follows it."""
        right = self.expected()
        self.inversions += sum(told != found for told, found in zip(right, numbers, strict=False))
        self.inversions += abs(len(right) - len(numbers))
        self.excess += max(0, len(numbers) - self.allowed)
        for number in numbers:
            self.doubled += self.inside.get(number, -1) > self.now_ms
            self.inside[number] = pass_until_ms
            self.waiting.pop(number, None)
        self.allowed -= len(numbers)
