"""The crowd's list of people: the columns of the run record for one share of the planned applicants, or for all."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.fates import Fate, Furthest, Reason
from scenarios.record import PEOPLE_COLUMNS, Column, blank_people

_STAGES = tuple(stage for stage in Furthest if stage is not Furthest.NONE)


class Roster:
    """One row for each planned applicant `residue + modulus * row`; whoever never starts stays cut."""

    def __init__(self, due: NDArray[np.float64], residue: int, modulus: int) -> None:
        """due: float64 (n,), real seconds since the opening, ascending: when each of this share starts."""
        self.columns: dict[str, Column] = blank_people(len(due))
        self.columns["number"] = residue + modulus * np.arange(len(due), dtype="i8")
        self.columns["due"][:] = due

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

    def pack(self) -> bytes:
        """The columns as one message."""
        file = io.BytesIO()
        arrays: dict[str, Any] = self.columns
        np.savez_compressed(file, allow_pickle=False, **arrays)
        return file.getvalue()


def unpacked(parts: Iterable[bytes]) -> dict[str, Column]:
    """The columns of several packed rosters, one after the other."""
    loaded = []
    for part in parts:
        with np.load(io.BytesIO(part), allow_pickle=False) as stored:
            loaded.append({name: stored[name] for name in stored.files})
    return {name: np.concatenate([each[name] for each in loaded]) for name in PEOPLE_COLUMNS}


def with_missing(people: dict[str, Column], due: NDArray[np.float64]) -> dict[str, Column]:
    """`people` plus a blank row (fate: cut) for each planned applicant of whom no roster came back."""
    blank = blank_people(len(due))
    blank["due"][:] = due
    absent = ~np.isin(blank["number"], people["number"]) if people else np.ones(len(due), bool)
    if not people:
        return blank
    return {name: np.concatenate([people[name], blank[name][absent]]) for name in PEOPLE_COLUMNS}


def fates(people: dict[str, Column]) -> dict[str, int]:
    """How many ended in which way, by lower-case name."""
    return {fate.name.lower(): int(np.count_nonzero(people["fate"] == fate)) for fate in Fate}


def lateness_ms(people: dict[str, Column]) -> dict[str, float]:
    """p50, p99 and max of started - due over everybody who started, in milliseconds; empty if nobody did."""
    late = (people["started"] - people["due"])[~np.isnan(people["started"])] * 1000.0
    if not len(late):
        return {}
    p50, p99 = np.quantile(late, (0.5, 0.99))
    return {"p50": round(float(p50), 3), "p99": round(float(p99), 3), "max": round(float(late.max()), 3)}


def was_cut(people: dict[str, Column]) -> bool:
    """Whether anybody was still on the way, or not yet started, when the run ended."""
    return bool(np.any(people["reason"] == Reason.RUN_ENDED))
