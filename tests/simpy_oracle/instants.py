"""Virtual time in SimPy: whole microseconds, and whose turn it is at one instant: servers, the clock, people by number.

SimPy takes events of one instant by their priority, a plain number, and then in the order in which they were set.
"""

from collections.abc import Generator
from typing import Any

import simpy

US = 1_000_000
SERVERS, CLOCK, PEOPLE = 1, 2, 10
"""Turns at one instant; person n has PEOPLE + n. SimPy's own events have that of the servers."""
LAST = 1 << 62

Process = Generator[simpy.Event, Any, Any]


class Appointment(simpy.Event):
    """Comes due at `at_us`, when it is the turn of `turn`."""

    def __init__(self, env: simpy.Environment, at_us: int, turn: int) -> None:
        super().__init__(env)
        self._ok = True
        self._value = None
        env.schedule(self, turn, at_us - int(env.now))  # type: ignore[arg-type]


class Bell(simpy.Event):
    """Rung by whichever of some events comes first, and heard when it is the turn of `turn`."""

    def __init__(self, env: simpy.Environment, turn: int, *events: simpy.Event) -> None:
        super().__init__(env)
        self.turn = turn
        for event in events:
            if event.processed:
                self.ring()
            else:
                event.callbacks.append(self.ring)

    def ring(self, _event: simpy.Event | None = None) -> None:
        if not self.triggered:
            self._ok = True
            self._value = None
            self.env.schedule(self, self.turn)  # type: ignore[arg-type]


def whole_ms(at_us: int) -> int:
    """The service writes instants down in whole milliseconds."""
    return at_us // 1000
