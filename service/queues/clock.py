"""Whether the database's clock runs as evenly as our own, which never jumps.

Quotas slide on the database's clock, which all workers share. If it is set forward, quota looks free that was taken a
moment ago. Each lane therefore compares what passed there with what passed here, from one look to the next; whoever
sees them differ, or has nothing to compare with, takes all remembered quota as taken now. Less than the round trips of
two looks, milliseconds, cannot be told; the guard band of the quota bears that.
"""

from service.queue_ports import ClockReading


class ClockWatch:
    def __init__(self) -> None:
        self._before: ClockReading | None = None

    @property
    def known(self) -> bool:
        """The clock has run evenly since the last look."""
        return self._before is not None

    def jump_s(self, now: ClockReading) -> float:
        """Seconds by which the clock jumped before this look; 0 when nothing is known. After a jump nothing is."""
        before, self._before = self._before, now
        if before is None:
            return 0.0
        least, most = now.asked_at - before.answered_at, now.answered_at - before.asked_at
        jump = clock_jump_s(now.at - before.at, least, most)
        if jump != 0.0:
            self._before = None
        return jump


def clock_jump_s(elapsed: float, least: float, most: float) -> float:
    """How far a clock jumped that went on by `elapsed` seconds while `least` to `most` passed; 0: nobody can tell.

    Two clocks that run evenly drift apart by less than a thousandth; 2 ms are the least that is called a jump.
    """
    drift = 0.002 + 0.001 * most
    if elapsed > most + drift:
        return elapsed - most
    if elapsed < least - drift:
        return elapsed - least
    return 0.0
