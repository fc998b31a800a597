"""The crowd's list of people: the columns of the run record, one row for each applicant that one process plays.

What has changed since it was last told goes to the master in parcels (loadtests.book keeps them there).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.fates import Furthest
from scenarios.record import PEOPLE_COLUMNS, Column, blank_people

STARTED = ("number", "started", "province", "network", "patience", "manners", "channel", "taken_over")
"""Columns that are known once somebody has started; all are once she has ended."""

_STAGES = tuple(stage for stage in Furthest if stage is not Furthest.NONE)

Packed = dict[str, bytes]
"""Rows of some columns, by name: their values in the record's types, little-endian."""


class Parcel(NamedTuple):
    """What became of the people of one process since its last parcel."""

    started: Packed
    """Rows of the columns `STARTED`."""
    ended: Packed
    """Rows of all columns."""


class Roster:
    """One row for each planned applicant of this process; whoever never starts stays cut."""

    def __init__(self, due: NDArray[np.float64], numbers: NDArray[np.int64]) -> None:
        """due: float64 (n,), real seconds since the opening, ascending: when each starts; numbers: int64 (n,)."""
        self.columns: dict[str, Column] = {}
        self._started: list[int] = []
        self._ended: list[int] = []
        self.extend(due, numbers)

    def __len__(self) -> int:
        return len(self.columns["number"])

    def extend(self, due: NDArray[np.float64], numbers: NDArray[np.int64]) -> int:
        """Add rows for more applicants, as for a new roster; the first of them."""
        more = blank_people(len(due))
        more["number"], more["due"] = numbers.astype(np.int64), due.astype(np.float64)
        first = len(self) if self.columns else 0
        old = self.columns
        self.columns = {name: np.concatenate([old[name], more[name]]) for name in PEOPLE_COLUMNS} if first else more
        return first

    def start(self, row: int, **values: float) -> None:
        """She is on her way; values: of the columns `STARTED`."""
        self.put(row, **values)
        self._started.append(row)

    def add(self, row: int, **counts: float) -> None:
        for name, count in counts.items():
            self.columns[name][row] += count

    def put(self, row: int, **values: float) -> None:
        for name, value in values.items():
            self.columns[name][row] = value

    def reach(self, row: int, furthest: int, now: float) -> Sequence[Furthest]:
        """Note that every stage up to `furthest` is completed by now; the stages that are new."""
        new = _STAGES[self.columns["furthest"][row] : furthest]
        for stage in new:
            self.columns[stage.column][row] = now
        self.columns["furthest"][row] = furthest
        return new

    def end(self, row: int, fate: int, reason: int, now: float) -> None:
        self.put(row, fate=fate, reason=reason, ended=now)
        self._ended.append(row)

    def parcel(self) -> Parcel:
        """Who has started and who has ended since the last one."""
        started, ended = self._started, self._ended
        self._started, self._ended = [], []
        return Parcel(packed(self.columns, started, STARTED), packed(self.columns, ended, PEOPLE_COLUMNS))


def packed(columns: Mapping[str, Column], rows: Sequence[int], names: Sequence[str] | Mapping[str, object]) -> Packed:
    """These rows of the columns `names`."""
    at = np.array(rows, dtype=np.int64)
    return {name: columns[name][at].astype(_wire(name)).tobytes() for name in names}


def unpacked(parcel: Mapping[str, bytes]) -> dict[str, Column]:
    """The columns of packed rows. Raises KeyError for a column that the record does not have."""
    return {name: np.frombuffer(values, _wire(name)) for name, values in parcel.items()}


def _wire(name: str) -> np.dtype[np.generic]:
    return PEOPLE_COLUMNS[name].newbyteorder("<")
