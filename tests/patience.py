"""Measuring on a machine that others use too: what they add is nobody's fault, a fault adds its part every time."""

from collections.abc import Callable

TRIES = 5


def least(measure: Callable[[], float], below: float, *, tries: int = TRIES) -> float:
    """The least of some measurements: of one when that is below `below`, else of up to `tries`.

    For "it takes less than": a slow program is slow each time, a busy machine is not.
    """
    found = measure()
    while not found < below and (tries := tries - 1) > 0:
        found = min(found, measure())
    return found
