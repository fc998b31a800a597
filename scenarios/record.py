"""The record of a run: the folder that harness, swarm and simulation write and that reports read.

    run.json      configuration, seed, factors, machine, ledgers, CPU, how the run ended
    people.npz    one row per planned applicant: schedule, fate, furthest stage, attempts, times
    samples.npz   raw metric samples, each with the labels of its series, `job` and `instance` among them
    events.jsonl  phases, faults and notes, one JSON object a line
    latency.json  of each route quantiles of its times, in seconds (loadtests.measured)

All times are float64 real seconds since the doors opened (`opens_at`); nan means "did not happen". Files appear whole
or not at all, the event log line by line. A record that does not fit this description is refused with `RecordError`.
"""

import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import record_shapes
from scenarios.fates import Channel, Fate, Furthest, Manners, Reason
from scenarios.record_files import Column, RecordError, read_arrays, write_arrays, write_each, write_whole

__all__ = (
    "PEOPLE_COLUMNS", "Channel", "Column", "Fate", "Furthest", "Manners", "Reason", "RecordError", "Run", "Samples",
    "SamplesWriter", "add_event", "blank_people", "read_events", "read_people", "write_config", "write_people",
    "write_people_by_column", "write_series", "write_whole",
)  # fmt: skip

SCHEMA = 1

FloatArray = NDArray[np.float64]
Selection = list[tuple[dict[str, str], FloatArray, FloatArray]]


PEOPLE_COLUMNS: dict[str, np.dtype[Any]] = {
    name: np.dtype(kind)
    for name, kind in {
        "number": "i8",
        "due": "f8",
        "started": "f8",
        "ended": "f8",
        "fate": "u1",
        "furthest": "u1",
        "reason": "u1",
        "province": "u1",
        "network": "u1",
        "patience": "u1",
        "channel": "u1",
        "manners": "u1",
        "requests": "u4",
        "retries": "u4",
        **{stage.column: "f8" for stage in Furthest if stage is not Furthest.NONE},
        "photos_started": "u1",
        "photos_stored": "u1",
        "photo_tries": "u2",
        "codes_asked": "u1",
        "codes_accepted": "u1",
        "wait_low": "f8",
        "wait_high": "f8",
        "wait": "f8",
        "bytes_sent": "u8",
        "taken_over": "?",
    }.items()
}

CONFIG_KEYS = (
    "schema", "id", "night", "set", "reading", "seed", "factors", "minutes", "planned", "plan_hash", "workers",
    "drain_limit_s", "opens_at", "machine", "versions", "rounded", "ledgers", "cpu_s", "ended", "exits",
    "last_arrival_s", "played_s", "photo_bytes_kept",
)  # fmt: skip
COMPLETE_ENDS = ("drained", "limit")
PARTIAL_ENDS = ("interrupted", "disk", "missed", "crash", "not-ready")
_FAULTS_TOLD = 5
SAMPLE_ARRAYS = ("series", "series_index", "time", "value")


# ---------------------------------------------------------------- people


def blank_people(count: int) -> dict[str, Column]:
    """Columns for `count` applicants of whom nothing is known yet: fate cut, times nan, counts zero."""
    columns = {
        name: np.full(count, np.nan) if kind.kind == "f" else np.zeros(count, kind)
        for name, kind in PEOPLE_COLUMNS.items()
    }
    columns["number"] = np.arange(count, dtype="i8")
    columns["fate"][:] = Fate.CUT
    columns["reason"][:] = Reason.RUN_ENDED
    return columns


def write_people(folder: Path, columns: Mapping[str, Sequence[Any] | Column]) -> None:
    """Write people.npz, sorted by number.

    columns: every name of PEOPLE_COLUMNS with equally long 1-D values that fit the column's type.
    Raises RecordError naming every column that is missing, unknown, of another length or out of range.
    """
    typed = _checked_people(columns, "people")
    order = np.argsort(typed["number"], kind="stable")
    if (np.diff(order) != 1).any():  # as a rule they are in order, and two million rows fill 300 MB
        typed = {name: column[order] for name, column in typed.items()}
    write_whole(folder / "people.npz", lambda file: write_arrays(file, typed))


