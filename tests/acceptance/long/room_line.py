"""A line of people under a virtual clock: who asks when, what each is told, and what then became of it.

The rules are the service's own, those of each look compiled from the same source (room_looks), so that two million
people can stand in it. What stands here is the world around them: people who come early or late, never show up or
leave, a frontier that moves once a second, a copy of the room that each replica renews once a second, a map of live
people that is renewed every five, and a network that is cut. Arrays are by place; nan: it did not happen.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.simulation.compiled import ready
from service.domain import presence, promises, waiting_room
from tests.acceptance.long import room_looks as compiled
from tests.acceptance.long.room_looks import MICRO, NONE, NOT_YET, STAYS, Beat, Manner

COPY_LAG = 0.3
"""Seconds from a move of the frontier until a replica's copy shows it."""
MAP_EVERY = 5
"""Seconds between two counts of the live people."""
COMPARE_EVERY = 60
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
    cuts: tuple[tuple[int, int], ...] = ()
    """From when to when no request arrives: a restart of the service, or a network that is down."""
    every_s: float = 0.0
    """So often people ask, whatever they are told; 0: as they are told. The negative control."""
    is_plain: bool = False
    """They come back after the interval itself; the negative control of how pauses are spread."""
    rushes: bool = False
    """Whoever failed asks again once the network is back, as an app does that hears of it; the negative control."""
    is_deaf: bool = False
    """The ends of the range stay as they began; the negative control."""
    noted: int = 100
    """Of so many people one has every range kept that was shown; 0: nobody."""


@dataclass(slots=True)
class Told:
    """What came of a night."""

    began: int
    """The first second."""
    asks: NDArray[np.int64]
    """Requests that arrived, by second."""
    waits: NDArray[np.int64]
    """Of them those answered "wait" that were not somebody's first, by second."""
    line: NDArray[np.float64]
    """By second from the opening on: places given out, frontier, share of the invited who come, people at the gate, and
    people/s that may come in."""
    entered: list[int]
    """People let in, by second from the opening on."""
    came: NDArray[np.float64]
    turn: NDArray[np.float64]
    """When the frontier passed the place, or its holder came if that was later."""
    told: NDArray[np.float64]
    looks: NDArray[np.int16]
    promised: NDArray[np.float64]
    """When the first range was shown: from `low` to `high` seconds."""
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    ahead_errors: list[float]
    """Relative errors of people ahead against a plain count of those who are there."""
    middles: NDArray[np.float64]
    """When a range was shown, its middle, and when the turn was told: of every look of one in `noted`; shape (n, 3)."""
    rises: dict[int, int]
    """How often a shown wait rose beyond twice the one before, by the reason that was told with it."""
    digest: str
    """SHA-256 over every look: when, whose, what was told."""
    bytes_each: float
    """Of all arrays of the line, for each person."""

    @property
    def waited(self) -> NDArray[np.float64]:
        """From the first shown range until the turn was told."""
        return self.told - self.promised

    def notice(self) -> NDArray[np.float64]:
        """Seconds from the turn until it was told."""
        late = self.told - self.turn
        return late[~np.isnan(late)]

    def inside(self, since: float = -NEVER, until: float = NEVER) -> float:
        """Share of the waits promised in [since, until) that ended inside the range."""
        kept = ~np.isnan(self.waited) & (self.promised >= since) & (self.promised < until)
        waited, low, high = self.waited[kept], self.low[kept], self.high[kept]
        return float(np.mean((waited >= low) & (waited <= high))) if len(waited) else NAN

    def looks_per_hour(self, least_wait: float) -> float:
        """Looks for each hour from coming until the turn was told, over all who waited so long; nan: nobody did."""
        waited = self.told - self.came
        chosen = ~np.isnan(waited) & (waited >= least_wait)
        return NAN if not chosen.any() else float(self.looks[chosen].sum() / (waited[chosen].sum() / 3600.0))

    def peak_to_mean(self, start: float, seconds: int) -> float:
        """The busiest second against the mean, from `start` on."""
        bins = self.asks[int(start) - self.began :][:seconds]
        return float(bins.max() / bins.mean())


