"""The gate's tables in memory: what `service.room_ports` asks of a store, for a world under a virtual clock.

Statements take no time of their own; a transaction happens at one instant, between the message that asks for it and the
one that answers. tests/integration compares the real statements with the same reference.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from service.room_ports import FoundPass, Gate, HeldGate, Pending, Room, Takeover

EPOCH = 1


@dataclass(frozen=True)
class Faults:
    """Each is a service that lacks something: the negative controls."""

    no_limit: bool = False
    """Whoever is invited comes in at once, as it was before the limit stood at the claim."""
    no_order: bool = False
    """Who claims first comes in first."""
    wall_clock: bool = False
    """The gate's clock is the leader's wall clock."""


@dataclass(slots=True)
class Claim:
    place: int
    until_ms: int = -1
    admission: int = 0
    """0: not let in."""
    pass_until: float = 0.0
    queued: bool = False
    collected: bool = False


@dataclass
class GateTables:
    """Fulfils `GateStore`. wall: the database's wall clock; `was_put` and the like are told what happens."""

    wall: Callable[[], float]
    faults: Faults = field(default_factory=Faults)
    holder: UUID | None = None
    at_ms: int = 0
    granted: int = 0
    admitted: int = 0
    claimed: int = 0
    marks: list[tuple[int, int]] = field(default_factory=lambda: [(-86_400_000, 0)])
    pending: tuple[int, int, int] = (0, 0, 0)
    frontier: float = 0.0
    rate_per_s: float = 0.0
    claims: dict[int, Claim] = field(default_factory=dict)
    waiting: dict[int, Claim] = field(default_factory=dict)
    was_put: Callable[[int, int, int], object] = lambda number, place, until_ms: None
    was_granted: Callable[[int, int], None] = lambda at_ms, free: None
    were_let_in: Callable[[list[int]], None] = lambda numbers: None
    _line: list[tuple[int, int]] = field(default_factory=list)
    _arrivals: int = 0

    async def look(self) -> Gate:
        return Gate(self.holder, self.at_ms, self.granted, self.admitted)

    async def lead(self, holder: UUID, seen: Gate) -> Takeover | None:
        if (self.holder, self.at_ms) != (seen.holder, seen.at_ms):
            return None
        self.holder, self.granted = holder, self.admitted
        self.was_granted(self.at_ms, 0)
        return Takeover(self.at_ms, self.admitted, tuple(self.marks))

    async def resign(self, holder: UUID) -> None:
        if self.holder == holder:
            self.holder, self.granted = None, self.admitted
            self.was_granted(self.at_ms, 0)

    async def tick(
        self, holder: UUID, *, at_ms: int, ceiling: int, reached: tuple[int, int] | None, keep_from_ms: int
    ) -> Gate | None:
        if self.holder != holder or self.at_ms >= at_ms:
            return None
        self.at_ms, self.granted = at_ms, max(self.admitted, ceiling)
        if reached is not None and all(reached[0] != moment for moment, _ in self.marks[-3:]):
            self.marks.append(reached)
        while len(self.marks) > 1 and self.marks[1][0] <= keep_from_ms:
            del self.marks[0]
        self.was_granted(at_ms, self.granted - self.admitted)
        if self.faults.no_limit:
            self.granted = self.admitted + len(self.waiting)
        return Gate(holder, at_ms, self.granted, self.admitted)

    async def hold(self) -> HeldGate:
        granted = self.admitted + 1_000_000 if self.faults.no_limit else self.granted
        return HeldGate(self.at_ms, granted, self.admitted, *self.pending, EPOCH, self.frontier, self.rate_per_s)

    async def put(self, numbers: Sequence[int], places: Sequence[int], until_ms: Sequence[int]) -> None:
        wall = self.wall()
        for number, place, until in zip(numbers, places, until_ms, strict=True):
            claim = self.claims.get(number)
            if claim is None:
                claim = self.claims[number] = Claim(place)
                self.claimed += 1
            elif claim.admission and claim.pass_until > wall:
                continue
            claim.until_ms, claim.admission, claim.collected = until, 0, False
            self.waiting[number] = claim
            if not claim.queued:
                claim.queued = True
                self._arrivals += 1
                heapq.heappush(self._line, (self._arrivals if self.faults.no_order else place, number))
            self.was_put(number, place, until)

    async def admit(self, *, at_ms: int, admitted: int, free: int, life_s: float, lease_ms: int) -> int:
        let_in: list[int] = []
        while self._line and len(let_in) < free:
            _, number = heapq.heappop(self._line)
            claim = self.claims[number]
            claim.queued = False
            if claim.admission or claim.until_ms <= at_ms:
                continue
            self.admitted += 1
            claim.admission, claim.pass_until = self.admitted, self.wall() + life_s
            claim.until_ms = at_ms + lease_ms
            self.waiting.pop(number, None)
            let_in.append(number)
        self.were_let_in(let_in)
        return self.admitted

    async def collect(self, numbers: Sequence[int]) -> Sequence[FoundPass]:
        found = []
        for number in numbers:
            claim = self.claims[number]
            if claim.admission:
                until = datetime.fromtimestamp(claim.pass_until, UTC)
                found.append(FoundPass(number, claim.admission, until, not claim.collected))
                claim.collected = True
        return found

    async def stand(self, holder: UUID) -> Pending | None:
        if self.holder != holder:
            return None
        for number in [number for number, claim in self.waiting.items() if claim.until_ms <= self.at_ms]:
            del self.waiting[number]
        places = [claim.place for claim in self.waiting.values()]
        self.pending = (len(places), min(places, default=0), max(places, default=0))
        return Pending(len(places), self.claimed, self.admitted)


class RoomTable:
    """What the leader asks of the room's row."""

    _SOME_TIME = datetime(2020, 4, 11, 12, tzinfo=UTC)

    def __init__(self, gate: GateTables) -> None:
        self._gate = gate
        self.last_ticket = 0
        self.fixed_rate_per_s: float | None = None
        self.moved: Callable[[float, float], None] = lambda before, after: None

    async def hold(self) -> Room:
        gate = self._gate
        return Room(
            epoch=EPOCH,
            frontier=gate.frontier,
            rate_per_s=gate.rate_per_s,
            state="open",
            reason="",
            last_ticket=self.last_ticket,
            moved_at=self._SOME_TIME,
            still_s=0.0,
            fixed_rate_per_s=self.fixed_rate_per_s,
        )

    read = hold

    async def move(self, *, frontier: float, rate_per_s: float, state: str, reason: str) -> None:
        before, self._gate.frontier, self._gate.rate_per_s = self._gate.frontier, frontier, rate_per_s
        if int(frontier) > int(before):
            self.moved(before, frontier)