def write_people_by_column(folder: Path, made: Callable[[str], Column]) -> None:
    """Write people.npz of people in the order of their numbers, one column at a time: all of two million fill 300 MB.

    made: gives the column of a name, in its type. Raises RecordError for one that does not fit.
    """

    def each() -> Iterator[tuple[str, Column]]:
        length = len(made("number"))
        for name, kind in PEOPLE_COLUMNS.items():
            column = made(name)
            if column.dtype != kind or column.shape != (length,):
                raise RecordError(f"people: column {name!r} is {column.dtype} {column.shape}, not {kind} ({length},)")
            yield name, column

    write_whole(folder / "people.npz", lambda file: write_each(file, each(), pack_floats=False))


def read_people(folder: Path) -> dict[str, Column]:
    """The columns of people.npz; raises RecordError when the file or a column does not fit."""
    path = folder / "people.npz"
    columns = read_arrays(path)
    if "number" in columns:  # records of before manners could be chosen, and shares taken over, lack them
        columns.setdefault("manners", np.full_like(columns["number"], Manners.PUNCTUAL))
        columns.setdefault("taken_over", np.zeros_like(columns["number"], "?"))
    return _checked_people(columns, str(path))


def _checked_people(columns: Mapping[str, Sequence[Any] | Column], where: str) -> dict[str, Column]:
    faults = [f"unknown column {name!r}" for name in columns if name not in PEOPLE_COLUMNS]
    faults += [f"missing column {name!r}" for name in PEOPLE_COLUMNS if name not in columns]
    typed: dict[str, Column] = {}
    for name, kind in PEOPLE_COLUMNS.items():
        if name in columns:
            given = np.asarray(columns[name])
            if given.dtype == kind:
                typed[name] = given
                continue
            try:
                with np.errstate(invalid="ignore"):  # nan in a count: named below
                    typed[name] = given.astype(kind)
            except (TypeError, ValueError):  # text, for one
                faults.append(f"column {name!r} has values that are no numbers")
                continue
            if not np.array_equal(typed[name], given, equal_nan=kind.kind == "f"):
                faults.append(f"column {name!r} has values that do not fit {kind.name}")
    lengths = {name: column.shape for name, column in typed.items()}
    if len(set(lengths.values())) > 1 or any(len(shape) != 1 for shape in lengths.values()):
        faults.append(f"columns differ in length: {lengths}")
    numbers = typed.get("number")
    if (
        numbers is not None
        and not faults
        and not (np.diff(numbers) > 0).all()
        and len(set(numbers.tolist())) < len(numbers)
    ):
        faults.append("two rows have the same number")
    if faults:
        raise RecordError(f"{where}: " + "; ".join(faults))
    return typed


# ---------------------------------------------------------------- samples


