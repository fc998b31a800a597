"""Live runs with a seeded bottleneck, cut down to what naming it looks at: `recorded/NAME.npz`, some ten KB each.

`python -m tests.unit.recorded_strains RUN NAME` cuts another one from a run of `make acceptance NAME=bottlenecks
ARGS="--keep FOLDER"`.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from reports import bottleneck
from reports.facts import Facts
from scenarios import record
from scenarios.record import Run, Samples, SamplesWriter
from tests.unit.synthetic_run import config

FOLDER = Path(__file__).parent / "recorded"
COLUMNS = ("started", "ticketed_at", "admitted_at", "ended")
KEYS = ("last_arrival_s", "played_s")


class _Watched:
    """Samples that remember which names were asked for."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        self.asked: set[str] = set()

    def select(self, name: str, **labels: str) -> Any:
        self.asked.add(name)
        return self._samples.select(name, **labels)


def cut(run: Path, name: str) -> None:
    """Keep of a run folder what `bottleneck.find` asks for."""
    whole = Run.load(run)
    watched = _Watched(whole.samples)
    bottleneck.find(Facts(replace(whole, samples=watched)))  # type: ignore[arg-type]
    writer = SamplesWriter()
    for asked in sorted(watched.asked):
        for labels, times, values in whole.samples.select(asked):
            for t, value in zip(times, values, strict=True):
                writer.add(round(float(t), 3), asked, labels, float(value))
    FOLDER.mkdir(exist_ok=True)
    writer.write(FOLDER)
    kept = dict(np.load(FOLDER / "samples.npz"))
    (FOLDER / "samples.npz").unlink()
    people = {f"people.{column}": whole.people[column] for column in COLUMNS}
    said = {f"config.{key}": np.array(float(whole.config[key])) for key in KEYS}
    np.savez_compressed(FOLDER / f"{name}.npz", allow_pickle=False, **kept, **people, **said)


def facts(name: str, folder: Path) -> Facts:
    """What the report knows of the run that was cut; `folder` is written."""
    arrays = dict(np.load(FOLDER / f"{name}.npz"))
    people = record.blank_people(len(arrays["people.started"]))
    people |= {column: arrays[f"people.{column}"] for column in COLUMNS}
    record.write_people(folder, people)
    record.write_config(folder, {**config(len(people["due"])), **{key: float(arrays[f"config.{key}"]) for key in KEYS}})
    with (folder / "samples.npz").open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **{key: arrays[key] for key in record.SAMPLE_ARRAYS})
    return Facts(Run.load(folder))


if __name__ == "__main__":
    cut(Path(sys.argv[1]), sys.argv[2])
