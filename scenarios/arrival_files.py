"""Arrivals from a file: points of a curve, or the instants at which people once came.

The header says which: a column `at_s` holds instants (seconds since the doors open, in any order), columns `t_s` and
`per_s` hold the points of a rate (seconds ascending, people per second; linear between points, two at one time are a
jump). Other columns are left alone. CSV as spreadsheets write it, or Parquet where pyarrow is installed.
Every fault is told with its line.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from scenarios.arrival_kinds import MINUTES, MOST_PER_S, MOST_S, WAYS, ArrivalsError, Lines, Named, Recorded, of_rates
from scenarios.curve import FloatArray

SUFFIXES = (".csv", ".parquet")
_MOST_TOLD = 20
"""Faults of a file: who sees twenty knows what is wrong with the other million."""
_MISSING = "is missing"
_LATE = "more than a month after the opening: seconds since the opening are meant, not a Unix time"


def people_unless_said(arrivals: str) -> str:
    """The share of the people that is played when none is given: a rate that somebody names is meant as it stands."""
    return "1" if arrivals else "1/100"


def minutes_unless_said(schedule: Named | None) -> float:
    """The minutes that are played when none are given: all of what has an end of its own, else the opening."""
    return schedule.length_s / 60.0 if schedule is not None else MINUTES


def named(text: str, minutes: float | None) -> Named:
    """What `--arrivals` names. minutes: for how long a rate without an end of its own lasts. Raises ArrivalsError."""
    lines = of_rates(text, minutes)
    if lines is not None:
        return lines
    if not is_file(text):
        raise ArrivalsError(f"must be {WAYS}, not {text!r}")
    return read(Path(text))


def is_file(text: str) -> bool:
    """Whether what `--arrivals` names is a file, by its name alone."""
    return Path(text).suffix.lower() in SUFFIXES


def read(path: Path) -> Named:
    """The arrivals of a file. Raises ArrivalsError with every fault and its line."""
    try:
        table = _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path)
    except OSError as fault:
        raise ArrivalsError(f"{path}: {fault.strerror or fault}") from None
    if "at_s" in table.columns:
        (at,) = table.numbers("at_s")
        if not len(at):
            raise ArrivalsError(f"{path}: has no instants")
        return Recorded(np.sort(at))
    times, rates = table.numbers("t_s", "per_s")
    if len(times) < 2:
        raise ArrivalsError(f"{path}: a curve has two points at least, this one has {len(times)}")
    lines = Lines(tuple(times.tolist()), tuple(rates.tolist()))
    if not lines.people > 0.0:
        raise ArrivalsError(f"{path}: nobody arrives: no time passes in which per_s is above 0")
    return lines


@dataclass
class _Table:
    path: Path
    columns: dict[str, Sequence[Any]]
    """Cells as the file has them, of the columns that are read."""
    place: Callable[[int], str]
    """Names the place of a row."""
    short: list[tuple[int, str]]
    """Row and text of those that end before a column that is read."""
    faults: list[tuple[int, str]] = field(default_factory=list)
    """Row and text of what is wrong."""

    def numbers(self, *names: str) -> list[FloatArray]:
        """float64 (n,) of each column. Raises ArrivalsError with all faults, in the order of the rows."""
        self.faults = list(self.short)
        arrays = [self._array(name) for name in names]
        if names == ("t_s", "per_s"):
            back = np.flatnonzero(np.diff(arrays[0]) < 0.0) + 1
            self.faults += [(int(row), "t_s: must not be before the point above it") for row in back]
        if self.faults:
            self.faults.sort(key=lambda fault: fault[0])
            told = [f"{self.path}:{self.place(row)}: {text}" for row, text in self.faults[:_MOST_TOLD]]
            more = len(self.faults) - len(told)
            raise ArrivalsError(*told, *([f"{self.path}: and {more:,} faults more"] if more else []))
        return arrays

    def _array(self, name: str) -> FloatArray:
        cells, before = self.columns[name], len(self.faults)
        try:
            array = np.array(cells, dtype=np.float64)
        except (TypeError, ValueError):
            array = np.array([self._number(name, row, cell) for row, cell in enumerate(cells)])
        most, why = (MOST_PER_S, f"must be below {MOST_PER_S:,.0f}") if name == "per_s" else (MOST_S, _LATE)
        wrong = np.flatnonzero(~((array >= 0.0) & (array <= most)))
        told = {row for row, _ in (*self.short, *self.faults[before:])}
        for row in map(int, wrong):
            if row not in told:
                text = why if array[row] > most else "must be a number that is not below 0"
                self.faults.append((row, f"{name}: {_MISSING if cells[row] is None else f'{text}, not {cells[row]}'}"))
        return array

    def _number(self, name: str, row: int, cell: object) -> float:
        try:
            return float(cell)  # type: ignore[arg-type]  # whatever it is, float says whether it is a number
        except (TypeError, ValueError):
            self.faults.append((row, f"{name}: {_MISSING if not cell else f'must be a number, not {cell!r}'}"))
            return np.nan


def _wanted(path: Path, header: Sequence[str]) -> list[str]:
    """Which columns are read. Raises ArrivalsError when the header has not what is needed, or too much."""
    found = [name for name in ("at_s", "t_s", "per_s") if name in header]
    if found not in (["at_s"], ["t_s", "per_s"]):
        raise ArrivalsError(
            f"{path}:1: must have either a column at_s (instants) or the columns t_s and per_s (points of a curve); "
            f"it has {', '.join(header) or 'none'}"
        )
    return found


def _csv(path: Path) -> _Table:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        try:
            header = [name.strip() for name in next(reader, [])]
            wanted = _wanted(path, header)
            places = [header.index(name) for name in wanted]
            longest = max(places)
            columns: list[list[str]] = [[] for _ in wanted]
            lines: list[int] = []
            faults: list[tuple[int, str]] = []
            for row in reader:
                if not row:
                    continue
                if len(row) <= longest:
                    faults.append((len(lines), f"has {len(row)} of the header's {len(header)} columns"))
                    row += ["nan"] * (longest + 1 - len(row))
                lines.append(reader.line_num)
                for column, place in zip(columns, places, strict=True):
                    column.append(row[place])
        except (UnicodeDecodeError, csv.Error) as fault:
            raise ArrivalsError(f"{path}:{reader.line_num + 1}: is no CSV in UTF-8: {fault}") from None
    return _Table(path, dict(zip(wanted, columns, strict=True)), lambda row: str(lines[row]), faults)


def _parquet(path: Path) -> _Table:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise ArrivalsError(
            f"{path}: Parquet is read by pyarrow, which is not installed: {sys.executable} -m pip install pyarrow, "
            "or give a .csv"
        ) from None
    try:
        wanted = _wanted(path, parquet.read_schema(path).names)
        table = parquet.read_table(path, columns=wanted)
    except pyarrow.ArrowException as fault:
        raise ArrivalsError(f"{path}: is no Parquet file: {fault}") from None
    columns = {name: table.column(name).to_pylist() for name in wanted}
    return _Table(path, columns, lambda row: f"row {row + 1}", [])
