"""The gate in virtual time: leaders that are slow, killed or stopped and woken, and a crowd that takes what is granted.

The leader is the service's own; the row of the gate is a few numbers here.
"""

import random
from bisect import bisect_left
from dataclasses import dataclass, field
from math import floor
from uuid import UUID

from service.actions.gatekeeper import Leader
from service.domain.gate import MINUTE, SECOND, TICK, minute_limit, second_limit
from service.room_ports import Takeover

LIMITLESS = 10**12


@dataclass
class GateRow:
    """What `ports.GateStore` keeps, without its claims."""

    holder: UUID | None = None
    at_ms: int = 0
    granted: int = 0
    admitted: int = 0
    reached: list[tuple[int, int]] = field(default_factory=lambda: [(-86_400_000, 0)])

    def lead(self, holder: UUID) -> Takeover:
        self.holder, self.granted = holder, self.admitted
        return Takeover(self.at_ms, self.admitted, list(self.reached))

    def tick(self, holder: UUID, at_ms: int, ceiling: int, reached: tuple[int, int] | None) -> int | None:
        if holder != self.holder or at_ms < self.at_ms:
            return None
        self.at_ms, self.granted = at_ms, max(self.admitted, ceiling)
        if reached is not None:
            self.reached.append(reached)
        return self.admitted


@dataclass
class Night:
    """One run. `eager`: the crowd takes all that is granted at once; else a random part, at random moments."""

    rate: float
    seed: int
    eager: bool = False
    trouble: bool = True
    limited: bool = True
    wall_clock: bool = False
    cap: int = 0
    now: float = 0.0
    log: list[float] = field(default_factory=list)
    """When each came in."""

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        self.row = GateRow()
        self.step = 0.0

    def clock(self) -> float:
        return self.now + (self.step if self.wall_clock else 0.0)

    def pass_time(self, seconds: float) -> None:
        """Meanwhile people come in as far as it is granted."""
        for _ in range(3):
            self.now += seconds / 3.0
            free = (self.row.granted if self.limited else LIMITLESS) - self.row.admitted
            coming = min(free, int(self.rate) + 1)
            if not self.eager:
                coming = self.draw.choice((0, 0, coming, self.draw.randint(0, coming)))
            self.row.admitted += coming
            self.log += [self.now] * coming

    def message(self) -> None:
        slow = self.trouble and self.draw.random() < 0.02
        self.pass_time(self.draw.expovariate(2.0) if slow else self.draw.uniform(0.0005, 0.004))

    def run(self, seconds: float) -> list[float]:
        while self.now < seconds:
            self._lead(seconds)
            self.pass_time(self.draw.uniform(0.0, 4.0))  # until somebody sees that nobody leads
        return self.log

    def _lead(self, end: float) -> None:
        """One leader's life."""
        holder = UUID(int=self.draw.getrandbits(128))
        leader = Leader(holder, self.row.lead(holder), self.clock(), hard_rate_per_s=self.rate, cap=self.cap)
        leader.rate_per_s = self.rate
        dies = self.now + (self.draw.expovariate(1 / 25.0) if self.trouble else end)
        due = self.now
        while self.now < min(end, dies):
            if self.trouble and self.draw.random() < 0.003:
                self.step = self.draw.choice((-5.0, 5.0, 0.0))
            at_ms, untold = floor(leader.gate_ms(self.clock())), leader.untold
            ceiling = leader.ceiling(self.clock())
            if self.trouble and self.draw.random() < 0.002:
                self.pass_time(self.draw.uniform(0.0, 6.0))  # stopped and woken before it is sent
            self.message()
            admitted = self.row.tick(holder, at_ms, ceiling, untold)
            self.message()
            lost = self.trouble and self.draw.random() < 0.02
            if admitted is not None and not lost:
                if leader.untold is untold:
                    leader.untold = None
                leader.note(admitted, self.clock())
            due = max(due + TICK, self.now)
            self.pass_time(due - self.now)


def most_in(instants: list[float], length: float) -> int:
    """The most in any half-open window of so many seconds: one that is fullest can begin at an instant. Exact."""
    return max((bisect_left(instants, start + length) - i for i, start in enumerate(instants)), default=0)


def excess(night: Night) -> dict[str, int]:
    """By how many each limit was passed."""
    return {
        "second": most_in(night.log, SECOND) - second_limit(night.rate),
        "minute": most_in(night.log, MINUTE) - minute_limit(night.rate),
    }
