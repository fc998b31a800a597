"""How much of a channel's messages goes to its second provider.

Compiled rules (DESIGN section 2). Away from a provider that answers badly in steps, each after it was judged again;
back in steps too, each after a calm time that grows with every return that failed. A single error moves nothing.
Experience: GOV.UK Notify first moved all its text messages on one 5xx, and later shared them out.
"""

from typing import NamedTuple

STEPS = 4
JUDGED_CALLS = 20
"""Fewer say nothing about a share."""
BAD_SHARE = 0.2
GOOD_SHARE = 0.05
"""Between the two nothing moves: a provider at the edge does not swing."""
STEP_S = 5.0
"""Between two steps away: the second provider is seen to bear one before it gets the next."""
HOLD_S = 30.0
"""Calm before a step back."""
LONGEST_HOLD_S = 960.0


class Diversion(NamedTuple):
    step: int
    since: float
    """When the step last changed or the provider last answered badly."""
    hold: float
    """Seconds of calm before the next step back."""
    back: bool
    """The last change was a step back."""


def undiverted(now: float) -> Diversion:
    return Diversion(0, now, HOLD_S, False)


def second_share(step: int) -> float:
    """Share of the messages that goes to the second provider: 0, 0.1, 0.5, 0.9, 1."""
    if step <= 0:
        return 0.0
    if step == 1:
        return 0.1
    if step == 2:
        return 0.5
    if step == 3:
        return 0.9
    return 1.0


def bad(calls: int, failures: int) -> bool:
    return calls >= JUDGED_CALLS and failures >= BAD_SHARE * calls


def judged(diversion: Diversion, calls: int, failures: int, circuit_open: bool, now: float) -> Diversion:
    """The diversion after `calls` of the first provider, of which `failures` failed; to be called every STEP_S.

    circuit_open: nobody reaches the first provider, so it is not calm however few calls there were.
    """
    step, since, hold, back = diversion
    if circuit_open or bad(calls, failures):
        if step >= STEPS:
            return Diversion(step, now, hold, False)
        if now - since < STEP_S:
            return diversion
        if back and hold < LONGEST_HOLD_S:  # the return failed: the next one takes twice as long to come
            hold = hold + hold
        return Diversion(step + 1, now, hold, False)
    if step == 0:
        if hold > HOLD_S and now - since >= LONGEST_HOLD_S:
            return undiverted(now)
        return diversion
    if failures > GOOD_SHARE * calls:
        return Diversion(step, now, hold, back)
    if now - since >= hold:
        return Diversion(step - 1, now, hold, True)
    return diversion
