"""A record of millions with the shape of a real one: every metric, column and event that a real run wrote, grown.

People are rows of the real run, drawn again and again at other moments; some of them end on the way, as on a bad night.
Counters and gauges keep their course, stretched over a longer run with a sample of each second, and count as much more
as there are more people.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import record
from scenarios.record import Fate, Furthest, Reason, Run

FloatArray = NDArray[np.float64]

ENDS = {
    Fate.JOINED: (0.62, (Reason.JOINED,)),
    Fate.ABANDONED: (0.2, (Reason.LEFT_THE_LINE, Reason.LOST_INTEREST)),
    Fate.FAILED: (0.11, (Reason.NO_CODE, Reason.ERRORS, Reason.TIMEOUTS, Reason.BUSY)),
    Fate.REFUSED: (0.05, (Reason.NOT_ELIGIBLE, Reason.IDENTITY_MISMATCH, Reason.ADDRESS_TAKEN)),
    Fate.CUT: (0.02, (Reason.RUN_ENDED,)),
}
"""Share of the people, and why."""
STAGES = [stage for stage in Furthest if stage is not Furthest.NONE]
TIMES_OF_PROCESSES = ("cpu_seconds_total", "_watched_seconds_total", "_wait_seconds_total", "_busy_seconds_total",
                      "_main_thread_seconds_total")  # fmt: skip
"""Counters of what a process took and saw: they grow with the time that is played, not with the people."""
PROVINCES, NETWORKS, PATIENCES = 34, 5, 3


def grow(real: Path, folder: Path, people: int, seconds: float = 1500.0, seed: int = 1) -> Path:
    """Write into `folder` a run of `people` that lasts `seconds`, from the finished run in `real`."""
    run, rng = Run.load(real), np.random.default_rng(seed)
    folder.mkdir(parents=True)
    stretch, more = seconds / float(run.config["played_s"]), people / run.config["planned"]
    columns = _people(run, people, stretch, rng)
    record.write_people(folder, columns)
    series, index, time, value = _samples(run, stretch, more, seconds)
    np.savez_compressed(folder / "samples.npz", series=np.array(json.dumps(series)), series_index=index, time=time,
                        value=value)  # fmt: skip
    _events(run, folder, stretch)
    if (latency := real / "latency.json").exists():
        (folder / "latency.json").write_text(latency.read_text())
    record.write_config(folder, _config(run, people, stretch, more, float(np.nanmax(columns["started"]))))
    return folder


def _config(run: Run, people: int, stretch: float, more: float, last_arrival: float) -> dict[str, Any]:
    old = run.config
    ledgers = {
        kind: {name: None if count is None else round(count * more) for name, count in ledger.items()}
        for kind, ledger in (old["ledgers"] or {}).items()
    }
    return {
        **old,
        "id": f"{old['id']}-grown",
        "planned": people,
        "ledgers": ledgers,
        "last_arrival_s": last_arrival,
        "played_s": old["played_s"] * stretch,
        "cpu_s": {role: used * stretch for role, used in old["cpu_s"].items()},
    }


def _events(run: Run, folder: Path, stretch: float) -> None:
    for event in run.events:
        words = {name: value for name, value in event.items() if name not in ("t", "kind", "name", "edge")}
        record.add_event(folder, event["t"] * stretch, event["kind"], event["name"], edge=event.get("edge"), **words)


def _people(run: Run, people: int, stretch: float, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Rows in the order of their arrival, as a swarm writes them."""
    known = np.flatnonzero(np.isfinite(run.people["started"]))
    rows = known[rng.integers(len(known), size=people)]
    columns = {name: values[rows] for name, values in run.people.items()}
    arrived = np.sort(rng.random(people)) ** 0.8 * float(run.config["last_arrival_s"]) * stretch
    moved = arrived - columns["due"]
    slower = rng.lognormal(0.0, 0.25, people)
    for name in ("due", "started", "ended", *(stage.column for stage in STAGES)):
        own = columns[name] - run.people["due"][rows]
        columns[name] = run.people["due"][rows] + moved + own * np.where(own > 1.0, slower, 1.0)
    columns["number"] = np.arange(people, dtype="i8")
    for name, kinds in (("province", PROVINCES), ("network", NETWORKS), ("patience", PATIENCES)):
        columns[name] = np.minimum(rng.geometric(2.0 / kinds, people) - 1, kinds - 1).astype("u1")
    columns["wait"] = columns["wait"] * slower
    _end_on_the_way(columns, rng)
    return columns


def _end_on_the_way(columns: dict[str, NDArray[Any]], rng: np.random.Generator) -> None:
    """Give everybody a fate and a reason; who does not join has no time of what would have come later."""
    people = len(columns["number"])
    fates = rng.choice(list(ENDS), people, p=[share for share, _ in ENDS.values()])
    columns["fate"] = fates.astype("u1")
    furthest = np.where(fates == Fate.JOINED, Furthest.WAVE_JOINED, rng.integers(1, len(STAGES), people))
    columns["furthest"] = furthest.astype("u1")
    for fate, (_, reasons) in ENDS.items():
        own = fates == fate
        columns["reason"][own] = rng.choice([int(reason) for reason in reasons], int(own.sum()))
    for stage in STAGES:
        columns[stage.column] = np.where(furthest >= stage, columns[stage.column], np.nan)
    for name, stage in (("photos_stored", Furthest.PHOTOS_UPLOADED), ("codes_accepted", Furthest.CODE_VERIFIED)):
        columns[name] = np.where(furthest >= stage, columns[name], 0).astype(columns[name].dtype)


def _samples(
    run: Run, stretch: float, more: float, seconds: float
) -> tuple[list[dict[str, Any]], NDArray[np.int32], FloatArray, FloatArray]:
    """series, and of each sample the place of its series, moment and value; of equal values the ends alone are kept."""
    grid = np.arange(-10.0, seconds, 1.0)
    series, lengths, times, values = [], [], [], []
    for name in run.samples.names:
        counts = name.endswith(("_total", "_bucket", "_count", "_sum"))
        factor = stretch if name.endswith(TIMES_OF_PROCESSES) else more
        for labels, moments, seen in run.samples.select(name):
            course = np.interp(grid, moments * stretch, seen) if counts else seen[
                np.clip(np.searchsorted(moments * stretch, grid, side="right") - 1, 0, None)
            ]  # fmt: skip
            if counts:
                course = course * factor
                if name.endswith("_bucket") or "_seconds_" not in name:
                    course = np.floor(course)
            change = np.flatnonzero(np.diff(course))
            kept = np.unique(np.concatenate(([0], change, change + 1, [len(grid) - 1])))
            series.append({"name": name, "labels": labels})
            lengths.append(len(kept))
            times.append(grid[kept])
            values.append(course[kept])
    index = np.repeat(np.arange(len(series), dtype="i4"), lengths)
    return series, index, np.concatenate(times), np.concatenate(values)
