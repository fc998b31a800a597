"""The master's list of all planned people, filled from the parcels of the workers (loadtests.roster).

A parcel counts for the shards that its sender holds: what comes late from a worker that was given up changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from loadtests.roster import unpacked
from scenarios.arrivals import SHARDS
from scenarios.fates import Fate, Reason
from scenarios.record import Column, blank_people

BoolArray = NDArray[np.bool_]


class Book:
    """Everybody of one run. Whoever never starts stays cut, because the run ended."""

    def __init__(self, due: NDArray[np.float64]) -> None:
        """due: float64 (n,), seconds since the opening; position = number of the applicant."""
        self.columns: dict[str, Column] = blank_people(len(due))
        self.columns["due"][:] = due
        self.started = 0
        """Applicants who are known to have started."""
        self.ended = 0
        """Those whose end is known."""
        self._has_ended: BoolArray = np.zeros(len(due), bool)
        self._next = np.zeros(SHARDS, np.int64)
        """Of each shard, how many have started: they do so in order."""

    @property
    def left(self) -> int:
        """Applicants whose end is not known."""
        return len(self._has_ended) - self.ended

    def take(self, started: Mapping[str, bytes], ended: Mapping[str, bytes], shards: Collection[int]) -> None:
        """A parcel of somebody who holds these shards; rows of others are left out."""
        held = np.zeros(SHARDS, bool)
        held[list(shards)] = True
        if started:
            rows = _of_shards(unpacked(started), held)
            numbers = np.unique(rows["number"])
            self.started += int(np.isnan(self.columns["started"][numbers]).sum())
            np.maximum.at(self._next, numbers % SHARDS, numbers // SHARDS + 1)
            self._put(rows)
        if ended:
            rows = _of_shards(unpacked(ended), held)
            numbers = np.unique(rows["number"])
            self.ended += int((~self._has_ended[numbers]).sum())
            self._has_ended[numbers] = True
            self._put(rows)

    def unstarted(self, shards: Collection[int]) -> dict[int, int]:
        """By shard, how many of its applicants have started, so where its next holder goes on."""
        return {shard: int(self._next[shard]) for shard in shards}

    def overdue(self, shards: Collection[int], now: float) -> int:
        """How many of these shards should have started by now and are not known to have."""
        numbers = np.flatnonzero((self.columns["due"] <= now) & np.isnan(self.columns["started"]))
        return int(np.isin(numbers % SHARDS, list(shards)).sum())

    def give_up(self, shards: Collection[int], now: float) -> int:
        """Cut all who are on their way in these shards, because their worker is lost; how many they are.

        One that was told to end may have handed them in already, as people whom the end of the run cut.
        """
        held = np.zeros(SHARDS, bool)
        held[list(shards)] = True
        on_the_way = ~np.isnan(self.columns["started"]) & (self.columns["reason"] == Reason.RUN_ENDED)
        cut = np.flatnonzero(on_the_way & held[np.arange(len(on_the_way)) % SHARDS])
        unended = cut[~self._has_ended[cut]]
        self.columns["fate"][cut] = Fate.CUT
        self.columns["reason"][cut] = Reason.WORKER_LOST
        self.columns["ended"][unended] = now
        self._has_ended[unended] = True
        self.ended += len(unended)
        return len(cut)

    # ------------------------------------------------------------ sums

    @property
    def fates(self) -> dict[str, int]:
        """How many ended in which way, by lower-case name."""
        counts = np.bincount(self.columns["fate"], minlength=len(Fate) + 1)
        return {fate.name.lower(): int(counts[fate]) for fate in Fate}

    @property
    def requests(self) -> int:
        return int(self.columns["requests"].sum())

    @property
    def taken_over(self) -> int:
        """Applicants who started late because the worker that was to start them was lost."""
        return int(np.count_nonzero(self.columns["taken_over"]))

    @property
    def was_cut(self) -> bool:
        """Whether anybody was still on the way, or not yet started, when the run ended."""
        return bool(np.any(self.columns["reason"] == Reason.RUN_ENDED))

    @property
    def lateness_ms(self) -> dict[str, float]:
        """p50, p99 and max of started - due in milliseconds over all who started; empty if nobody did.

        Without those who were taken over: they are late because of the lost worker, and counted apart.
        """
        people = self.columns
        late = (people["started"] - people["due"])[~np.isnan(people["started"]) & ~people["taken_over"]] * 1000.0
        if not len(late):
            return {}
        p50, p99 = np.quantile(late, (0.5, 0.99), method="inverted_cdf")  # as in the report
        return {"p50": round(float(p50), 3), "p99": round(float(p99), 3), "max": round(float(late.max()), 3)}

    def _put(self, rows: Mapping[str, Column]) -> None:
        numbers = rows["number"]
        for name, column in rows.items():
            self.columns[name][numbers] = column


def _of_shards(rows: dict[str, Column], held: BoolArray) -> dict[str, Column]:
    mine = held[rows["number"] % SHARDS]
    return rows if mine.all() else {name: column[mine] for name, column in rows.items()}
