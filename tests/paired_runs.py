"""Synthetic runs for comparisons: what is measured in one second resembles what is measured in the next.

How slow the service is at a moment wanders: a part of it is gone after seconds, a part stays for a minute, as it does
in real rehearsals (`make acceptance NAME=comparison` shows both autocorrelations). Answers, errors, people and
processor time all follow it, so that their windows are no independent witnesses.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal, stats

from scenarios import record
from scenarios.record import Fate, Run, Samples
from service.domain.buckets import CALIBRATION
from tests.unit import synthetic_run

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Night:
    """What a run plays, and how it wavers."""

    seconds: int = 240
    answers_per_s: float = 400.0
    """In the first minute; from there on it falls to a third."""
    middle_s: float = 0.02
    spread: float = 0.6
    """Of the logarithm of an answer's time around the level of its second."""
    wavering: float = 0.1
    """Standard deviation of the level's logarithm."""
    lasting_s: tuple[float, float] = (4.0, 60.0)
    """After which the quick and the slow half of the wavering are down to a third."""
    people: int = 1500
    errors: float = 0.002
    joining: float = 0.97
    wait_s: float = 30.0
    cpu_s: float = 0.0012


def wandering(night: Night, rng: np.random.Generator, seconds: int) -> FloatArray:
    """The level's logarithm second by second: two autoregressive processes of the same variance added up."""
    total = np.zeros(seconds)
    for lasting in night.lasting_s:
        memory = float(np.exp(-1.0 / lasting))
        steps = rng.standard_normal(seconds) * np.sqrt(1.0 - memory**2)
        steps[0] /= np.sqrt(1.0 - memory**2)  # as if it had always been going on
        total += signal.lfilter([1.0], [1.0, -memory], steps)
    level: FloatArray = night.wavering / np.sqrt(len(night.lasting_s)) * total
    return level


def made(night: Night, rng: np.random.Generator, slower: float = 1.0, **config: Any) -> Run:
    """One run of the night, with answers `slower` times as slow; config: keys of run.json that differ."""
    seconds = night.seconds
    level = wandering(night, rng, seconds)
    rate = night.answers_per_s * np.where(np.arange(seconds) < 60, 1.0, 1.0 / 3.0)
    answers = rng.poisson(rate)
    times = np.log(np.array(CALIBRATION)) - np.log(night.middle_s * slower)
    shares = np.diff(stats.norm.cdf((times - level[:, None]) / night.spread), axis=1, prepend=0.0, append=1.0)
    counts = np.cumsum(rng.multinomial(answers, shares), axis=1)
    errors = rng.binomial(answers, np.clip(night.errors * np.exp(4.0 * level), 0.0, 1.0))
    cpu = night.cpu_s * answers * np.exp(0.3 * level + 0.01 * rng.standard_normal(seconds))
    series: list[tuple[str, dict[str, str], NDArray[Any]]] = [
        ("swarm_scheduled_seconds_bucket", {"route": "answers", "le": edge}, counts[:, i])
        for i, edge in enumerate([*map(str, CALIBRATION), "+Inf"])
    ]
    series += [
        ("swarm_requests_total", {"route": "answers", "outcome": "ok"}, answers - errors),
        ("swarm_requests_total", {"route": "answers", "outcome": "error"}, errors),
        ("rehearsal_cpu_seconds_total", {"role": "web"}, cpu),
    ]
    settings = {**synthetic_run.config(night.people), **config}
    return Run(Path(str(settings["id"])), settings, _people(night, level, rng), _samples(series, rng), [])


def _people(night: Night, level: FloatArray, rng: np.random.Generator) -> dict[str, record.Column]:
    columns = record.blank_people(night.people)
    due = np.sort(rng.uniform(0.0, night.seconds, night.people))
    then = level[due.astype(int)]
    joins = rng.random(night.people) < night.joining * np.exp(-np.maximum(then, 0.0) / 10.0)
    columns["due"] = columns["started"] = due
    columns["fate"][:] = np.where(joins, Fate.JOINED, Fate.FAILED)
    columns["wait"] = night.wait_s * np.exp(3.0 * then + 0.3 * rng.standard_normal(night.people))
    columns["ended"] = np.minimum(due + columns["wait"], night.seconds)
    columns["photos_started"][:] = 2
    columns["photos_stored"][:] = 2 - (rng.random(night.people) < 0.004)
    columns["photo_tries"][:] = 2 + (rng.random(night.people) < 0.05)
    return columns


def _samples(series: list[tuple[str, dict[str, str], NDArray[Any]]], rng: np.random.Generator) -> Samples:
    """Counters that gained `series` second by second, scraped every other second, not quite on time."""
    seconds = len(series[0][2])
    scraped = np.arange(1, seconds, 2)
    moments = scraped + 1.0 + rng.uniform(0.0, 0.2, len(scraped))
    described = [{"name": name, "labels": {"job": "swarm", "instance": "1", **own}} for name, own, _ in series]
    values = np.concatenate([np.cumsum(gained)[scraped] for _, _, gained in series])
    index = np.repeat(np.arange(len(series)), len(scraped))
    return Samples(described, index, np.tile(moments, len(series)), values)
