"""A line of people under a virtual clock: who asks when, what each is told, and what then became of it.

The rules are the service's own; what stands here is the world around them: people who come early or late, never show up
or leave, a frontier that moves once a second, a copy of the room that each replica renews once a second, a map of live
people that is renewed every five, and a network that is cut. Lists and arrays are by place; nan: it did not happen.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from service.domain import presence, promises, waiting_room

COPY_LAG = 0.3
"""Seconds from a move of the frontier until a replica's copy shows it."""
MAP_EVERY = 5
"""Seconds between two counts of the live people."""
NAN, NEVER = math.nan, 1e18


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """One line. Seconds count from the opening; `rate` gives the people/s who may come in at such a second."""

    people: int
    rate: Callable[[float], float]
    seconds: int
    early: float = 0.7
    """Share that came before the opening; the others come evenly over the first half of the night."""
    absent: float = 0.0
    """Share of tickets that nobody holds."""
    leaving_per_s: float = 0.0
    """Chance of giving up in each second."""
    cuts: tuple[tuple[float, float], ...] = ()
    """From when to when no request arrives: a restart of the service, or a network that is down."""
    interval: Callable[[float], float] = promises.poll_interval_s
    """Of the expected wait; another one is the negative control."""
    pause: Callable[[int, float, float], float] = promises.poll_pause_s
    """From number, interval and time to the next look; another one is the negative control."""
    rushes: bool = False
    """Whoever failed asks again once the network is back, as an app does that hears of it; the negative control."""
    learns: bool = True
    """Off: the ends of the range stay as they began; the negative control."""


@dataclass(slots=True)
class Told:
    """What came of a night."""

    began: int
    """The first second."""
    asks: list[int]
    """Requests that arrived, by second."""
    entered: list[int]
    """People let in, by second from the opening on."""
    came: np.ndarray
    turn: np.ndarray
    """When the frontier passed the place, or its holder came if that was later."""
    told: np.ndarray
    looks: np.ndarray
    promised: np.ndarray
    """When the first range was shown: from `low` to `high` seconds."""
    low: np.ndarray
    high: np.ndarray
    ahead_errors: list[float] = field(default_factory=list)
    """Relative errors of people ahead against a plain count of those who are there."""
    middles: list[tuple[float, float, float]] = field(default_factory=list)
    """When a range was shown, its middle, and when the turn was told: of every look of every hundredth person."""
    rises: dict[int, int] = field(default_factory=dict)
    """How often a shown wait rose beyond twice the one before, by the reason that was told with it."""

    @property
    def waited(self) -> np.ndarray:
        """From the first shown range until the turn was told."""
        return np.asarray(self.told - self.promised)

    def notice(self) -> np.ndarray:
        """Seconds from the turn until it was told."""
        late = self.told - self.turn
        return np.asarray(late[~np.isnan(late)])

    def inside(self, since: float = -NEVER, until: float = NEVER) -> float:
        """Share of the waits promised in [since, until) that ended inside the range."""
        kept = ~np.isnan(self.waited) & (self.promised >= since) & (self.promised < until)
        waited, low, high = self.waited[kept], self.low[kept], self.high[kept]
        return float(np.mean((waited >= low) & (waited <= high))) if len(waited) else NAN

    def looks_per_hour(self, least_wait: float) -> float:
        """Looks for each hour from coming until the turn was told, over all who waited at least so long."""
        waited = self.told - self.came
        chosen = ~np.isnan(waited) & (waited >= least_wait)
        return float(self.looks[chosen].sum() / (waited[chosen].sum() / 3600.0))

    def peak_to_mean(self, start: float, seconds: int) -> float:
        """The busiest second against the mean, from `start` on."""
        bins = np.array(self.asks[int(start) - self.began :][:seconds])
        return float(bins.max() / bins.mean())


