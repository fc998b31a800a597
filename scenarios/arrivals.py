"""When each applicant starts: the plan of a rehearsal, fixed before it begins and the same for any number of workers.

With people = 1/N and demand factor f, applicant k is due when the curve has let in (k + u_k) N / f people, u_k in [0,1)
drawn for her alone: one arrival in each N-th of the curve, at random inside it. Planned are exactly

    floor(cumulative(minutes) * f / N)

applicants, all of them due before the minutes are over.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from scenarios import streams
from scenarios.curve import Curve, FloatArray
from scenarios.identity_numbers import CAPACITY

IntArray = NDArray[np.int64]

SHARDS = 240
"""Parts of every plan, whoever plays them: applicant k is in shard k modulo this. 240 can be dealt evenly to 1 to 6, 8, 10,
12, 15, 16, 20 or 24 workers, and to others with a difference of one shard."""


@dataclass(frozen=True)
class Plan:
    """`due`: float64 of shape (planned,), real seconds since the doors open, ascending; position = applicant number."""

    due: FloatArray
    hash: str
    """`hash_of(due)`: of the whole, whoever plays which part."""

    @property
    def planned(self) -> int:
        return len(self.due)

    def numbers(self, shards: Iterable[int]) -> IntArray:
        """The applicants of these shards: int64 (n,), ascending, and so are their due times `due[numbers]`."""
        wanted = np.zeros(SHARDS, bool)
        wanted[list(shards)] = True
        return np.flatnonzero(wanted[np.arange(self.planned) % SHARDS]).astype(np.int64)

    def stripe(self, worker: int, workers: int) -> FloatArray:
        """What worker i of n starts: applicants i, i + n, i + 2 n... (their due times, in this order)."""
        return self.due[worker::workers]


def planned(curve: Curve, people: Fraction, minutes: float | None) -> int:
    """How many applicants arrive in the first `minutes` of the night's clock (None = until it closes)."""
    end = curve.length_s if minutes is None else minutes * 60.0
    return int(Fraction(curve.cumulative(end)) * Fraction(str(curve.demand_factor)) * people)


def plan(curve: Curve, people: Fraction, speed: float, minutes: float | None, seed: int) -> Plan:
    """The plan of a rehearsal: `people` of the night's persons, its clock `speed` times as fast.

    Raises ValueError when more people are planned than there are identity numbers.
    """
    count = planned(curve, people, minutes)
    if count > CAPACITY:
        raise ValueError(f"{count} people planned, but only {CAPACITY} have an identity number: take fewer people")
    numbers = np.arange(count)
    jitter = streams.uniforms(seed, numbers, streams.Purpose.ARRIVAL, 0)
    each = float(1 / (people * Fraction(str(curve.demand_factor)))) if count else 0.0
    due = curve.inverses((numbers + jitter) * each) / speed
    return Plan(due, hash_of(due))


def hash_of(due: FloatArray) -> str:
    """SHA-256 (hex) of `due` in whole microseconds, as little-endian int64."""
    return hashlib.sha256(np.rint(due * 1e6).astype("<i8").tobytes()).hexdigest()
