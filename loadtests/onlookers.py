"""The onlookers of one process: each opens a page, loads what it is drawn with, reads, perhaps follows a link.

They are counted apart: they have no fate, no row in the record and no receipts. Whoever is answered with anything but a
page leaves; who is overdue still starts. Like applicants they are entries of an agenda while they read.
"""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gevent.event import Event

from loadtests.applicant import PATIENCE, outcome
from loadtests.clock import Agenda, Clock, Entry, begin_now
from loadtests.connections import Answer, Connections
from loadtests.onlooker_figures import OnlookerFigures
from loadtests.pages.html import links_of, loaded_with
from scenarios import onlookers
from scenarios.arrivals import IntArray
from scenarios.curve import FloatArray
from scenarios.population import Onlookers

_ARRIVAL = -1
"""In place of a turn: the entry is an arrival, and `number` is a place in the list of those to come."""


@dataclass(slots=True)
class Onlooker:
    number: int
    pages: int
    """That she will read."""
    path: str
    """The page that is next."""
    read: int = 0
    """Pages so far."""
    links: list[str] = field(default_factory=list)
    """Of the page that is open."""


class Audience:
    """Plays onlookers against one service until it is cut."""

    def __init__(
        self, habits: Onlookers, seed: int, pace: float, clock: Clock, connections: Connections,
        figures: OnlookerFigures, stats: Any,
    ) -> None:  # fmt: skip
        """pace: how many times as fast they read; stats: Locust's RequestStats of this process."""
        self._habits = habits
        self._seed = seed
        self._pace = pace
        self._clock = clock
        self._connections = connections
        self._figures = figures
        self._stats = stats
        self._agenda = Agenda(clock, self._start)
        self._over = Event()
        self._due: list[float] = []
        self._numbers: list[int] = []
        self._lasts: set[int] = set()
        """Places at which a part of the list ends; each part is in order."""
        self._reading: dict[int, Onlooker] = {}
        self._cut = False
        self.defect = ""
        """Traceback of the first fault of the swarm's own; the run is not worth judging then."""

    def take(self, due: FloatArray, numbers: IntArray) -> None:
        """Have these come too. due: ascending, seconds since the opening."""
        first = len(self._due)
        self._due += due.tolist()
        self._numbers += numbers.tolist()
        self._lasts.add(len(self._due) - 1)
        self._figures.planned += len(due)
        if len(due):
            self._agenda.add(self._due[first], first, _ARRIVAL)

    def play(self) -> None:
        """Start everybody when due; returns when it is cut: run it in a greenlet of its own."""
        self._agenda.begin()
        self._over.wait()

    def _start(self, entry: Entry) -> None:
        if entry.turn == _ARRIVAL:
            if entry.number not in self._lasts:
                self._agenda.add(self._due[entry.number + 1], entry.number + 1, _ARRIVAL)
            begin_now(self._guard, self._arrive, self._numbers[entry.number])
        else:
            begin_now(self._guard, self._turn_page, self._reading.pop(entry.number))

    def cut(self) -> None:
        """Nobody comes or reads on any more."""
        self._cut = True
        self._figures.live = 0
        self._agenda.end()
        self._over.set()

    def _guard(self, act: Callable[[Any], None], whose: Any) -> None:
        try:
            act(whose)
        except Exception:
            self.defect = self.defect or traceback.format_exc()
            self._leave("turned_away")

    # ------------------------------------------------------------ one onlooker

    def _arrive(self, number: int) -> None:
        if self._cut:
            return
        self._figures.arrived += 1
        self._figures.live += 1
        self._open(Onlooker(number, onlookers.pages(self._habits, self._seed, number), self._habits.opens))

    def _turn_page(self, one: Onlooker) -> None:
        """The page is read: follow a link of it, look at it again when it has none, or leave."""
        if self._cut:
            return
        if one.read >= one.pages:
            self._leave("read")
            return
        if one.links:
            one.path = one.links[onlookers.link(self._seed, one.number, one.read, len(one.links))]
        self._open(one)

    def _open(self, one: Onlooker) -> None:
        """Load a page, the first time with what pages are drawn with, and begin to read it."""
        answer = self._get("onlookers-page" if one.read else "onlookers-start", one.path)
        if self._cut:
            return
        if not 200 <= answer.status < 300:
            self._leave("turned_away")
            return
        for asset in loaded_with(answer.body, scripts=True) if not one.read else ():
            self._get("onlookers-asset", asset)  # a page is read without its style, too
        one.links = [path for path in links_of(answer.body) if path.startswith("/") and path != one.path]
        reading = onlookers.reading_s(self._habits, self._seed, one.number, one.read) / self._pace
        one.read += 1
        if not self._cut:
            self._reading[one.number] = one
            self._agenda.add(self._clock.now() + reading, one.number, one.read)

    def _leave(self, end: str) -> None:
        self._figures.live -= 1
        self._figures.left[end] += 1

    def _get(self, route: str, path: str) -> Answer:
        sent = self._clock.now()
        answer = self._connections.send("GET", path, timeout=PATIENCE)
        if self._cut:
            return answer
        service = self._clock.now() - sent - answer.blocked
        result = outcome(answer)
        self._figures.requests[route, result] += 1
        if result != "transport":
            self._figures.service.observe(service)
        self._stats.log_request("GET", route, 1000.0 * service, len(answer.body))
        if result not in ("ok", "refused", "busy"):
            self._stats.log_error("GET", route, answer.failure or f"status {answer.status}")
        return answer
