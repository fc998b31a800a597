"""How often one process may begin again at once what the database undid."""

from service.domain.adaptive import retry_turn

REPEATS_PER_S = 10.0
"""In any t seconds at most BURST + 10 t: some cut connections cost nobody an error, while a database that is gone, or a
crowd that stands in its own way, is not asked noticeably more than before."""


class Repeats:
    """The budget. What finds none is told to its asker, who comes back later."""

    def __init__(self, rate_per_s: float = REPEATS_PER_S) -> None:
        self._rate_per_s = rate_per_s
        self._booked = 0.0

    def take_nowait(self, now: float) -> bool:
        """Whether one more may be begun at `now`, seconds of a clock that never goes back."""
        turn = retry_turn(self._booked, now, self._rate_per_s)
        if turn.wait > 0.0:
            return False
        self._booked = turn.booked
        return True
