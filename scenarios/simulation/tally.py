"""What a run counts: answers by minute, action and result, how long they took, and how full everything was."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.journey_state import Result
from scenarios.simulation.compiled import shared
from scenarios.simulation.figures import ACTIONS
from scenarios.simulation.requests import PATIENCE_US
from scenarios.simulation.world import MINUTE_US
from service.domain import buckets

RESULTS = max(Result) + 1
LEVELS = (
    "email_depth", "email_oldest_ms", "sms_depth", "sms_oldest_ms", "identity_depth", "identity_oldest_ms",
    "line", "at_gate", "live", "web_wait_us", "database_wait_us", "gate_per_1000_s",
)  # fmt: skip
_EDGES_US = np.array([round(edge * 1e6) for edge in buckets.CALIBRATION], np.int64)
_COARSE = np.searchsorted([round(edge * 1e6) for edge in buckets.DEFAULT], [*_EDGES_US.tolist(), 1 << 62])
_FINE = 10
"""Bits of a microsecond that a first guess at the bucket does not look at: about a thousandth of a second."""
_FIRST = np.searchsorted(_EDGES_US, np.arange(1 << 7) << _FINE)


class Tally(NamedTuple):
    """answered: int32 by minute, action and result. took: int64 by action and bucket, the last one open, of answers
    that came. levels: int64 by minute and LEVELS, at the minute's beginning.

    For a record, by minute, action and bucket of the swarm's histograms, the last one open, of requests that no broken
    line ended: times, and their sum spent_us. A client that gave up counts with the time it waited.
    """

    answered: NDArray[np.int32]
    took: NDArray[np.int64]
    levels: NDArray[np.int64]
    times: NDArray[np.int32]
    spent_us: NDArray[np.int64]
    edges_us: NDArray[np.int64]
    first: NDArray[np.int64]
    """By the upper bits of a time: the least bucket that it may be in."""
    coarse: NDArray[np.int64]
    """By bucket: the bucket of the service's own edges."""


def made(minutes: int, recorded: bool = False) -> Tally:
    """Nothing counted yet; what comes after so many minutes counts for the last one. recorded: for a record, too."""
    told = minutes if recorded else 1
    return Tally(
        np.zeros((minutes, ACTIONS, RESULTS), np.int32),
        np.zeros((ACTIONS, len(buckets.DEFAULT) + 1), np.int64),
        np.zeros((minutes, len(LEVELS)), np.int64),
        np.zeros((told, ACTIONS, len(_EDGES_US) + 1), np.int32),
        np.zeros((told, ACTIONS), np.int64),
        _EDGES_US.copy(),
        _FIRST.astype(np.int64),
        _COARSE.astype(np.int64),
    )


@shared
def count(tally: Tally, row: Any, result: int, at_us: int) -> None:
    """The row's request ended with `result`."""
    action = int(row.action)
    minute = at_us // MINUTE_US
    tally.answered[min(minute, len(tally.answered) - 1), action, result] += 1
    if result == Result.KILLED:
        return
    gave_up = result == Result.TIMEOUT
    took_us = PATIENCE_US + 0 if gave_up else int(row.answer_us)
    bucket = tally.first[min(took_us >> _FINE, len(tally.first) - 1)]
    while bucket < len(tally.edges_us) and took_us > tally.edges_us[bucket]:
        bucket += 1
    if not gave_up:
        tally.took[action, tally.coarse[bucket]] += 1
    if result != Result.ERROR:
        minute = min(minute, len(tally.times) - 1)
        tally.times[minute, action, bucket] += 1
        tally.spent_us[minute, action] += took_us
