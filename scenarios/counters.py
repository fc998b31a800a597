"""Counters of a record: what they gained, resets included, and by when.

A counter starts at zero with its process, so its first sample counts in full, and a fall means a restart: what the new
process shows has all been counted since.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from scenarios.record import Samples

FloatArray = NDArray[np.float64]


def growth(values: FloatArray) -> FloatArray:
    """What a counter gained up to each sample, resets included; shape of `values`, never negative."""
    before = np.concatenate(([0.0], values[:-1]))
    return np.where(values >= before, values - before, values)


def grown(samples: Samples, name: str, moments: FloatArray, **labels: str) -> FloatArray:
    """What the counters `name` with these labels had gained together by each moment; shape of `moments`.

    Evenly between two scrapes: programs are scraped one after the other, and their rhythm is not to show. A record
    keeps both ends of a span in which a counter rested, so nothing is spread over it.
    """
    counted = np.zeros(len(moments))
    for _, times, values in samples.select(name, **labels):
        counted += np.interp(moments, times, np.cumsum(growth(values)), left=0.0)
    return counted


def grown_buckets(samples: Samples, name: str, moments: FloatArray, **labels: str) -> Mapping[float, FloatArray]:
    """Upper edge (s) -> how many values of the classic histogram `name` were at or below it by each moment."""
    edges = {own["le"] for own, _, _ in samples.select(f"{name}_bucket", **labels)}
    return {float(edge): grown(samples, f"{name}_bucket", moments, **labels, le=edge) for edge in edges}
