"""When each applicant starts: the plan of a rehearsal, fixed before it begins and the same for any number of workers.

With people = 1/N and demand factor f, applicant k is due when the curve has let in (k + u_k) N / f people, u_k in [0,1)
drawn for her alone (or 1/2 for everybody, with exact spacing): one arrival in each N-th of the curve, at random inside
it. Planned are exactly

    floor(cumulative(minutes) * f / N)

applicants, all of them due before the minutes are over. Instead of a night's curve a rate, a ramp, steps, a file of
points or of recorded instants may be named (scenarios.arrival_kinds); of N recorded instants one is taken, so with
N = 1 all of them as they were.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from scenarios import streams
from scenarios.arrival_kinds import Lines, Recorded
from scenarios.curve import Curve, FloatArray
from scenarios.identity_numbers import CAPACITY

IntArray = NDArray[np.int64]

SHARDS = 240
"""Parts of every plan, whoever plays them: applicant k is in shard k modulo this. 240 can be dealt evenly to 1 to 6, 8,
10, 12, 15, 16, 20 or 24 workers, and to others with a difference of one shard."""

Schedule = Curve | Lines | Recorded
"""Where the arrivals come from."""


class Spacing(Enum):
    """How arrivals lie between each other."""

    RANDOM = "random"
    """As people come: each at random inside her share of the curve."""
    EXACT = "exact"
    """As a metronome: each in the middle of her share."""


@dataclass(frozen=True)
class Plan:
    """`due`: float64 of shape (planned,), real seconds since the doors open, ascending; position = applicant number."""

    due: FloatArray
    hash: str
    """`hash_of(due)`: of the whole, whoever plays which part."""

    @property
    def planned(self) -> int:
        return len(self.due)

    def most_within(self, seconds: float) -> int:
        """The most arrivals in any `seconds` real seconds that begin with one."""
        ends = np.searchsorted(self.due, self.due + seconds, side="left")
        return int((ends - np.arange(self.planned)).max(initial=0))

    def numbers(self, shards: Iterable[int]) -> IntArray:
        """The applicants of these shards: int64 (n,), ascending, and so are their due times `due[numbers]`."""
        wanted = np.zeros(SHARDS, bool)
        wanted[list(shards)] = True
        return np.flatnonzero(wanted[np.arange(self.planned) % SHARDS]).astype(np.int64)


def planned(schedule: Schedule, people: Fraction, minutes: float | None) -> int:
    """How many applicants arrive in the first `minutes` of the night's clock (None = until it closes)."""
    end = schedule.length_s if minutes is None else minutes * 60.0
    return int(Fraction(str(schedule.cumulative(end))) * _share(schedule, people))


def plan(
    schedule: Schedule,
    people: Fraction,
    speed: float,
    minutes: float | None,
    seed: int,
    spacing: Spacing = Spacing.RANDOM,
) -> Plan:
    """The plan of a run: `people` of the persons that come, their clock `speed` times as fast.

    Raises ValueError when more people are planned than there are identity numbers.
    """
    count = planned(schedule, people, minutes)
    if count > CAPACITY:
        raise ValueError(f"{count} people planned, but only {CAPACITY} have an identity number: take fewer people")
    numbers = np.arange(count)
    if spacing is Spacing.EXACT:
        within = np.full(count, 0.5)
    else:
        within = streams.uniforms(seed, numbers, streams.Purpose.ARRIVAL, 0)
    share = _share(schedule, people)
    if isinstance(schedule, Recorded):
        due = schedule.chosen(share, within)
    else:
        due = schedule.inverses((numbers + within) * float(1 / share))
    due = due / speed
    return Plan(due, hash_of(due))


def _share(schedule: Schedule, people: Fraction) -> Fraction:
    """How many applicants each person of the schedule stands for."""
    return people * Fraction(str(schedule.demand_factor)) if isinstance(schedule, Curve) else people


def hash_of(due: FloatArray) -> str:
    """SHA-256 (hex) of `due` in whole microseconds, as little-endian int64."""
    return hashlib.sha256(np.rint(due * 1e6).astype("<i8").tobytes()).hexdigest()
