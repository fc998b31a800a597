"""What the gate's tests share: one leader on a database, claims that are put and let in, and a gate of plain lists."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from service.room_ports import FoundPass
from service.storage.gate import GateRows

HOLDER = UUID(int=1)
LIFE_S, LEASE_MS = 1800.0, 1_860_000


async def tick(connection: asyncpg.Connection, at_ms: int, ceiling: int, holder: UUID = HOLDER) -> bool:
    """The leader's look, and those it lets in."""
    async with connection.transaction():
        rows = GateRows(connection)
        gate = await rows.tick(holder, at_ms=at_ms, ceiling=ceiling, reached=None, keep_from_ms=0)
        if gate is not None and gate.granted > gate.admitted:
            free = gate.granted - gate.admitted
            await rows.admit(at_ms=at_ms, admitted=gate.admitted, free=free, life_s=LIFE_S, lease_ms=LEASE_MS)
    return gate is not None


async def claim(connection: asyncpg.Connection, claimants: Sequence[tuple[int, int, int]]) -> list[FoundPass]:
    """(number, place, until_ms) of each; the passes that they found."""
    async with connection.transaction():
        rows = GateRows(connection)
        gate = await rows.hold()
        numbers, places, untils = map(list, zip(*claimants, strict=True))
        await rows.put(numbers, places, untils)
        if gate.free:
            await rows.admit(at_ms=gate.at_ms, admitted=gate.admitted, free=gate.free, life_s=LIFE_S, lease_ms=LEASE_MS)
        return list(await rows.collect(numbers))


@dataclass
class PlainGate:
    """Lists that are looked through each time."""

    at_ms: int = 0
    granted: int = 0
    waiting: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Number -> place, and until when."""
    came_in: list[int] = field(default_factory=list)
    """Numbers, in the order in which they came in."""
    expired: set[int] = field(default_factory=set)
    """Their passes are over."""

    def tick(self, at_ms: int, ceiling: int) -> None:
        self.at_ms, self.granted = at_ms, max(len(self.came_in), ceiling)
        self._let_in()

    def claim(self, claimants: Sequence[tuple[int, int, int]]) -> set[int]:
        for number, place, until in claimants:
            if number not in self.came_in or number in self.expired:
                self.waiting[number] = place, until
        self._let_in()
        return {number for number, _, _ in claimants if number not in self.waiting}

    def _let_in(self) -> None:
        there = sorted((place, number) for number, (place, until) in self.waiting.items() if until > self.at_ms)
        for _, number in there[: self.granted - len(self.came_in)]:
            del self.waiting[number]
            self.expired.discard(number)
            self.came_in.append(number)
