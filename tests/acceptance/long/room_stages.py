"""The stages behind the gate in virtual time, and the service's own slow loop choosing the rate from their figures.

Plain models of what was reported that night: an origin that answers so many requests a second and refuses the others,
a partner that takes so many codes a second, and an intake of photos that shares its capacity between all who send at
once, so that too many of them send in vain. People retry, and give up after some tries.
"""

import heapq
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from math import inf

from service.domain import admission as rules
from service.domain.slow_loop import Seen, SlowLoop
from service.domain.stage_figures import MEMORY_OF_PHOTOS, SHORT_MEMORY, Count, Stages, StageTotal

TICK = 0.25
"""Seconds between two looks of the gate into its credit; the service's takes 0.05, which makes no difference here."""
PATIENCE = 0.1
"""Seconds that the door lets a request wait."""
RETRY_S = 3.0
RETRIES = 8
BEAT = 1.0

Rate = Callable[[float], float]


def steadily(rate: float) -> Rate:
    return lambda _: rate


class World:
    """Events in order of their time."""

    def __init__(self, seed: int) -> None:
        self.now = 0.0
        self.random = random.Random(seed)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._order), act))

    def run(self, until: float) -> None:
        while self._events and self._events[0][0] <= until:
            self.now, _, act = heapq.heappop(self._events)
            act()
        self.now = until


@dataclass(slots=True)
class Person:
    came_at: float
    step: int = 0
    tries: int = 0
    asked_at: float = 0.0


