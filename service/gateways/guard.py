"""What one process knows of a partner: its circuit, how many calls it bears at once, whether it has fallen silent.

The rules stand in service/domain; here are the clock, the chance and the counting. One event loop, no locks.
"""

import math
import time
from collections.abc import Callable
from enum import Enum

from service.domain.adaptive import AT_FIRST, FEWEST, limit_after
from service.domain.breaker import CircuitState, after_call, calls_at_once, closed, looked_at, opened, silent
from service.metrics import Metrics

LONG_BLINK = 0.5
"""Seconds. Lanes look twenty times a second; after a longer gap it was us who were away, and answers that wait to be
read must not count as silence."""


class Effect(Enum):
    """What the end of a call says about the partner."""

    WELL = "well"
    STRAINED = "strained"
    """It answers and bears no more of us."""
    FAILED = "failed"
    """It answers and cannot do its work."""
    SILENT = "silent"


class Guard:
    """on: off, every call is made and nothing is learned: the negative control, and the night of April 2020."""

    def __init__(
        self,
        partner: str,
        *,
        most: int,
        slow: float,
        metrics: Metrics,
        on: bool = True,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float],
    ) -> None:
        """most: calls at once that we are ready to make. slow: seconds after which an answer is a bad one."""
        self._most = most
        self._slow = slow
        self._on = on
        self._clock = clock
        self._chance = chance
        self._circuit = closed(clock())
        self._limit = min(AT_FIRST, float(most))
        self._used = 0
        self._stale = 0
        self._unanswered = 0
        self._silent_since = math.nan
        self._looked_at = clock()
        self.in_flight = 0
        self._show_state = metrics.partner_circuit.labels(partner).set
        self._show_limit = metrics.partner_limit.labels(partner).set
        self._count_opening = metrics.partner_openings.labels(partner).inc
        metrics.partner_in_flight.labels(partner).set_function(lambda: self.in_flight)

    @property
    def state(self) -> CircuitState:
        self._look()
        return CircuitState(self._circuit.state)

    def free(self, busy: int) -> int:
        """As `ports.Partner`. Calls of before the circuit's last change are forgotten: they tell nothing any more."""
        if not self._on:
            self._show_limit(self._most)
            return self._most
        self._look()
        self._used = max(0, busy - self._stale)
        return max(0, calls_at_once(self._circuit.state, self._limit) - self._used)

    def begin(self) -> int | None:
        """The generation of a call that begins now, to be handed to `end`; None: it must not be made."""
        self._look()
        state = self._circuit.state
        taken = state == CircuitState.TRYING and self.in_flight > self._stale
        if self._on and (state == CircuitState.OPEN or taken):
            return None
        self.in_flight += 1
        if self._unanswered == 0:
            self._silent_since = self._clock()
        self._unanswered += 1
        return self._circuit.generation

    def end(self, generation: int, seconds: float, effect: Effect) -> None:
        """A call that began in `generation` ended after `seconds`."""
        self.in_flight -= 1
        if effect is not Effect.SILENT:
            self._unanswered = 0
        if generation != self._circuit.generation:
            self._stale -= 1
        elif self._on:
            failed = effect in (Effect.FAILED, Effect.SILENT)
            strained = failed or effect is Effect.STRAINED
            before = self._circuit.state
            self._limit = limit_after(self._limit, self._used, strained, seconds, self._slow, float(self._most))
            self._circuit = after_call(self._circuit, generation, failed, self._clock(), self._chance())
            self._note_change(before)

    def leave(self, generation: int, *, unsent: bool = False) -> None:
        """A call was given up by us: it says nothing of the partner. unsent: nor is its answer waited for."""
        self.in_flight -= 1
        if unsent:
            self._unanswered = max(0, self._unanswered - 1)
        if generation != self._circuit.generation:
            self._stale -= 1

    def _look(self) -> None:
        now = self._clock()
        away, self._looked_at = now - self._looked_at, now
        if not self._on:
            return
        if away > LONG_BLINK:
            self._silent_since += away
        before = self._circuit.state
        if before == CircuitState.CLOSED and silent(self._unanswered, now - self._silent_since):
            self._circuit = opened(self._circuit, now, self._chance())
        else:
            self._circuit = looked_at(self._circuit, now)
        self._note_change(before)

    def _note_change(self, before: int) -> None:
        after = self._circuit.state
        if after != before:
            self._stale = self.in_flight
            self._unanswered = 0
            if after == CircuitState.OPEN:
                self._count_opening()
                self._limit = FEWEST  # it begins small again: no burst at the return
            self._show_state(after)
        self._show_limit(calls_at_once(after, self._limit))
