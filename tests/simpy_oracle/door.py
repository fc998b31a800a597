"""The door and what is behind it: web processes, the database, the inspectors of photos."""

import math
from typing import NamedTuple

import simpy

from scenarios.journey_state import Action
from scenarios.simulation.figures import Setup
from scenarios.streams import Purpose, normal, uniform
from service.domain import overload
from service.domain.overload import Progress
from tests.simpy_oracle.clock import TICK_US, Clock
from tests.simpy_oracle.instants import US, Process
from tests.simpy_oracle.servers import Job, Station

DOOR_PERIOD_S = 900
"""So long the same people are kept out first."""
WINDOW_TICKS = 2
_POINTS = 4096
_FINISHING = (Action.PHOTO_SEND, Action.PHOTO_HEAD, Action.ASSESSMENT, Action.ANSWER, Action.SUBMIT, Action.JOIN)
_ENTERING = (Action.CLAIM, Action.ACCOUNT, Action.CODE, Action.CODE_AGAIN, Action.SESSION)


def rank_of(action: int) -> Progress | None:
    """How far somebody has come who asks this (service/web/progress.py); None: is never held up."""
    if action == Action.PLACE:
        return None
    if action == Action.TICKET:
        return Progress.BROWSING
    if action in _ENTERING:
        return Progress.ENTERING
    return Progress.FINISHING if action in _FINISHING else Progress.CONTINUING


class Entry(NamedTuple):
    """What became of a request at the door: the job whose end answers it, or when it is turned away for how long."""

    job: Job | None
    refused_us: int
    told_s: float


class Door:
    def __init__(self, env: simpy.Environment, setup: Setup) -> None:
        resources, costs = setup.resources, setup.costs
        self.env, self.seed, self.costs = env, setup.seed, costs
        self.is_guarded = resources.overload_limit
        self.web = Station(env, resources.web)
        self.database = Station(env, resources.database)
        self.inspection = Station(env, resources.inspectors)
        self.shares = dict.fromkeys(Progress, 1.0)
        self._asked: set[Progress] = set()
        self._late: set[Progress] = set()
        self._kept_out: set[Progress] = set()
        self._windows_barred = dict.fromkeys(Progress, 0)
        spread = [math.exp(costs.sigma * normal((point + 0.5) / _POINTS)) for point in range(_POINTS)]
        mean = sum(spread) / _POINTS
        self._spread = [each / mean for each in spread]

    def enter(self, number: int, action: int, size: int, occasion: int, retries: int) -> Entry:
        """Somebody asks for something. size: bytes of a photo that came with it. retries: of hers so far."""
        rank = rank_of(action)
        patience_us = self._patience_us(number, rank)
        if rank is not None and patience_us is not None:
            self.web.add(int(self.costs.refusal_web_s * US))
            drawn = uniform(self.seed, number, Purpose.RETRY_AFTER, retries)
            told_s = float(int(overload.retry_after_s(self.shares[rank], drawn)) + 1)
            return Entry(None, patience_us, told_s)
        place = uniform(self.seed, number, Purpose.SERVICE, occasion) * _POINTS
        within = int((place - int(place)) * _POINTS)
        web_us = self.costs.web(Action(action)) * US * self._spread[int(place)]
        job = self.web.add(int(web_us + self.costs.photo_web_s_per_mb * size) + 1)
        database_us = self.costs.database(Action(action)) * US * self._spread[within]
        if database_us > 0.0:
            # In line at the database from now on, and held there until the web process is through with it.
            job = self.database.add(int(database_us) + 1, after=job)
        return Entry(job, 0, -1.0)

    def inspect(self) -> None:
        self.inspection.add(int(self.costs.inspection_s * US))

    @property
    def is_calm(self) -> bool:
        return all(share >= 1.0 for share in self.shares.values())

    @property
    def is_open_to_all(self) -> bool:
        return not any(self._windows_barred.values())

    def _is_barred(self, rank: Progress) -> bool:
        """Whether only its share enters, though there be room: one of a higher rank was turned away lately."""
        return any(self._windows_barred[each] for each in Progress if each <= rank)

    def _patience_us(self, number: int, rank: Progress | None) -> int | None:
        """After how long somebody is turned away; None: is let in."""
        if rank is None or not self.is_guarded:
            return None
        wait_us = max(self.web.wait_us(), self.database.wait_us())
        if wait_us <= 0 and not self._is_barred(rank):
            return None
        self._asked.add(rank)
        period = int(self.env.now) // (DOOR_PERIOD_S * US)
        if uniform(self.seed, number, Purpose.DOOR_PLACE, period) >= self.shares[rank]:
            self._kept_out.add(rank)
            return 0
        patience_us = int((overload.PATIENCE_S if self.is_calm else overload.STORM_PATIENCE_S) * 1e6)
        if wait_us <= patience_us:
            return None
        self._late.add(rank)
        return patience_us

    def keep_windows(self, clock: Clock) -> Process:
        """Close a window with every second tick."""
        while True:
            yield clock.tick
            if self.is_guarded and int(self.env.now) // TICK_US % WINDOW_TICKS == 0:
                self._close_window()

    def _close_window(self) -> None:
        """Who was turned away costs a part of their shares, the lower ranks first."""
        pressed = False
        for rank in sorted(Progress):
            lower = [each for each in self._asked if each > rank and self.shares[each] > overload.SMALL_SHARE]
            gives = pressed or (rank in self._late and not lower)
            self.shares[rank] = overload.next_share(self.shares[rank], gives, overload.WINDOW_S)
            self._windows_barred[rank] = overload.BARRED_WINDOWS if pressed else max(self._windows_barred[rank] - 1, 0)
            pressed = pressed or rank in self._late or rank in self._kept_out
        self._asked.clear()
        self._late.clear()
        self._kept_out.clear()
