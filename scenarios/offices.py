"""The line at a labor office: one helper types for those who come there, one after the other.

Like the plan of arrivals it is reckoned beforehand from the whole plan, so every process has the same line, however the
people are dealt over workers. A helper is taken by each for the same time, whatever the service does meanwhile.
"""

import numpy as np
from numpy.typing import NDArray

from scenarios.catalogue import Night
from scenarios.population import office_of
from scenarios.streams import Purpose, uniforms


def waits(night: Night, seed: int, due: NDArray[np.float64], pace: float) -> dict[int, float]:
    """How long each applicant who is helped waits for the helper before beginning, in real seconds, by number.

    due: float64 (n,), real seconds since the opening, of applicants 0 to n - 1, not necessarily ascending. Whoever does
    not wait is left out. An office takes people in the order in which they come, those of one moment by number.
    """
    assisted = night.population.assisted
    if assisted is None or not len(due):
        return {}
    drawn = uniforms(seed, np.arange(len(due)), Purpose.ASSISTED, 0)
    helped = np.flatnonzero(drawn < assisted.share)
    free_at: dict[int, float] = {}
    found: dict[int, float] = {}
    for number in helped[np.argsort(due[helped], kind="stable")].tolist():
        came = float(due[number])
        office = office_of(night, seed, number)
        begins = max(came, free_at.get(office, came))
        free_at[office] = begins + assisted.helper_s / pace
        if begins > came:
            found[number] = begins - came
    return found
