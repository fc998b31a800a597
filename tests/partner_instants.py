"""Every instant at which a simulated partner was asked, counted in windows that slide."""

from bisect import bisect_left, bisect_right

from scenarios.partners.app import Partners


class Instants:
    """Stands in for one of the partner's windows and keeps every instant."""

    most = 0

    def __init__(self) -> None:
        self.all: list[float] = []

    def count(self, now: float) -> None:
        self.all.append(now)

    def most_in_a_second(self, start: float, end: float) -> int:
        """The most in any second that begins in [start, end) and whose calls all lie before `end`."""
        until = bisect_left(self.all, end)
        begin = bisect_left(self.all, start)
        return max(bisect_left(self.all, self.all[i] + 1.0, hi=until) - i for i in range(begin, until))

    def most_before_a_call(self, start: float) -> int:
        """The most that any call after `start` completes in the second before it, that call included."""
        begin = bisect_right(self.all, start)
        return max(i + 1 - bisect_right(self.all, self.all[i] - 1.0) for i in range(begin, len(self.all)))

    def share_used(self, first: int, last: int, rate_per_s: float) -> float:
        """Of the quota, between two calls."""
        return (last - first) / (self.all[last] - self.all[first]) / rate_per_s


def watched(partners: Partners, channel: str) -> Instants:
    """Of the calls of one gateway from now on."""
    seen = Instants()
    partners.gateways[channel].ledger.traffic.second = seen  # type: ignore[assignment]
    return seen
