"""The crowd of one process: everybody starts when due, whatever the service does.

Arrivals and later turns are entries of one agenda. A greenlet exists only while a request runs; somebody who thinks, or
waits for a code, is an entry and a small object. An arrival that is overdue starts at once and counts as late; none is
dropped. Whoever gets no answer for long may refresh: the request is sent once more beside the first, and the first
answer that comes is the one that counts.
"""

import logging
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import gevent
import numpy as np
from gevent.event import Event

from loadtests.actions import OF_PHOTOS, ROUTES
from loadtests.applicant import ONE_SHOT_ROUTE, PATIENCE, Applicant, Reading, Request, outcome
from loadtests.clock import Agenda, Clock, Entry, begin_now
from loadtests.connections import Answer, Connections
from loadtests.lines import AT_ONCE, Line
from loadtests.notes import Notes
from loadtests.pages.applicant import PageApplicant
from loadtests.pages.way import ROUTES as PAGE_ROUTES
from scenarios import journey, throttle
from scenarios.behaviour import habits, traits
from scenarios.catalogue import Night
from scenarios.fates import Fate, Manners, Reason
from scenarios.journey_state import Action, Decision, Result
from scenarios.networks import cut_after_s, cut_kind
from scenarios.population import person
from scenarios.setbacks import refreshes
from scenarios.uploaders import Uploader

ROUTE_NAMES = (*dict.fromkeys(route for _, route in ROUTES.values()), ONE_SHOT_ROUTE)

_ARRIVAL = -1
"""In place of a turn: the entry is an arrival, and `number` is a row of the roster."""

_log = logging.getLogger(__name__)


def routes_of(night: Night) -> tuple[str, ...]:
    """The routes that the night's people may ask."""
    return ROUTE_NAMES + (PAGE_ROUTES if night.population.without_javascript else ())


@dataclass(frozen=True)
class Share:
    """The part of a run that one process plays: the applicants of the shards that it holds."""

    night: Night
    seed: int
    pace: float
    due: Any
    """float64 (n,): real seconds since the opening, ascending."""
    numbers: Any
    """int64 (n,): who starts then."""
    last_arrival: float
    """Of the whole plan, in real seconds since the opening."""
    drain: float
    """Seconds after the last arrival until whoever is still on the way is cut."""
    run: str
    """Prefix of the idempotency keys; no two runs against one database share it."""
    uploader: Uploader = Uploader.PATIENT
    steps: int = 0
    """After so many requests that were answered well an applicant leaves; 0 = the whole journey."""
    speed: float = 1.0
    """How many times as fast the night's clock runs."""
    helper_waits: Mapping[int, float] = field(default_factory=dict)
    """Seconds that applicants wait for their labor office's helper before they begin, by number."""


class Errand:
    """One request of an applicant, from when it is made until an answer to it counts."""

    __slots__ = ("effect", "is_over", "one", "out", "request", "silence")

    def __init__(self, one: Applicant, request: Request, effect: tuple[str, object] | None) -> None:
        self.one = one
        self.request = request
        self.effect = effect
        self.out = 0
        """How often it is under way."""
        self.is_over = False
        self.silence: Any = None
        """The timer that rings when there was no answer for long."""