class Stage:
    """Somewhere that people pass. `took`: (when it ended, seconds since the person first tried)."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.took: deque[tuple[float, float]] = deque()
        self.done = self.refused = 0
        self.passed: Callable[[Person], None] = lambda _: None
        self.gave_up: Callable[[Person], None] = lambda _: None

    def arrive(self, person: Person) -> None:
        raise NotImplementedError

    def count(self) -> Count:
        raise NotImplementedError

    @property
    def waiting(self) -> float:
        return 0.0

    def _pass(self, person: Person) -> None:
        self.done += 1
        self.took.append((self.world.now, self.world.now - person.asked_at))
        self.passed(person)


class Origin(Stage):
    """Answers `rate` requests a second, refuses the others with a time to come back."""

    def __init__(self, world: World, rate: Rate) -> None:
        super().__init__(world)
        self._rate = rate
        self._free_at = 0.0
        self.answers: deque[tuple[float, float]] = deque()
        """When, and after how long."""
        self.refusals: deque[float] = deque()

    def arrive(self, person: Person) -> None:
        now = self.world.now
        self._free_at = max(self._free_at, now)
        if self._free_at - now > PATIENCE:
            self.refused += 1
            self.refusals.append(now)
            person.tries += 1
            if person.tries > RETRIES:
                self.gave_up(person)
                return
            self.world.after(RETRY_S * self.world.random.uniform(0.7, 1.3), lambda: self.arrive(person))
            return
        self._free_at += 1.0 / self._rate(now)
        self.answers.append((self._free_at, self._free_at - now))
        self.world.after(self._free_at - now, lambda: self._pass(person))

    def count(self) -> Count:
        return Count(done=self.done, refused=self.refused, memory=SHORT_MEMORY)

    def refused_share(self, since: float, until: float) -> float:
        """Of the requests in that time."""
        refused = sum(since <= at < until for at in self.refusals)
        answered = sum(since <= at < until for at, _ in self.answers)
        return refused / max(refused + answered, 1)


class Partner(Stage):
    """Takes codes one after the other, `rate` a second; a code that nobody waits for any more is dropped."""

    MOST_S = 300.0

    def __init__(self, world: World, rate: Rate) -> None:
        super().__init__(world)
        self._rate = rate
        self._line: deque[Person] = deque()
        self._busy = False

    @property
    def waiting(self) -> float:
        return float(len(self._line))

    def arrive(self, person: Person) -> None:
        self._line.append(person)
        if not self._busy:
            self._next()

    def _next(self) -> None:
        while self._line and self.world.now - self._line[0].asked_at > self.MOST_S:
            self.gave_up(self._line.popleft())
        self._busy = bool(self._line)
        if self._busy:
            self.world.after(1.0 / self._rate(self.world.now), self._served)

    def _served(self) -> None:
        self._pass(self._line.popleft())
        self._next()

    def count(self) -> Count:
        return Count(len(self._line), done=self.done, memory=SHORT_MEMORY)


class Intake(Stage):
    """Photos: `rate` people a second at full use, shared by all who send; a phone alone needs ALONE seconds.

    Whoever has not done after MOST_S begins anew, and what was sent is lost; after TRIES times they give up.
    """

    ALONE = 20.0
    MOST_S = 120.0
    TRIES = 5
    PAUSE = 12.0

    def __init__(self, world: World, rate: Rate) -> None:
        super().__init__(world)
        self._rate = rate
        self._sent = 0.0  # of one person since the start, by those who send all the time
        self._at = 0.0
        self._ends: list[tuple[float, int, Person]] = []
        self._sending: dict[int, int] = {}
        self._tickets = count()
        self._version = 0

    @property
    def waiting(self) -> float:
        return float(len(self._sending))

    def arrive(self, person: Person) -> None:
        self._advance()
        ticket = next(self._tickets)
        self._sending[ticket] = 1
        size = self.world.random.lognormvariate(-0.08, 0.4)  # of mean 1
        heapq.heappush(self._ends, (self._sent + size, ticket, person))
        self.world.after(self.MOST_S, lambda: self._time_out(ticket, person))
        self._plan()

    def count(self) -> Count:
        return Count(len(self._sending), done=self.done, refused=self.refused, memory=MEMORY_OF_PHOTOS)

    def _speed(self) -> float:
        sending = len(self._sending)
        return min(1.0 / self.ALONE, self._rate(self.world.now) / sending) if sending else 0.0

    def _advance(self) -> None:
        self._sent += (self.world.now - self._at) * self._speed()
        self._at = self.world.now

    def _plan(self) -> None:
        while self._ends and self._ends[0][1] not in self._sending:
            heapq.heappop(self._ends)
        self._version += 1
        if self._ends:
            version = self._version
            wait = max(0.0, (self._ends[0][0] - self._sent) / self._speed())
            self.world.after(min(wait, BEAT), lambda: self._look(version))

    def _look(self, version: int) -> None:
        if version != self._version:
            return
        self._advance()
        if self._ends and self._ends[0][0] <= self._sent + 1e-9:
            _, ticket, person = heapq.heappop(self._ends)
            del self._sending[ticket]
            self._pass(person)
        self._plan()

    def _time_out(self, ticket: int, person: Person) -> None:
        if ticket not in self._sending:
            return
        self._advance()
        del self._sending[ticket]
        person.tries += 1
        if person.tries >= self.TRIES:
            self.gave_up(person)
        else:
            self.world.after(self.PAUSE, lambda: self.arrive(person))
        self._plan()


@dataclass(frozen=True, slots=True)
class Step:
    """think: median seconds before it. share: of those who come so far who go on at all."""

    stage: str
    think: float
    share: float = 1.0


@dataclass(slots=True)
class Second:
    """What one second of the gate looked like."""

    at: float
    rate_per_s: float
    admitted: int = 0


@dataclass
class Night:
    """People behind a gate. paced: the rate is chosen by the service's loop, else it stays `most_per_s`."""

    world: World
    stages: Mapping[str, Stage]
    journey: Sequence[Step]
    most_per_s: float
    start_per_s: float
    paced: bool = True
    silent: Callable[[float], bool] = lambda _: False
    closes_at: float = inf
    seconds: list[Second] = field(default_factory=list)
    finished: list[float] = field(default_factory=list)
    admitted: int = 0
    gave_up: int = 0
    left: int = 0
    line: int = 10**9
    """People who wait to come in."""

    def __post_init__(self) -> None:
        for stage in self.stages.values():
            stage.passed, stage.gave_up = self._passed, self._gave_up
        self._loop = SlowLoop(self.start_per_s, 0.0)
        self._rate = self.start_per_s if self.paced else self.most_per_s
        self._credit = 0.0
        self._replica = Stages(self._counts, 0.0)
        self._totals: Mapping[str, StageTotal] = {}
        self._used = 0
        self.world.after(0.0, self._tick)
        self.world.after(BEAT, self._beat)
        # The gate looks at any moment between two beats of the replicas.
        self.world.after(self.world.random.uniform(0.0, rules.EVERY), self._look)

    def _counts(self) -> Mapping[str, Count]:
        return {name: stage.count() for name, stage in self.stages.items()}

    def _tick(self) -> None:
        now = self.world.now
        if not self.seconds or now >= self.seconds[-1].at + 1.0:
            self.seconds.append(Second(float(int(now)), self._rate))
        self._credit = min(self._credit + self._rate * TICK, 1.0 + self._rate * 0.5)
        while self._credit >= 1.0 and self.line > 0:
            self._credit -= 1.0
            self.line -= 1
            self.let_in()
        self.world.after(TICK, self._tick)

    def let_in(self) -> None:
        self.admitted += 1
        self._used += 1
        self.seconds[-1].admitted += 1
        self._go_on(Person(self.world.now))

    def _beat(self) -> None:
        if not self.silent(self.world.now):
            self._totals = {
                each.stage: StageTotal(each.stage, 1, each.used, each.most, each.done_per_s, each.refused_per_s)
                for each in self._replica.take(self.world.now)
            }
        self.world.after(BEAT, self._beat)

    def _look(self) -> None:
        now = self.world.now
        totals = {} if self.silent(now) else {"steps": _idle("steps"), "email": _idle("email"), **self._totals}
        depths = {name: stage.waiting for name, stage in self.stages.items() if isinstance(stage, Partner)}
        seen = Seen(totals, depths, self.closes_at - now)
        chosen = self._loop.look(now, seen, self._used / rules.EVERY, self.most_per_s)
        self._used = 0
        if self.paced:
            self._rate = chosen.rate_per_s
        self.world.after(rules.EVERY, self._look)

    def _go_on(self, person: Person) -> None:
        if person.step >= len(self.journey):
            self.finished.append(self.world.now)
            return
        step = self.journey[person.step]
        if self.world.random.random() >= step.share:
            self.left += 1
            return
        self.world.after(self.world.random.lognormvariate(0.0, 0.5) * step.think, lambda: self._ask(person, step))

    def _ask(self, person: Person, step: Step) -> None:
        person.tries, person.asked_at = 0, self.world.now
        self.stages[step.stage].arrive(person)

    def _passed(self, person: Person) -> None:
        person.step += 1
        self._go_on(person)

    def _gave_up(self, _: Person) -> None:
        self.gave_up += 1


def _idle(stage: str) -> StageTotal:
    return StageTotal(stage, 1, 0.0, 0.0, 0.0, 0.0)


def p95(took: Sequence[tuple[float, float]], since: float, until: float) -> float:
    """Of what ended in that time; 0 when nothing did."""
    values = sorted(seconds for at, seconds in took if since <= at < until)
    return values[int(len(values) * 0.95)] if values else 0.0


def mean_rate(seconds: Sequence[Second], since: float, until: float) -> float:
    """People admitted a second in that time."""
    counted = [each.admitted for each in seconds if since <= each.at < until]
    return sum(counted) / max(len(counted), 1)