class SamplesWriter:
    """Collects metric samples in memory and writes samples.npz.

    Within a series, times must not fall. Of a run of equal values only the first and the last sample are kept, which
    loses nothing for a counter or gauge and makes a quiet histogram nearly free.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}
        self._last_value: list[float] = []
        self._held_time: list[float | None] = []
        self._series_index = array("i")
        self._time = array("d")
        self._value = array("d")

    def add(self, t: float, name: str, labels: Mapping[str, str], value: float) -> None:
        """Add one sample; t in real seconds since the doors opened."""
        key = (name, tuple(sorted(labels.items())))
        index = self._known.get(key)
        if index is None:
            index = self._known[key] = len(self._known)
            self._last_value.append(value)
            self._held_time.append(None)
            self._append(index, t, value)
        elif value == self._last_value[index]:
            self._held_time[index] = t
        else:
            self._release(index)
            self._last_value[index] = value
            self._append(index, t, value)

    def write(self, folder: Path) -> None:
        """Write all samples so far to samples.npz; more may be added and written again later."""
        for index in range(len(self._known)):
            self._release(index)
        series = json.dumps([{"name": name, "labels": dict(labels)} for name, labels in self._known])
        index_of = np.frombuffer(self._series_index, dtype="i4") if self._series_index else np.zeros(0, "i4")
        times = np.frombuffer(self._time) if self._time else np.zeros(0)
        values = np.frombuffer(self._value) if self._value else np.zeros(0)
        order = np.argsort(index_of, kind="stable")
        arrays = {
            "series": np.array(series),
            "series_index": index_of[order],
            "time": times[order],
            "value": values[order],
        }
        del index_of, times, values  # views would forbid the buffers to grow
        write_whole(folder / "samples.npz", lambda file: np.savez_compressed(file, allow_pickle=False, **arrays))

    def _append(self, index: int, t: float, value: float) -> None:
        self._series_index.append(index)
        self._time.append(t)
        self._value.append(value)

    def _release(self, index: int) -> None:
        held = self._held_time[index]
        if held is not None:
            self._append(index, held, self._last_value[index])
            self._held_time[index] = None


Series = tuple[str, Mapping[str, str], FloatArray, FloatArray]
"""Name, labels, times and values of one."""


def write_series(folder: Path, several: Iterable[Series]) -> None:
    """Write samples.npz out of whole series, times ascending; kept are the samples that a SamplesWriter would keep."""
    told: list[dict[str, Any]] = []
    kept: list[tuple[FloatArray, FloatArray]] = []
    for name, labels, times, values in several:
        told.append({"name": name, "labels": dict(labels)})
        turns = np.ones(len(values) + 1, np.bool_)
        turns[1:-1] = values[1:] != values[:-1]
        chosen = turns[:-1] | turns[1:]  # the first and the last of a run of equal ones
        kept.append((times[chosen], values[chosen]))
    arrays = {
        "series": np.array(json.dumps(told)),
        "series_index": np.repeat(np.arange(len(kept), dtype="i4"), [len(times) for times, _ in kept]),
        "time": np.concatenate([times for times, _ in kept] or [np.zeros(0)]),
        "value": np.concatenate([values for _, values in kept] or [np.zeros(0)]),
    }
    write_whole(folder / "samples.npz", lambda file: write_arrays(file, arrays))


class Samples:
    """Metric samples of a run, by series."""

    def __init__(self, series: list[dict[str, Any]], series_index: Column, time: FloatArray, value: FloatArray) -> None:
        """series_index, time, value: equally long; series_index points into `series`."""
        after = np.diff(series_index)
        if (after < 0).any() or ((np.diff(time) < 0) & (after == 0)).any():  # a SamplesWriter leaves none
            order = np.lexsort((time, series_index))
            series_index, time, value = series_index[order], time[order], value[order]
        self._time, self._value = time, value
        self._starts = np.searchsorted(series_index, np.arange(len(series) + 1))
        self._labels: list[dict[str, str]] = [entry["labels"] for entry in series]
        self._of_name: dict[str, list[int]] = {}
        for index, entry in enumerate(series):
            self._of_name.setdefault(entry["name"], []).append(index)

    @classmethod
    def load(cls, folder: Path) -> "Samples":
        """Read samples.npz; raises RecordError when the file does not fit."""
        path = folder / "samples.npz"
        arrays = read_arrays(path)
        if faults := [name for name in SAMPLE_ARRAYS if name not in arrays]:
            raise RecordError(f"{path}: missing array {', '.join(faults)}")
        series = _parsed(str(arrays["series"]), f"{path}: series")
        if faults := record_shapes.series_faults(series):
            raise RecordError(f"{path}: {_joined(faults)}")
        index, time, value = (arrays[name] for name in SAMPLE_ARRAYS[1:])
        if any(one.ndim != 1 or one.dtype.kind not in "iuf" for one in (index, time, value)) or index.dtype.kind == "f":
            raise RecordError(f"{path}: series_index, time and value must be lists of numbers")
        if not len(index) == len(time) == len(value):
            raise RecordError(f"{path}: series_index, time and value differ in length")
        if len(index) and not (index.min() >= 0 and index.max() < len(series)):
            raise RecordError(f"{path}: series_index points outside the list of series")
        return cls(series, index, time, value)

    @classmethod
    def none(cls) -> "Samples":
        """No samples at all: of a run that ended before the first scrape."""
        return cls([], np.zeros(0, "i4"), np.zeros(0), np.zeros(0))

    @property
    def names(self) -> list[str]:
        return sorted(self._of_name)

    def select(self, name: str, **labels: str) -> Selection:
        """Every series called `name` whose labels include `labels`: (labels, times ascending, values), maybe none."""
        found: Selection = []
        for index in self._of_name.get(name, ()):
            own = self._labels[index]
            if labels.items() <= own.items():
                span = slice(int(self._starts[index]), int(self._starts[index + 1]))
                found.append((own, self._time[span], self._value[span]))
        return found


# ---------------------------------------------------------------- events and configuration


def add_event(folder: Path, t: float, kind: str, name: str, *, edge: str | None = None, **facts: object) -> None:
    """Append one event to events.jsonl; kind is phase, fault or note, edge start or end where it has two."""
    event = {"t": round(t, 3), "kind": kind, "name": name, **({"edge": edge} if edge else {}), **facts}
    with (folder / "events.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(event, ensure_ascii=False) + "\n")


def read_events(folder: Path) -> list[dict[str, Any]]:
    """All events in the order of writing; a last line cut short by a kill is left out."""
    path = folder / "events.jsonl"
    if not path.exists():
        return []
    lines = _text(path, "event log").split("\n")
    if not lines[-1].endswith("}"):
        lines.pop()
    events = []
    for number, line in enumerate(lines, start=1):
        if line:
            events.append(_parsed(line, f"{path}:{number}"))
            if faults := record_shapes.event_faults(events[-1]):
                raise RecordError(f"{path}:{number}: {_joined(faults)}")
    return events


def _text(path: Path, kind: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        words = fault.strerror if isinstance(fault, OSError) else "not UTF-8 text"
        raise RecordError(f"{path}: not a readable {kind} ({words})") from None


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise RecordError(f"{where}: not JSON ({str(fault).split(';')[0]})") from None


def _joined(faults: list[str]) -> str:
    """One line, however much is damaged."""
    more = len(faults) - _FAULTS_TOLD
    return "; ".join(faults[:_FAULTS_TOLD]) + (f"; and {more} more" if more > 0 else "")


def write_config(folder: Path, config: Mapping[str, Any]) -> None:
    """Write run.json. Raises RecordError naming every key of CONFIG_KEYS that is missing."""
    _check_config(config, "run.json")
    text = json.dumps(config, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(folder / "run.json", lambda file: file.write(text.encode()))


def _check_config(config: Mapping[str, Any], where: str) -> None:
    faults = [f"missing key {key!r}" for key in CONFIG_KEYS if key not in config]
    if not faults and config["schema"] != SCHEMA:
        faults.append(f"schema {config['schema']!r} is not {SCHEMA}, the one this version reads")
    if not faults and config["ended"] not in COMPLETE_ENDS + PARTIAL_ENDS:
        faults.append(f"ended {config['ended']!r} is none of {', '.join(COMPLETE_ENDS + PARTIAL_ENDS)}")
    if faults:
        raise RecordError(f"{where}: " + "; ".join(faults))


@dataclass(frozen=True)
class Run:
    """One run folder, read."""

    folder: Path
    config: dict[str, Any]
    people: dict[str, Column]
    samples: Samples
    events: list[dict[str, Any]]
    absent: tuple[str, ...] = field(default=())
    """Files that a run cut short had not written; their parts of the record are empty."""

    @classmethod
    def load(cls, folder: Path | str) -> "Run":
        """Read a run folder.

        people.npz and samples.npz may be absent only where the run ended early or a child exited unexpectedly.
        Raises RecordError, with the file and what is wrong.
        """
        folder = Path(folder)
        path = folder / "run.json"
        config = _parsed(_text(path, "run"), f"{path}: not a readable run")
        if not isinstance(config, dict):
            raise RecordError(f"{path}: not a JSON object")
        _check_config(config, str(path))
        if faults := record_shapes.config_faults(config):
            raise RecordError(f"{path}: {_joined(faults)}")
        absent = tuple(name for name in ("people.npz", "samples.npz") if not (folder / name).exists())
        cut_short = config["ended"] in PARTIAL_ENDS or any(not one["expected"] for one in config["exits"])
        if absent and not cut_short:
            raise RecordError(f"{folder}: {' and '.join(absent)} absent although the run ended {config['ended']!r}")
        return cls(
            folder=folder,
            config=config,
            people=blank_people(0) if "people.npz" in absent else read_people(folder),
            samples=Samples.none() if "samples.npz" in absent else Samples.load(folder),
            events=read_events(folder),
            absent=absent,
        )