class Line:
    """The line while it is played."""

    def __init__(self, night: Night, seed: int, plain: bool | None = None) -> None:
        """plain: uncompiled; as LAUNCHNIGHT_PLAIN says when None. Raises ValueError for a night that is too long."""
        self.night = night
        draw = np.random.default_rng(seed)
        people = night.people
        self.cohort = cohort = int(people * night.early)
        # The draw: who came early stands anywhere among those who did.
        early = draw.permutation(-draw.exponential(400.0, cohort))
        late = np.sort(draw.uniform(0.0, night.seconds / 2, people - cohort))
        came = np.concatenate([early, late])
        self.began = math.floor(came.min()) - 1
        if max(night.seconds, -self.began) > compiled.MOST_SECONDS:
            raise ValueError(f"a line is played for {compiled.MOST_SECONDS} s before and after the opening at most")
        self.rows = rows = np.zeros(people, compiled.ROW)
        rows["came_ms"] = np.floor(came * 1e3)
        rows["leaves"] = STAYS
        if night.leaving_per_s:
            gone = came + draw.exponential(1.0 / night.leaving_per_s, people)
            rows["leaves"] = np.minimum(np.floor(gone), STAYS)
        rows["leaves"][draw.random(people) < night.absent] = NONE
        rows["told_ms"] = rows["promised_ms"] = NOT_YET
        rows["turn"] = NONE
        rows["pause_us"] = promises.POLL_LEAST * MICRO
        self.asked = np.full(people, NONE, np.int16)
        """In which second each asked last."""
        self.before = np.zeros(people + 1, np.int32)
        """Live people before each place."""
        span = night.seconds - self.began
        self.heads = np.full(span, -1, np.int32)
        """By second: the first of those who look in it."""
        self.waiting = np.zeros(span, np.int32)
        """How many they are."""
        self.keys = np.empty(0, np.int64)
        self.log = np.empty(0, compiled.LOOK)
        self.arrived = np.searchsorted(np.sort(came), np.arange(self.began, night.seconds)).astype(np.int32)
        """How many have come before each second."""
        self.tally = np.zeros(compiled.TALLY, np.int64)
        self.ends = np.array([[*each, NAN] for each in zip(promises.FIRST_LOW, promises.FIRST_HIGH, strict=True)])
        self.manner = Manner(seed, self.began, night.every_s, night.is_plain, night.rushes, night.is_deaf)
        self._prepare(plain, np.floor(came * 1e6).astype(np.int64))
        self.asks, self.waits = np.zeros(span, np.int64), np.zeros(span, np.int64)
        self.entered: list[int] = []
        self.beats: list[tuple[int, float, float, int, float]] = []
        self.middles: list[NDArray[np.float64]] = []
        self.ahead_errors: list[float] = []
        self.digest = sha256()
        self.live_share = 1.0
        self.frontier = self.shown = self.credit = self.rate = 0.0
        self.claimed_before = self.invited = 0
        self.last = cohort
        self.show = waiting_room.Show(0.0, 0.0, 0.0, 1.0)
        self.used = 1.0

    def _prepare(self, plain: bool | None, comes_us: NDArray[np.int64]) -> None:
        expect = ready(compiled.expect, plain)
        self.gather = ready(compiled.gather, plain)
        self.count_live = ready(compiled.count, plain)
        self.look = ready(compiled.looks, plain)
        # Plain Python finds fields by name in a view of the same memory; kernels do so in the array itself.
        self.view: Callable[[Any], Any] = (
            (lambda array: array.view(np.recarray)) if expect is compiled.expect else (lambda array: array)
        )
        expect(self.view(self.rows), self.heads, self.waiting, self.began, comes_us)

    def play(self) -> Told:
        for second in range(self.began, self.night.seconds):
            if second >= 0:
                self.move(second)
            if second % MAP_EVERY == 0:
                self.count(second)
            self.play_looks(second)
        rows = self.rows
        told, promised = (_seconds(rows[name], NOT_YET) for name in ("told_ms", "promised_ms"))
        came = rows["came_ms"] / 1e3
        middles = np.concatenate([np.empty((0, 3)), *self.middles])
        middles[:, 2] = told[middles[:, 2].astype(np.int64)]
        rises = {reason: int(self.tally[compiled.RISES + reason]) for reason in range(3)}
        return Told(
            began=self.began,
            asks=self.asks,
            waits=self.waits,
            line=np.array(self.beats),
            entered=self.entered,
            came=came,
            turn=np.where(rows["turn"] == NONE, NAN, np.maximum(rows["turn"], came)),
            told=told,
            looks=rows["looks"],
            promised=promised,
            low=rows["low"],
            high=rows["high"],
            ahead_errors=self.ahead_errors,
            middles=middles,
            rises={reason: times for reason, times in rises.items() if times},
            digest=self.digest.hexdigest(),
            bytes_each=self.size_bytes / self.night.people,
        )

    @property
    def size_bytes(self) -> int:
        """Of everything that the line is kept in."""
        by_person = (self.rows, self.asked, self.before)
        by_second = (self.heads, self.waiting, self.arrived, self.asks, self.waits, self.keys, self.log)
        return sum(array.nbytes for array in (*by_person, *by_second))

    def move(self, second: int) -> None:
        """The gatekeeper's beat: let in at the rate who claimed, and move the frontier by its own rule."""
        self.rate = rate = self.night.rate(second)
        self.shown = self.frontier
        self.credit = min(self.credit + rate, rate * 1.5 + 1.0)
        pending, claimed = int(self.tally[compiled.PENDING]), int(self.tally[compiled.CLAIMED])
        entering = min(pending, int(self.credit))
        pending -= entering
        self.credit -= entering
        self.entered.append(entering)
        self.last = max(int(self.arrived[second - self.began]), self.cohort)
        if self.frontier < self.last and second >= promises.SPREAD + promises.YIELD_MEMORY:
            self.used = promises.yield_after(self.used, entering, rate, 1.0)
        first = min(math.floor(self.frontier), self.last)
        asked, came = first - self.invited, claimed - self.claimed_before
        if second == 0:
            self.show = waiting_room.Show(0.0, 0.0, 0.0, max(self.live_share, waiting_room.LEAST_SHOW))
        elif second >= promises.SPREAD:
            self.show = waiting_room.show_after(self.show, asked, came, 1.0, rate)
        self.invited, self.claimed_before = first, claimed
        self.frontier = waiting_room.frontier_after(self.frontier, self.last, 1.0, rate, pending, self.show.share)
        self.rows["turn"][first : math.floor(self.frontier)] = second
        self.tally[compiled.PENDING] = pending
        self.beats.append((self.last, self.frontier, self.show.share, pending, rate))

    def count(self, second: int) -> None:
        """The map of live people; before it holds everybody, the live share of the early comers stands for it."""
        since = int(second - presence.LIVE)
        if second < 0:
            known = int(self.arrived[second - self.began])
            self.live_share = float((self.asked >= since).sum()) / known if known > 100 else 1.0
        elif second >= promises.SPREAD:
            self.count_live(self.asked, self.before, since)
            if second > 2 * promises.POLL_MOST and second % COMPARE_EVERY == 0:
                self.compare(second, since)

    def compare(self, second: int, since: int) -> None:
        """People ahead, as the service counts them, against a plain count, at twenty places along the line.

        Raises AssertionError when the kernel's count is not the service's.
        """
        flags = np.concatenate([[False], self.asked >= since])  # places begin at 1
        live = presence.Live(presence.Bitmap(0, np.packbits(flags, bitorder="little").tobytes()))
        first = min(math.floor(self.frontier), self.last)
        truly = (self.rows["came_ms"] <= second * 1000) & (self.rows["leaves"] > second)
        before = np.concatenate([[0], np.cumsum(truly)])
        for place in np.linspace(first, self.last, 20).astype(int).tolist():
            counted = live.between(first + 1, place)
            if place > first and counted != int(self.before[place - 1] - self.before[first]):
                raise AssertionError(f"second {second}, place {place}: the service counts {counted} people ahead")
            right = int(before[place - 1] - before[first]) if place > first else 0
            if right >= 500:
                self.ahead_errors.append(abs(counted - right) / right)

    def play_looks(self, second: int) -> None:
        """Everybody who is due in this second, and again those who failed in it and try once more before it ends: a cut
        lasts whole seconds, so they fail again, and what fails changes nothing for others."""
        at = second - self.began
        beat = Beat(
            second=second,
            shown=math.floor(self.shown),
            frontier=math.floor(self.frontier),
            lag_us=round(COPY_LAG * MICRO),
            pace=self.rate * self.used,
            live_share=self.live_share,
            back_at=next((end for start, end in self.night.cuts if start <= second < end), second),
        )
        self.tally[compiled.ASKED] = self.tally[compiled.WAITS] = 0
        while size := int(self.waiting[at]):
            self._make_room(size)
            self.gather(self.view(self.rows), self.heads, self.waiting, at, self.keys)
            keys, log = self.keys[:size], self.log[:size]
            keys.sort()
            self.look(
                self.view(self.rows), self.heads, self.waiting, self.asked, self.before, keys, self.view(log),
                self.tally, self.ends, beat, self.manner,
            )  # fmt: skip
            self._note(second, log)
        self.asks[at], self.waits[at] = self.tally[compiled.ASKED], self.tally[compiled.WAITS]

    def _make_room(self, size: int) -> None:
        if size > len(self.keys):
            room = size + size // 8
            self.keys, self.log = np.empty(room, np.int64), np.empty(room, compiled.LOOK)

    def _note(self, second: int, log: NDArray[Any]) -> None:
        self.digest.update(second.to_bytes(4, "big", signed=True) + log.tobytes())
        if self.night.noted and second >= 0:
            seen = log[(log["ahead"] >= 0) & (log["number"] % self.night.noted == 0)]
            middle = np.sqrt(seen["low"].astype(np.float64) * seen["high"])
            self.middles.append(np.stack([second + seen["due_us"] / 1e6, middle, seen["number"]], axis=1))


def _seconds(times_ms: NDArray[np.int32], without: int) -> NDArray[np.float64]:
    return np.where(times_ms == without, NAN, times_ms / 1e3)


def play(night: Night, seed: int, plain: bool | None = None) -> Told:
    return Line(night, seed, plain).play()
