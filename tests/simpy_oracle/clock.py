"""What goes by the clock looks twenty times a second, and not at all while nothing waits anywhere."""

from collections.abc import Callable

import simpy

from tests.simpy_oracle.instants import CLOCK, SERVERS, Appointment, Bell, Process

TICK_US = 50_000


class Clock:
    """is_quiet: whether nothing waits anywhere. next_change_us: when the world changes by itself; None: never again."""

    def __init__(
        self, env: simpy.Environment, is_quiet: Callable[[], bool], next_change_us: Callable[[], int | None]
    ) -> None:
        self.env = env
        self.tick = env.event()
        """The next one; whoever goes by the clock waits for it, and takes turns in the order of the first time."""
        self._is_quiet, self._next_change_us = is_quiet, next_change_us
        self._woken: Bell | None = None

    def stir(self) -> None:
        """Somebody does something: a clock that stands still goes on."""
        if self._woken is not None:
            self._woken.ring()

    def run(self) -> Process:
        at_us = TICK_US
        while True:
            yield Appointment(self.env, at_us, CLOCK)
            now, self.tick = self.tick, self.env.event()
            now.succeed()
            yield now  # behind all who waited for it
            at_us = int(self.env.now) + TICK_US
            if self._is_quiet():
                at_us = yield from self._sleep()

    def _sleep(self) -> Process:
        """Until somebody does something or the world changes; when the next tick is."""
        change_us = self._next_change_us()
        alarms = []
        if change_us is not None:
            change_us = -(-change_us // TICK_US) * TICK_US
            alarms = [Appointment(self.env, change_us, CLOCK)]
        self._woken = Bell(self.env, SERVERS, *alarms)
        yield self._woken
        self._woken = None
        if int(self.env.now) == change_us:
            return change_us
        return (int(self.env.now) // TICK_US + 1) * TICK_US
