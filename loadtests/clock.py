"""The crowd's clock: real seconds since the doors opened, and an agenda that rings when somebody is due.

A sleep of gevent ends late by up to a hundredth of its length (1.5 s: 12 to 15 ms; measured here: a thousandth), so the
agenda sleeps 0.9 of what remains until less than 50 ms remain. Each sleep costs 50 to 90 us of CPU: no finer steps.
"""

import time
from heapq import heappop, heappush
from typing import NamedTuple

import gevent
from gevent.event import Event

_EXACT_BELOW = 0.05
_DEAF_BELOW = 0.005
"""So short a sleep is not interrupted, which halves its cost; an entry that comes in meanwhile is at most this late."""
_LONGEST_SLEEP = 60.0
"""Sleeps are cut to this so that an infinite wait needs no case of its own."""


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
    """A heap of entries with one waiter, who is woken by an entry earlier than the one waited for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[Entry] = []
        self._waiting_until = -1.0
        self._woken = Event()

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, due: float, number: int, turn: int) -> None:
        heappush(self._heap, Entry(due, number, turn))
        if due < self._waiting_until:
            self.wake()

    def next_due(self) -> float:
        """When the first entry is due; infinite if there is none."""
        return self._heap[0].due if self._heap else float("inf")

    def pop(self) -> Entry:
        """Take the first entry, due or not."""
        return heappop(self._heap)

    def wake(self) -> None:
        """End the present wait."""
        self._woken.set()

    def wait_until(self, moment: float) -> None:
        """Return at `moment` (seconds since the opening), or earlier when woken."""
        self._waiting_until = moment
        while (left := moment - self._clock.now()) > 0:
            if left < _DEAF_BELOW:
                gevent.sleep(left)
            elif self._woken.wait(left if left < _EXACT_BELOW else min(0.9 * left, _LONGEST_SLEEP)):
                break
        self._woken.clear()
        self._waiting_until = -1.0
