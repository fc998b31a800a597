"""Judging a log of admissions by counting it: sliding windows, use of a limit, people overtaken."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def most_in_window(instants: Sequence[float] | Floats, seconds: float) -> int:
    """The most instants that lie in any half-open interval of `seconds`, wherever it begins. Exact.

    A fullest interval can be moved to begin at an instant without losing one, so only those are looked at.
    """
    times = np.sort(np.asarray(instants, dtype=np.float64))
    if not len(times):
        return 0
    ends = np.searchsorted(times, times + seconds, side="left")
    return int(np.max(ends - np.arange(len(times))))


def excess(instants: Sequence[float] | Floats, seconds: float, limit: int) -> int:
    """By how many the fullest such interval passes the limit; 0 when none does."""
    return max(0, most_in_window(instants, seconds) - limit)


def count_between(instants: Sequence[float] | Floats, start: float, end: float) -> int:
    """How many lie in [start, end)."""
    times = np.asarray(instants, dtype=np.float64)
    return int(np.count_nonzero((times >= start) & (times < end)))


def share_used(instants: Sequence[float] | Floats, start: float, end: float, rate_per_s: float) -> float:
    """Admissions in [start, end) over what the rate allows there."""
    return count_between(instants, start, end) / (rate_per_s * (end - start))


def overtaken_by(seniority: Sequence[float] | Floats, admitted: Sequence[float] | Floats) -> Floats:
    """For each person, how much later than they the last comer came who went in before them; 0 for nobody.

    seniority: when each came; admitted: when each was let in. Ties of `admitted` overtake nobody.
    """
    came, entered = np.asarray(seniority, dtype=np.float64), np.asarray(admitted, dtype=np.float64)
    order = np.lexsort((came, entered))
    newest = np.maximum.accumulate(came[order])
    # Those let in at the same instant as one are no reason for complaint: look at strictly earlier ones.
    before = np.searchsorted(entered[order], entered, side="left")
    latest = np.where(before > 0, newest[np.maximum(before - 1, 0)], -np.inf)
    return np.maximum(latest - came, 0.0)


def peak_to_mean(instants: Sequence[float] | Floats, start: float, end: float, width: float = 1.0) -> float:
    """Fullest bin over the mean of the bins of [start, end)."""
    edges = np.arange(start, end + width / 2, width)
    counts, _ = np.histogram(np.asarray(instants, dtype=np.float64), edges)
    mean = counts.mean()
    return float(counts.max() / mean) if mean else 0.0