class Line:
    """The line while it is played."""

    def __init__(self, night: Night, seed: int) -> None:
        self.night = night
        self.draw = rng = np.random.default_rng(seed)
        people = night.people
        self.cohort = cohort = int(people * night.early)
        # The draw: who came early stands anywhere among those who did.
        early = rng.permutation(-rng.exponential(400.0, cohort))
        late = np.sort(rng.uniform(0.0, night.seconds / 2, people - cohort))
        self.came = np.concatenate([early, late])
        self.there = rng.random(people) >= night.absent
        gone = rng.exponential(1.0 / night.leaving_per_s, people) if night.leaving_per_s else np.full(people, NEVER)
        self.leaves = self.came + gone
        self.asked_at = np.full(people, -NEVER)
        """When each asked last."""
        self.began = math.floor(self.came.min()) - 1
        self.due: list[list[tuple[float, int]]] = [[] for _ in range(night.seconds - self.began)]
        for index in np.flatnonzero(self.there).tolist():
            self.ask_at(float(self.came[index]), index)
        self.asks = [0] * len(self.due)
        self.entered: list[int] = []
        self.looks, self.failures = [0] * people, [0] * people
        self.pauses = [promises.POLL_LEAST] * people
        self.turn, self.told, self.promised, self.low, self.high, self.expected = ([NAN] * people for _ in range(6))
        self.shown_high, self.shown_ahead = [0.0] * people, [0] * people
        self.middles: list[tuple[float, int, float]] = []
        self.rises: dict[int, int] = {}
        self.ahead_errors: list[float] = []
        self.ends = list(zip(promises.FIRST_LOW, promises.FIRST_HIGH, strict=True))
        self.learned_at = [NAN] * promises.CLASSES
        self.live = presence.Live(presence.Bitmap(0, b""))
        self.live_share = 1.0
        self.frontier = self.shown = self.credit = self.rate = 0.0
        self.pending = self.claimed = self.claimed_before = self.invited = 0
        self.last = self.cohort
        self.show = waiting_room.Show(0.0, 0.0, 0.0, 1.0)
        self.used = 1.0

    def ask_at(self, moment: float, index: int) -> None:
        if moment < self.night.seconds:
            self.due[math.floor(moment) - self.began].append((moment, index))

    def play(self) -> Told:
        for second in range(self.began, self.night.seconds):
            if second >= 0:
                self.move(second)
            if second % MAP_EVERY == 0:
                self.count(second)
            at = second - self.began
            for moment, index in sorted(self.due[at]):
                self.look(second, moment, index)
            self.due[at] = []
        return Told(
            began=self.began,
            asks=self.asks,
            entered=self.entered,
            came=self.came,
            turn=np.array(self.turn),
            told=np.array(self.told),
            looks=np.array(self.looks),
            promised=np.array(self.promised),
            low=np.array(self.low),
            high=np.array(self.high),
            ahead_errors=self.ahead_errors,
            middles=[(at, middle, self.told[index]) for at, index, middle in self.middles],
            rises=self.rises,
        )

    def move(self, second: int) -> None:
        """The gatekeeper's beat: let in at the rate who claimed, and move the frontier by its own rule."""
        self.rate = rate = self.night.rate(second)
        self.shown = self.frontier
        self.credit = min(self.credit + rate, rate * 1.5 + 1.0)
        entering = min(self.pending, int(self.credit))
        self.pending -= entering
        self.credit -= entering
        self.entered.append(entering)
        self.last = int(np.searchsorted(self.came[self.cohort :], second)) + self.cohort
        if self.frontier < self.last and second >= promises.SPREAD + promises.YIELD_MEMORY:
            self.used = promises.yield_after(self.used, entering, rate, 1.0)
        first = min(math.floor(self.frontier), self.last)
        asked, came = first - self.invited, self.claimed - self.claimed_before
        if second == 0:
            self.show = waiting_room.Show(0.0, 0.0, 0.0, max(self.live_share, waiting_room.LEAST_SHOW))
        elif second >= promises.SPREAD:
            self.show = waiting_room.show_after(self.show, asked, came, 1.0, rate)
        self.invited, self.claimed_before = first, self.claimed
        self.frontier = waiting_room.frontier_after(self.frontier, self.last, 1.0, rate, self.pending, self.show.share)
        for index in range(first, min(math.floor(self.frontier), self.night.people)):
            self.turn[index] = max(float(second), float(self.came[index]))

    def count(self, second: int) -> None:
        """The map of live people; before it holds everybody, the live share of the early comers stands for it."""
        seen = self.asked_at > second - presence.LIVE
        if second < 0:
            known = int((self.came < second).sum())
            self.live_share = float(seen.sum()) / known if known > 100 else 1.0
        flags = np.concatenate([[False], seen])  # places begin at 1
        self.live = presence.Live(presence.Bitmap(0, np.packbits(flags, bitorder="little").tobytes()))
        if second > 2 * promises.POLL_MOST and second % 60 == 0:
            self.compare(second)

    def compare(self, second: int) -> None:
        """People ahead against a plain count, at twenty places along the line."""
        first = min(math.floor(self.frontier), self.last)
        truly = self.there & (self.came <= second) & (self.leaves > second)
        before = np.concatenate([[0], np.cumsum(truly)])
        for place in np.linspace(first, self.last, 20).astype(int).tolist():
            right = int(before[place - 1] - before[first]) if place > first else 0
            if right >= 500:
                self.ahead_errors.append(abs(self.live.between(first + 1, place) - right) / right)

    def look(self, second: int, now: float, index: int) -> None:
        """One request of one person."""
        if self.leaves[index] <= now:
            return
        if any(start <= now < end for start, end in self.night.cuts):
            self.try_again(now, index)
            return
        self.failures[index] = 0
        self.asks[second - self.began] += 1
        self.looks[index] += 1
        self.asked_at[index] = now
        place = index + 1
        if second < 0:
            self.again(now, index, promises.POLL_MOST)
            return
        copy = math.floor(self.shown if now - second < COPY_LAG else self.frontier)
        if place <= copy:
            self.enter(now, index)
            return
        if second < promises.SPREAD:
            ahead = int((place - 1 - copy) * self.live_share) + self.pending
        else:
            ahead = self.live.between(copy + 1, place) + self.pending
        expected = promises.expected_wait_s(ahead, self.rate * self.used)
        self.promise(now, index, expected, ahead)
        self.again(now, index, self.night.interval(expected))

    def again(self, now: float, index: int, interval: float) -> None:
        self.pauses[index] = pause = self.night.pause(index + 1, interval, now)
        self.ask_at(now + pause, index)

    def try_again(self, now: float, index: int) -> None:
        """As the page does: the pause it was given, doubled after each failure up to a minute, and spread widely."""
        if self.night.rushes:
            back = next(end for start, end in self.night.cuts if start <= now < end)
            self.ask_at(back + float(self.draw.random()), index)
            return
        pause = min(self.pauses[index] * 2.0 ** self.failures[index], promises.POLL_MOST)
        self.failures[index] = min(self.failures[index] + 1, 5)
        self.ask_at(now + pause * (0.25 + float(self.draw.random())), index)

    def promise(self, now: float, index: int, expected: float, ahead: int) -> None:
        low, high = (promises.range_end_s(expected, end) for end in self.ends[promises.wait_class(expected)])
        if math.isnan(self.promised[index]):
            self.promised[index], self.low[index], self.high[index] = now, low, high
            self.expected[index] = expected
        else:
            reason = promises.rise_reason(self.shown_high[index], high, self.shown_ahead[index], ahead)
            if reason != promises.NO_RISE:
                self.rises[reason] = self.rises.get(reason, 0) + 1
        self.shown_high[index], self.shown_ahead[index] = high, ahead
        if index % 100 == 0:
            self.middles.append((now, index, math.sqrt(low * high)))

    def enter(self, now: float, index: int) -> None:
        """Told to come in; claims at once, and the range learns from the wait that ended."""
        self.told[index] = now
        self.pending += 1
        self.claimed += 1
        if math.isnan(self.promised[index]) or not self.night.learns:
            return
        kind = promises.wait_class(self.expected[index])
        elapsed = 0.0 if math.isnan(self.learned_at[kind]) else now - self.learned_at[kind]
        self.learned_at[kind] = now
        ratio, memory = (now - self.promised[index]) / self.expected[index], promises.MEMORY[kind]
        low, high = self.ends[kind]
        self.ends[kind] = (
            promises.learned(low, ratio, promises.LOW, elapsed, memory),
            promises.learned(high, ratio, promises.HIGH, elapsed, memory),
        )


def play(night: Night, seed: int) -> Told:
    return Line(night, seed).play()
