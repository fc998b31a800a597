"""A service of a few servers behind the real door, in virtual time: what the rules do to goodput and waiting."""

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from math import inf

from service.domain.door import Door, Entry, Turn
from service.domain.overload import Progress

PATIENCE = 2.0
"""Seconds after which an answer is of no use: the person has pressed again."""
TICK = 0.005


@dataclass(frozen=True)
class Stream:
    """People of one rank who ask one class of route; each asks once."""

    kind: str
    rank: Progress
    rate: Callable[[float], float]
    """Per second, at an instant."""
    most: float
    """Never above."""
    cost: float = 1.0
    """Of one request, in that of the house."""


@dataclass
class Outcome:
    """Of the requests that arrived after the start-up: what became of them."""

    offered: int = 0
    served: list[float] = field(default_factory=list)
    """Seconds from arrival to answer, answers in time."""
    useless: int = 0
    refused: list[float] = field(default_factory=list)
    """Seconds from arrival to refusal."""
    admitted_places: list[float] = field(default_factory=list)
    refused_places: list[float] = field(default_factory=list)


def p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)] if values else 0.0


def steadily(rate: float) -> Callable[[float], float]:
    return lambda _: rate


@dataclass(frozen=True, slots=True)
class Work:
    """A request that is inside."""

    kind: str
    cost: float
    arrived: float
    began: float
    quiet: bool
    outcome: Outcome


class House:
    """servers: work at once at full speed; more of it waits for them in the order in which it came.

    service: mean seconds of one request, half of them fixed and half exponential. slower: factor on them, by instant.
    """

    def __init__(
        self,
        streams: list[Stream],
        *,
        servers: int = 4,
        service: float = 0.02,
        limited: bool = True,
        seed: int = 1,
        slower: Callable[[float], float] | None = None,
    ) -> None:
        self.random = random.Random(seed)
        self.door = Door({stream.kind for stream in streams}, 0.0)
        self.limited = limited
        self.servers = servers
        self.service = service
        self.slower = slower or steadily(1.0)
        self.served_at: list[float] = []
        self.outcomes = {stream.kind: Outcome() for stream in streams}
        self._queue: deque[Work] = deque()
        self._busy = 0
        self._now = 0.0
        self._start_up = 0.0
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = count()
        self._streams = streams
        self.limits: list[float] = []

    def run(self, until: float, *, start_up: float = 5.0) -> dict[str, Outcome]:
        for stream in self._streams:
            self._arrivals(stream, 0.0)
        self._at(TICK, self._tick)
        self._start_up = start_up
        while self._events and self._events[0][0] < until:
            at, _, act = heapq.heappop(self._events)
            act(at)
        return self.outcomes

    def _at(self, when: float, act: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (when, next(self._order), act))

    def _tick(self, now: float) -> None:
        self._now = now
        self.door.expire(now)
        self.limits.append(self.door.house.value)
        self._at(now + TICK, self._tick)

    def _arrivals(self, stream: Stream, now: float) -> None:
        """Poisson, thinned to the rate of the moment."""
        now += self.random.expovariate(stream.most)

        def arrive(at: float) -> None:
            if self.random.random() * stream.most < stream.rate(at):
                self._arrive(stream, at)
            self._arrivals(stream, at)

        self._at(now, arrive)

    def _arrive(self, stream: Stream, now: float) -> None:
        outcome = self.outcomes[stream.kind] if now >= self._start_up else Outcome()
        outcome.offered += 1
        place = self.random.random()
        self._now = now
        if not self.limited or self.door.enter_nowait(stream.kind, stream.rank):
            self._enter(stream, now, outcome, place)
        else:

            def settle(turn: Turn) -> None:
                if turn is Turn.ENTER:
                    self._enter(stream, now, outcome, place)
                else:
                    outcome.refused.append(self._now - now)
                    outcome.refused_places.append(place)

            self.door.wait(Entry(stream.kind, stream.rank, place, now, inf, settle))

    def _enter(self, stream: Stream, arrived: float, outcome: Outcome, place: float) -> None:
        outcome.admitted_places.append(place)
        quiet = self.limited and self.door.is_quiet()
        self._queue.append(Work(stream.kind, stream.cost, arrived, self._now, quiet, outcome))
        self._start()

    def _start(self) -> None:
        while self._queue and self._busy < self.servers:
            work = self._queue.popleft()
            self._busy += 1
            half = 0.5 * self.service * work.cost
            takes = (half + self.random.expovariate(1.0 / half)) * self.slower(self._now)
            self._at(self._now + takes, partial(self._done, work))

    def _done(self, work: Work, now: float) -> None:
        self._now = now
        self._busy -= 1
        if now - work.arrived > PATIENCE:
            work.outcome.useless += 1
        else:
            work.outcome.served.append(now - work.arrived)
            self.served_at.append(now)
        if self.limited:
            self.door.note(work.kind, work.kind, now, now - work.began, quiet=work.quiet)
            self.door.leave(work.kind, now)
        self._start()
