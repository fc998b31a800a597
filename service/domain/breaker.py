"""The circuit of one partner: when to stop asking it, when to try again, when it is trusted again.

Compiled rules (DESIGN section 2); instants are seconds of one clock that never runs backwards.

A circuit counts only what answers to the calls of its own generation: calls that began before it changed its state say
how the partner was, not how it is. So the last of a hundred calls that time out cannot open what has just been closed.
"""

from enum import IntEnum
from typing import NamedTuple


class CircuitState(IntEnum):
    CLOSED = 0
    """The partner is asked."""
    TRYING = 1
    """One call at a time finds out whether it is back."""
    OPEN = 2
    """It is left alone until `until`."""


FAILURES_TO_OPEN = 8
"""In a row. A partner that fails every fifth call meets such a run once in 400,000 calls, one that fails every second
call once in 250 and is worth asking; a dead one shows it within 0.6 s at 15/s."""
SUCCESSES_TO_CLOSE = 3
"""In a row, one at a time: a partner half up answers one call."""
SILENT_CALLS = 8
SILENT_S = 1.5
"""Eight calls begun since the last answer, the first of them this long ago: at 15/s some twenty answers are missing. A
dead partner is known before the first of its calls reaches its deadline."""
PAUSE_S = 1.0
LONGEST_PAUSE_S = 8.0
"""With its jitter about the ten seconds in which a code should be handed over; a call in eight seconds burdens none."""
CALM_S = 30.0
"""Closed for so long, the next opening begins with the shortest pause again; a partner that comes and goes waits
longer each time."""
PAUSE_SPREAD = 0.6
"""Full width of the jitter of a pause, ±30 %: workers do not return together."""


class Circuit(NamedTuple):
    state: int
    streak: int
    """Failures in a row while closed, successes in a row while it is tried."""
    openings: int
    """Without calm between them."""
    since: float
    """When it last changed its state."""
    until: float
    """Open: when the partner is tried again; else as it was."""
    generation: int
    """Rises with each change of state."""


def closed(now: float) -> Circuit:
    """A circuit that has seen nothing yet."""
    return Circuit(CircuitState.CLOSED, 0, 0, now, now, 0)


def pause_s(openings: int, u: float) -> float:
    """How long to leave the partner alone at opening number `openings` (from 1): 1, 2, 4, 8 s, ±30 %."""
    seconds = PAUSE_S
    step = 1
    while step < openings and step < 62 and seconds < LONGEST_PAUSE_S:
        seconds = seconds + seconds
        step += 1
    if seconds > LONGEST_PAUSE_S:
        seconds = LONGEST_PAUSE_S
    return seconds * (1.0 - PAUSE_SPREAD / 2.0 + PAUSE_SPREAD * u)


def opened(circuit: Circuit, now: float, u: float) -> Circuit:
    """The circuit open from now on; `u` uniform in [0, 1)."""
    openings = circuit.openings + 1
    if circuit.state == CircuitState.CLOSED and now - circuit.since >= CALM_S:
        openings = 1
    until = now + pause_s(openings, u)
    return Circuit(CircuitState.OPEN, 0, openings, now, until, circuit.generation + 1)


def looked_at(circuit: Circuit, now: float) -> Circuit:
    """The circuit at this moment: an open one whose pause is over lets the partner be tried."""
    if circuit.state == CircuitState.OPEN and now >= circuit.until:
        return Circuit(CircuitState.TRYING, 0, circuit.openings, now, circuit.until, circuit.generation + 1)
    return circuit


def after_call(circuit: Circuit, generation: int, failed: bool, now: float, u: float) -> Circuit:
    """The circuit after a call that began in `generation` ended; `u` uniform in [0, 1)."""
    if generation != circuit.generation or circuit.state == CircuitState.OPEN:
        return circuit
    if circuit.state == CircuitState.TRYING:
        if failed:
            return opened(circuit, now, u)
        if circuit.streak + 1 < SUCCESSES_TO_CLOSE:
            return Circuit(
                circuit.state, circuit.streak + 1, circuit.openings, circuit.since, circuit.until, circuit.generation
            )
        return Circuit(CircuitState.CLOSED, 0, circuit.openings, now, circuit.until, circuit.generation + 1)
    streak = circuit.streak + 1 if failed else 0
    if streak >= FAILURES_TO_OPEN:
        return opened(circuit, now, u)
    return Circuit(circuit.state, streak, circuit.openings, circuit.since, circuit.until, circuit.generation)


def silent(calls: int, waited_s: float) -> bool:
    """Whether a partner has fallen silent: `calls` begun since its last answer, the first of them `waited_s` ago."""
    return calls >= SILENT_CALLS and waited_s >= SILENT_S


def calls_at_once(state: int, limit: float) -> int:
    """Calls that may be under way: none while open, one while the partner is tried, else the adaptive limit."""
    if state == CircuitState.OPEN:
        return 0
    if state == CircuitState.TRYING:
        return 1
    return int(limit)
