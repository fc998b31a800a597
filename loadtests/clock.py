"""The crowd's clock: real seconds since the doors opened, and an agenda that rings when somebody is due.

The agenda is one timer of the loop: whoever is due is started from its callback, without a greenlet that sleeps. Long
timers ring late, by up to a hundredth of their length (1.5 s: 12 to 15 ms), so it is set to 0.9 of what remains until
less than 50 ms remain.
"""

import time
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, NamedTuple

import gevent
from gevent.hub import RawGreenlet

_EXACT_BELOW = 0.05
_LONGEST = 60.0
"""Seconds; timers are cut to this."""
_MOST_AT_ONCE = 0.003
"""Seconds of starting people after which the loop reads answers in between: a rush is not to make the service look
slow."""


class Clock:
    """Real seconds since the doors opened, by the monotonic clock: setting the wall clock does not move it."""

    def __init__(self, opens_at: float) -> None:
        """opens_at: Unix time of the opening."""
        self._zero = time.monotonic() + (opens_at - time.time())

    def now(self) -> float:
        return time.monotonic() - self._zero


class Entry(NamedTuple):
    """Applicant `number` is due; an entry whose `turn` is no longer the applicant's has been overtaken by events."""

    due: float
    number: int
    turn: int


class Agenda:
    """A heap of entries. Once it has begun the loop calls `start` with each as it falls due, the earliest first."""

    def __init__(self, clock: Clock, start: Callable[[Entry], None]) -> None:
        """start: called by the loop, so it must neither wait nor raise."""
        self._clock = clock
        self._start = start
        self._heap: list[Entry] = []
        self._timer: Any = None
        self._rings_at = float("-inf")
        """When it will ring, infinite = not at all. Minus infinity while entries need not set the timer."""

    def __len__(self) -> int:
        return len(self._heap)

    def begin(self) -> None:
        """From now on, whoever is due is started."""
        self._set_timer()

    def end(self) -> None:
        """Nobody is started any more."""
        self._stop_timer()
        self._heap.clear()
        self._rings_at = float("-inf")

    def add(self, due: float, number: int, turn: int) -> None:
        heappush(self._heap, Entry(due, number, turn))
        if due < self._rings_at:
            self._set_timer()

    def _ring(self) -> None:
        self._rings_at = float("-inf")
        heap, now = self._heap, self._clock.now
        moment = now()
        rest_at = moment + _MOST_AT_ONCE
        while heap and heap[0].due <= moment and moment < rest_at:
            self._start(heappop(heap))
            moment = now()
        if self._timer is not None:  # not ended meanwhile
            self._set_timer()

    def _set_timer(self) -> None:
        self._stop_timer()
        self._rings_at = self._heap[0].due if self._heap else float("inf")
        left = self._rings_at - self._clock.now()
        if left >= _EXACT_BELOW:
            left = min(0.9 * left, _LONGEST)
        self._timer = gevent.get_hub().loop.timer(max(0.0, left))
        self._timer.start(self._ring, update=True)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None


def begin_now(act: Callable[..., None], *arguments: Any) -> None:
    """Run `act` in a greenlet until it first waits. Only for callbacks of the loop: others would lose their turn."""
    RawGreenlet(act, gevent.get_hub()).switch(*arguments)
