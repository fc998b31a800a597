"""Edges of every latency histogram, in seconds, shared by service, swarm, partners, simulation and reports.

Each bound of an objective is an edge, so "share under the limit" is exact and only quantiles interpolate.
"""

import math
from itertools import pairwise

DEFAULT: tuple[float, ...] = (
    0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0,
)  # fmt: skip


def _subdivided(edges: tuple[float, ...], ratio: float) -> tuple[float, ...]:
    """`edges` with geometric steps of at most `ratio` laid between each pair."""
    fine: list[float] = []
    for low, high in pairwise(edges):
        steps = math.ceil(math.log(high / low) / math.log(ratio))
        fine += [round(low * (high / low) ** (i / steps), 6) for i in range(steps)]
    return (*fine, edges[-1])


CALIBRATION: tuple[float, ...] = _subdivided((0.001, *DEFAULT, 120.0), 1.23)
"""For `metrics_detail = calibration` and the swarm: about 64 edges, percentiles within a few percent of the truth."""
