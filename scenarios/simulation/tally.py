"""What a run counts: answers by minute, action and result, how long they took, and how full everything was."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.journey_state import Result
from scenarios.simulation.compiled import shared
from scenarios.simulation.figures import ACTIONS
from scenarios.simulation.world import MINUTE_US
from service.domain import buckets

RESULTS = max(Result) + 1
LEVELS = (
    "email_depth", "email_oldest_ms", "sms_depth", "sms_oldest_ms", "identity_depth", "identity_oldest_ms",
    "line", "at_gate", "live", "web_wait_us", "database_wait_us",
)  # fmt: skip
_EDGES_US = np.array([round(edge * 1e6) for edge in buckets.DEFAULT], np.int64)


class Tally(NamedTuple):
    """answered: int32 by minute, action and result. took: int64 by action and bucket, the last one open, of answers
    that came. levels: int64 by minute and LEVELS, at the minute's beginning."""

    answered: NDArray[np.int32]
    took: NDArray[np.int64]
    levels: NDArray[np.int64]
    edges_us: NDArray[np.int64]


def made(minutes: int) -> Tally:
    """Nothing counted yet; what comes after so many minutes counts for the last one."""
    return Tally(
        np.zeros((minutes, ACTIONS, RESULTS), np.int32),
        np.zeros((ACTIONS, len(_EDGES_US) + 1), np.int64),
        np.zeros((minutes, len(LEVELS)), np.int64),
        _EDGES_US.copy(),
    )


@shared
def count(tally: Tally, row: Any, result: int, at_us: int) -> None:
    """The row's request ended with `result`."""
    action = int(row.action)
    minute = min(at_us // MINUTE_US, len(tally.answered) - 1)
    tally.answered[minute, action, result] += 1
    if result == Result.TIMEOUT or result == Result.KILLED:
        return
    bucket = 0
    while bucket < len(tally.edges_us) and row.answer_us > tally.edges_us[bucket]:
        bucket += 1
    tally.took[action, bucket] += 1