class Crowd:
    """Plays one share against one service."""

    def __init__(
        self,
        share: Share,
        clock: Clock,
        connections: Connections,
        photos: tuple[bytes, ...],
        stats: Any,
    ) -> None:
        """stats: Locust's RequestStats of this process."""
        self.share = share
        self.clock = clock
        self.notes = Notes(
            share.due, share.numbers, routes_of(share.night), lambda: len(self.live), self._due_by_now, stats, clock.now
        )
        self.roster, self.receipts, self.metrics = self.notes.roster, self.notes.receipts, self.notes.metrics
        self.live: dict[int, Applicant] = {}
        self.defect = ""
        """Traceback of the first fault of the swarm's own; the run is not worth judging then."""
        self.idle = Event()
        """Set while everybody of the share has ended."""
        self._habits = habits(share.night, share.pace, share.speed, share.last_arrival + share.drain)
        self._due, self._numbers, self._taken_over = self._arrivals()
        self._firsts = {0}
        """Rows with which a part of the share begins: the own part, and those taken over."""
        self._networks = list(share.night.networks.values())
        self._connections = connections
        self._photos = photos
        self._agenda = Agenda(clock, self._start)
        self._over = Event()
        self._all_cut = Event()
        self._acting: set[Any] = set()
        """A greenlet for each request that is out."""
        self._left = len(self._due)
        self._cut = False
        if not self._left:
            self.idle.set()
        self._expect(0)

    # ------------------------------------------------------------ the clock

    def play(self) -> None:
        """Start everybody when due; return when cut, or at the drain limit: until then the share may still grow."""
        self._agenda.begin()
        self._over.wait(max(0.0, self.share.last_arrival + self.share.drain - self.clock.now()))
        self.cut()

    def cut(self) -> None:
        """End the run for everybody who is still on the way; whoever calls it finds them ended when it returns."""
        if self._cut:
            self._all_cut.wait()
            return
        self._cut = True
        self._agenda.end()
        try:
            self._cut_all()
        finally:
            self._all_cut.set()
            self._over.set()

    def _cut_all(self) -> None:
        loop = gevent.get_hub().loop
        for acting in self._acting:
            loop.run_callback(acting.throw, gevent.GreenletExit)
        gevent.sleep(0)  # until all of these have run
        now = self.clock.now()
        for one in list(self.live.values()):
            # Told of a place already: only the last look is missing.
            joined = one.state.fate == Fate.JOINED
            self._end(one, Fate.JOINED if joined else Fate.CUT, Reason.JOINED if joined else Reason.RUN_ENDED, now)

    def take(self, due: Any, numbers: Any) -> int:
        """Play these applicants too, whose worker was lost; due, numbers: as of a Share.

        Whoever is overdue by now starts at once and is marked as taken over; returns how many.
        """
        overdue = int(np.searchsorted(due, self.clock.now()))
        first = self.roster.extend(due, numbers)
        self.roster.columns["taken_over"][first : first + overdue] = True
        self._due, self._numbers, self._taken_over = self._arrivals()
        self._firsts.add(first)
        self._left += len(due)
        self.metrics.planned += len(due)
        if len(due) and not self._cut:
            self.idle.clear()
            self._agenda.add(self._due[first], first, _ARRIVAL)
        return overdue

    def delivered(self, number: int, channel: int, code: str) -> None:
        """A message with a code reached applicant `number`."""
        one = self.live.get(number)
        self.notes.delivered(one, channel)
        if one is None or self._cut or one.state.code.channel != channel:
            return
        one.code = code
        if one.state.action == Action.WAIT_CODE:
            now = self.clock.now()
            self._later(one, self._decide(one, Reading(Result.DELIVERED), now), now)

    def _due_by_now(self) -> int:
        """Applicants of the share whose instant has come."""
        return int(np.count_nonzero(self.roster.columns["due"] <= self.clock.now()))

    def _arrivals(self) -> tuple[memoryview, memoryview, memoryview]:
        """Of each row: when it is due, whose it is, whether it was taken over."""
        columns = self.roster.columns
        return columns["due"].data, columns["number"].data, columns["taken_over"].data

    def _expect(self, row: int) -> None:
        """Put an arrival on the agenda; each part of the share is in order, so one at a time will do."""
        if row < len(self._due):
            self._agenda.add(self._due[row], row, _ARRIVAL)

    def _start(self, entry: Entry) -> None:
        """Somebody is due. Called by the loop, so it must not wait."""
        try:
            self._begin(entry)
        except Exception:
            self.defect = self.defect or traceback.format_exc()
            _log.exception("entry %s: a fault of the swarm's own", entry)
            self._over.set()

    def _begin(self, entry: Entry) -> None:
        if entry.turn == _ARRIVAL:
            if entry.number + 1 not in self._firsts:
                self._expect(entry.number + 1)
            begin_now(self._arrive, entry.number, entry.due)
            return
        one = self.live.get(entry.number)
        if one is None or one.turn != entry.turn:
            return
        if one.state.action == Action.WAIT_CODE:
            now = self.clock.now()
            self._later(one, self._decide(one, Reading(Result.SILENCE), now), now)
        else:
            begin_now(self._act, one, entry.due)

    # ------------------------------------------------------------ one applicant

    def _arrive(self, row: int, due: float) -> None:
        if self._cut:
            return
        started = self.clock.now()
        number = self._numbers[row]
        who = person(self.share.night, self.share.seed, number)
        player = PageApplicant if who.without_javascript else Applicant
        one = player(who, row, journey.start(traits(self.share.night, who, self.share.uploader)), self.share.run)
        self.live[number] = one
        self.notes.started(one, started)
        begins = due + self.share.helper_waits.get(number, 0.0)
        if begins > started:
            self._later(one, Decision(one.state, one.state.action, begins - started), started)
        else:
            self._act(one, due)

    def _act(self, one: Applicant, due: float) -> None:
        """Do what is due, and what follows in the same breath."""
        self._go_on(one, lambda: self._request(one, due))

    def _go_on(self, one: Applicant, begin: Callable[[], Decision | None]) -> None:
        if self._cut:
            return
        greenlet = gevent.getcurrent()
        self._acting.add(greenlet)
        try:
            decision = begin()
            while decision is not None and decision.delay_s <= 0.0 and decision.action != Action.WAIT_CODE:
                decision = self._request(one, self.clock.now())
        except Exception:
            self.defect = self.defect or traceback.format_exc()
            _log.exception("applicant %d: a fault of the swarm's own", one.number)
            self._end(one, Fate.CUT, Reason.RUN_ENDED, self.clock.now())
            return
        finally:
            self._acting.discard(greenlet)
        self._later(one, decision, self.clock.now())

    def _later(self, one: Applicant, decision: Decision | None, now: float) -> None:
        """Put the next action on the agenda; older entries of the applicant no longer count."""
        if decision is not None:
            one.turn += 1
            self._agenda.add(now + decision.delay_s, one.number, one.turn)

    def _request(self, one: Applicant, due: float) -> Decision | None:
        """Make the request that the state asks for and read its answer; None when there is nothing to do after it."""
        if one.state.traits.manners == Manners.ADAPTIVE and self._holds_back(one):
            return self._decide(one, Reading(Result.BUSY, one.throttle.told_s), self.clock.now())
        errand = Errand(one, one.request(self._photos), one.effect())
        if errand.effect is not None:
            self.receipts.asked(*errand.effect)
        if self._habits.refresh_share > 0.0:
            errand.silence = gevent.get_hub().loop.timer(self._habits.refresh_after_s)
            errand.silence.start(self._notice_silence, errand)
        try:
            return self._run(errand, due)
        finally:
            self._end_silence(errand)

    def _run(self, errand: Errand, due: float) -> Decision | None:
        """Send the errand's request; None also when its other answer counts, or may still come."""
        one, request = errand.one, errand.request
        errand.out += 1
        sent, answer, done = self._send(one, request)
        errand.out -= 1
        result = outcome(answer)
        self.notes.measured(request, answer, result, sent - due, done - sent - answer.blocked)
        if errand.is_over or (answer.status == 0 and errand.out):
            return None
        errand.is_over = True
        reading = one.read(answer)
        if one.state.traits.manners == Manners.ADAPTIVE:
            one.throttle = throttle.answered(one.throttle, reading.result, reading.retry_after, done)
        self.notes.answered(one, request, answer, result, more=reading.more)
        if errand.effect is not None:
            self.notes.told(errand.effect, reading, result)
        one.steps += result == "ok" and one.state.action != Action.PLACE
        if reading.more:
            return Decision(one.state, one.state.action, 0.0)
        decision = self._decide(one, reading, done)
        if decision is not None and decision.action == Action.WAIT_CODE and one.code:
            # The message was faster than the answer.
            decision = self._decide(one, Reading(Result.DELIVERED), done)
        if decision is not None and 0 < self.share.steps <= one.steps:
            self._end(one, Fate.ABANDONED, Reason.STEPS_DONE, done)
            return None
        return decision

    # ------------------------------------------------------------ second requests

    def _notice_silence(self, errand: Errand) -> None:
        """No answer for `refresh_after_s`: some refresh the page. Called by the loop, so it must not wait."""
        self._end_silence(errand)
        one = errand.one
        if not (self._cut or errand.is_over) and refreshes(one.state, self._habits, self.share.seed, one.number):
            begin_now(self._go_on, one, lambda: self._again(errand))

    def _again(self, errand: Errand) -> Decision | None:
        """The same request beside the first one."""
        if errand.is_over:
            return None
        self.notes.refreshed(errand.one, errand.effect)
        return self._run(errand, self.clock.now())

    @staticmethod
    def _end_silence(errand: Errand) -> None:
        if errand.silence is not None:
            errand.silence.stop()
            errand.silence.close()
            errand.silence = None

    # ------------------------------------------------------------ one request

    def _holds_back(self, one: Applicant) -> bool:
        """Whether an adaptive client does not make its next request; counts it either way."""
        attempt = throttle.attempt(one.throttle, self.share.seed, one.number, self.clock.now())
        one.throttle = attempt.throttle
        self.metrics.held_back += attempt.is_held_back
        return bool(attempt.is_held_back)

    def _send(self, one: Applicant, request: Request) -> tuple[float, Answer, float]:
        """When the request left, its answer, and when that had been read."""
        line, patience = AT_ONCE, PATIENCE
        if one.state.action in OF_PHOTOS:
            line = self._line(one, request)
            patience += 2 * len(request.body) / line.bytes_per_s if line.bytes_per_s > 0 else 0.0
        source = self._connections.sources.of(one.number, one.person.office)
        flights, now = self.metrics.flights, self.clock.now
        sent = now()
        flights.take_off(sent)
        try:
            answer = self._connections.send(
                request.method, request.path, request.headers, request.body, timeout=patience, line=line, source=source
            )
        except BaseException:  # the run was cut while it was out
            flights.land(sent, now(), answered=False)
            raise
        done = now()
        flights.land(sent, done, answered=answer.failure != "transport")
        return sent, answer, done

    def _line(self, one: Applicant, request: Request) -> Line:
        """The applicant's line, as it will be for this request."""
        network = self._networks[one.person.network]
        line = Line(network.up_mbps * 125_000, network.round_trip_s)
        if not request.body:
            return line
        one.sends += 1
        draw = self.share.seed, one.number, one.sends
        return line._replace(cut_s=cut_after_s(*draw, network.cuts_per_min), cut=cut_kind(*draw))

    def _decide(self, one: Applicant, reading: Reading, now: float) -> Decision | None:
        """Let the machine decide, and note what became of the applicant; None at the end of her way."""
        before = one.state
        decision = journey.step(
            before, self._habits, self.share.seed, one.number, reading.result, reading.retry_after, now
        )
        one.state = after = decision.state
        self.notes.moved_on(one, before, now)
        if after.progress.photo > before.progress.photo:
            one.photo = b""
        if decision.action == Action.LEAVE:
            self._end(one, after.fate, after.reason, now)
            return None
        return decision

    def _end(self, one: Applicant, fate: int, reason: int, now: float) -> None:
        if self.live.pop(one.number, None) is None:
            return
        self.notes.ended(one, fate, reason, now)
        self._left -= 1
        if self._left == 0:
            self.idle.set()
