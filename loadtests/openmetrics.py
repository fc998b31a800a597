"""A run's samples as OpenMetrics text, so that an old night can be looked at on the dashboards again.

The record keeps of equal samples only the first and the last. A server needs them all: over a window with one sample
there is no rate, and a histogram of which only the buckets that moved are known gives a wrong quantile. So every series
is held from its first sample to its last at each scrape of its target. A scrape's moment is known wherever anything of
the target moved; where nothing did for longer than the interval, moments are laid in between. While a target did not
answer, none of its series but `up` has samples.

`promtool tsdb create-blocks-from openmetrics` loads the file; each series carries the label `run`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from scenarios.record import Run, Samples, write_whole

FILE = "metrics.om"
INTERVAL = 2.0
"""Seconds between two scrapes of a rehearsal."""
GAP = 1.5
"""A wait longer than this many intervals holds scrapes at which nothing moved."""

Floats = NDArray[np.float64]


class NoSamples(Exception):
    """The run ended before its first scrape."""


@dataclass(frozen=True)
class Exported:
    path: Path
    series: int
    samples: int
    first: float
    last: float
    """Unix times of the first and the last sample."""


def export(run: Run) -> Exported:
    """Write metrics.om into the run's folder. Raises NoSamples."""
    if not run.samples.names:
        raise NoSamples(f"{run.folder}: the run ended before its first scrape and has no samples")
    path = run.folder / FILE
    tally = _Tally()

    def fill(file: IO[bytes]) -> None:
        for line in _lines(run.samples, str(run.config["id"]), float(run.config["opens_at"]), tally):
            file.write(line.encode())

    write_whole(path, fill)
    return Exported(path, tally.series, tally.samples, tally.first, tally.last)


@dataclass
class _Tally:
    series: int = 0
    samples: int = 0
    first: float = np.inf
    last: float = -np.inf

    def count(self, times: Floats) -> None:
        self.series += 1
        self.samples += len(times)
        self.first = min(self.first, float(times[0]))
        self.last = max(self.last, float(times[-1]))


def _lines(samples: Samples, run: str, opens_at: float, tally: _Tally) -> Iterator[str]:
    clocks = {instance: _Clock(samples, instance) for instance in _instances(samples)}
    for family, kind, names in families(samples.names):
        yield f"# TYPE {family} {kind}\n"
        for name in names:
            for labels, times, values in samples.select(name):
                at, held = clocks[labels["instance"]].hold(times, values, always=name == "up")
                if not len(at):
                    continue
                unix = np.round(at + opens_at, 3)
                tally.count(unix)
                series = f"{name}{{{_text({**labels, 'run': run})}}}"
                yield "".join(
                    f"{series} {value!r} {moment:.3f}\n"
                    for moment, value in zip(unix.tolist(), held.tolist(), strict=True)
                )
    yield "# EOF\n"


def families(names: Iterable[str]) -> list[tuple[str, str, list[str]]]:
    """(family, type, names of its samples) of all names, each family once, as OpenMetrics wants them together."""
    present = set(names)
    histograms = {name.removesuffix("_bucket") for name in present if name.endswith("_bucket")}
    found: dict[str, tuple[str, list[str]]] = {}
    for name in sorted(present):
        base, _, part = name.rpartition("_")
        if base in histograms and part in {"bucket", "sum", "count"}:
            family, kind = base, "histogram"
        elif part == "total":
            family, kind = base, "counter"
        else:
            family, kind = name, "gauge"
        found.setdefault(family, (kind, []))[1].append(name)
    return [(family, kind, members) for family, (kind, members) in sorted(found.items())]


def _instances(samples: Samples) -> set[str]:
    return {labels["instance"] for name in samples.names for labels, _, _ in samples.select(name)}


class _Clock:
    """The moments at which one target was scraped, and when it answered."""

    def __init__(self, samples: Samples, instance: str) -> None:
        seen = [times for name in samples.names for _, times, _ in samples.select(name, instance=instance)]
        self._moments = filled(np.unique(np.round(np.concatenate(seen), 3)))
        self._answered = np.ones(len(self._moments), bool)
        for _, times, up in samples.select("up", instance=instance):
            self._answered = _held(np.round(times, 3), up, self._moments) > 0

    def hold(self, times: Floats, values: Floats, *, always: bool) -> tuple[Floats, Floats]:
        """The series at every moment from its first sample to its last; unless `always`, only where the target
        answered."""
        times = np.round(times, 3)
        inside = (self._moments >= times[0]) & (self._moments <= times[-1])
        if not always:
            inside &= self._answered
        moments = self._moments[inside]
        return moments, _held(times, values, moments)


def filled(moments: Floats) -> Floats:
    """`moments`, ascending, with others laid evenly into every wait longer than GAP intervals."""
    waits = np.diff(moments)
    between = [
        np.linspace(moments[i], moments[i + 1], round(waits[i] / INTERVAL) + 1)[1:-1]
        for i in np.flatnonzero(waits > GAP * INTERVAL)
    ]
    return np.sort(np.round(np.concatenate([moments, *between]), 3))


def _held(times: Floats, values: Floats, moments: Floats) -> Floats:
    """The last value at or before each moment; nan before the first."""
    index = np.searchsorted(times, moments, side="right") - 1
    held: Floats = np.where(index >= 0, values[np.maximum(index, 0)], np.nan)
    return held


def _text(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(labels.items()))


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
