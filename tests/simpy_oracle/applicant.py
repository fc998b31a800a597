"""One applicant as a process: thinks, asks, waits for the answer, for a message, for her turn, sends her photos."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import simpy

from scenarios import behaviour, journey
from scenarios.fates import Fate, Reason
from scenarios.journey_state import Action, Decision, Result
from scenarios.networks import SILENCE, Cut, cut_after_s, cut_kind
from scenarios.population import person as person_of
from scenarios.setbacks import is_photo, refreshes
from scenarios.streams import Purpose, uniform
from scenarios.uploaders import Uploader
from service.domain import promises
from tests.simpy_oracle.door import Entry
from tests.simpy_oracle.instants import PEOPLE, US, Appointment, Bell, Process
from tests.simpy_oracle.service import Known, concerns_others

if TYPE_CHECKING:
    from tests.simpy_oracle.house import House

PATIENCE_US = 25 * US
"""A browser waits so long for an answer (loadtests/applicant.py)."""


class End(NamedTuple):
    """What somebody came to; left_us: when she had gone, -1 if she never came."""

    fate: int
    reason: int
    furthest: int
    left_us: int
    visits: int
    retries: int


class Applicant:
    def __init__(self, house: House, number: int, begins_us: int, uploader: Uploader) -> None:
        setup = house.setup
        who = person_of(setup.night, setup.seed, number)
        self.house, self.env, self.number = house, house.env, number
        self.seed, self.habits = setup.seed, setup.habits
        self.traits = behaviour.traits(setup.night, who, uploader)
        self.state = journey.start(self.traits)
        self.network = list(setup.night.networks.values())[who.network]
        self.pictures = (who.identity_card_photo, who.selfie_photo)
        self.is_under_age = who.is_under_age
        self.known = Known()
        self.takes = 0
        """Photos taken anew."""
        self.photo_sends = 0
        self.left_us = -1
        self._turn = PEOPLE + number
        self._called: simpy.Event | None = None
        self._message: simpy.Event | None = None
        self.env.process(self._life(begins_us))

    @property
    def is_gone(self) -> bool:
        return self.left_us >= 0

    @property
    def end(self) -> End:
        state = self.state
        nerves = state.nerves
        return End(state.fate, state.reason, state.progress.furthest, self.left_us, nerves.visits, nerves.retries)

    def photo_size(self) -> int:
        """Bytes of the picture that she sends now."""
        sizes = self.house.photo_bytes
        return sizes[(self.pictures[min(self.state.progress.photo, 1)] + self.takes) % len(sizes)]

    def call(self) -> None:
        """The frontier has passed her place."""
        if self._called is not None and not self._called.triggered:
            self._called.succeed()

    def receive(self, asked: int) -> None:
        """A message is there, with the code of that request."""
        if asked == self.known.asked:
            self.known.received = True
            if self._message is not None and not self._message.triggered:
                self._message.succeed()

    def cut(self) -> None:
        """The run is over for her."""
        if self.state.fate != Fate.JOINED:
            self.state = self.state._replace(fate=Fate.CUT + 0, reason=Reason.RUN_ENDED + 0)
        self.left_us = int(self.env.now)

    def _life(self, begins_us: int) -> Process:
        yield from self._until(begins_us)
        self.house.arrived.append(self)
        while not self.is_gone:
            result, told_s = yield from self._ask()
            self.house.answers[self.state.action, result] += 1
            decision = self._decided(result, told_s)
            while decision.action == Action.WAIT_CODE:
                result = yield from self._look_out(decision)
                decision = self._decided(result, -1.0)
            if self._is_in_line(result, decision):
                if (yield from self._is_called()):
                    continue
                decision = self._decided(Result.WAIT, -1.0)
            if decision.action == Action.LEAVE:
                self._leave(int(self.env.now))
            else:
                yield from self._until(self._due_us(decision))

    def _is_in_line(self, result: int, decision: Decision) -> bool:
        """Whether she waits to be called. Who has lost patience just now has no moment to lose it at."""
        waits = result == Result.WAIT and decision.action == Action.PLACE and self.state.leaves_line_at >= 0.0
        return waits and not self.house.room.is_invited(self)

    def _decided(self, result: int, told_s: float) -> Decision:
        """What she makes of how her request ended; a new browser or page knows less than the one before."""
        before = self.state
        decision = journey.step(
            before, self.habits, self.seed, self.number, result, told_s, int(self.env.now) / US
        )  # fmt: skip
        self.state = after = decision.state
        if result != Result.TIMEOUT:
            self.known.kept = False
        if after.browser != before.browser:
            self.known.forget_browser()
        elif after.pages != before.pages:
            self.takes += 1
            self.known.forget_page()
        if after.progress.photo > before.progress.photo:
            self.known.announced = self.known.has_farther = False
        return decision

    def _due_us(self, decision: Decision) -> int:
        return int(self.env.now) + int(decision.delay_s * 1e6 + 0.5)

    def _leave(self, at_us: int) -> None:
        self.left_us = at_us
        self.house.note_gone()

    def _until(self, at_us: int, *events: simpy.Event) -> Process:
        """Wait until then, or for the first of these events."""
        if at_us > int(self.env.now) or events:
            yield Bell(self.env, self._turn, *events, Appointment(self.env, at_us, self._turn))

    def _look_out(self, decision: Decision) -> Process:
        """For a message, until she gets restless."""
        self._message = self.env.event()
        if self.known.received:
            self._message.succeed()
        yield from self._until(self._due_us(decision), self._message)
        self.house.clock.stir()
        return Result.DELIVERED if self.known.received else Result.SILENCE

    def _is_called(self) -> Process:
        """Her turn, or False: her patience with the line ended before. What looking meanwhile costs is reckoned."""
        leaves_us = self.state.leaves_line_at * 1e6
        ends_us = int(leaves_us) + 1
        self._called = self.env.event()
        yield from self._until(ends_us, self._called)
        if self._called.triggered:
            pause_s = promises.jittered_poll_s(self.known.place, promises.POLL_LEAST)
            drawn = uniform(self.seed, self.number, Purpose.POLL, self.state.nerves.visits)
            looks_us = int(self.env.now) + int(pause_s * drawn * 1e6)
            if leaves_us > looks_us:
                self.known.kept = False
                yield from self._until(looks_us)
                return True
            yield from self._until(ends_us)
        self.house.clock.stir()
        return False

    def _ask(self) -> Process:
        """One request, from when it is made until it is answered or given up: its Result, and when to come back."""
        self.house.clock.stir()
        action = self.state.action
        if action == Action.PHOTO_CREATE:
            self._announce()
        sent_us = int(self.env.now)
        if action == Action.PHOTO_SEND or (
            action == Action.PHOTO_CREATE and self.traits.uploader == Uploader.ONE_SHOT
        ):  # fmt: skip
            broken = yield from self._send_photo()
            self.house.clock.stir()
            if broken is not None:
                return broken, -1.0
            entry = self._enter(0, self.photo_size() - self.known.stored)
        else:
            entry = self._enter(0)
        if entry.job is None:
            return (yield from self._turned_away(entry))
        # The client's patience grows by twice the time that its bytes need.
        gives_up_us = sent_us + PATIENCE_US + 2 * (int(self.env.now) - sent_us)
        may_refresh = self.habits.refresh_share > 0.0 and not is_photo(action)
        if may_refresh:
            refresh_us = sent_us + round(self.habits.refresh_after_s * US)
            yield from self._until(refresh_us, entry.job.done)
            if not entry.job.done.triggered:
                return (yield from self._restless(entry.job.done, sent_us))
        else:
            yield from self._until(gives_up_us, entry.job.done)
            if not entry.job.done.triggered:
                return self._given_up()
        if concerns_others(action):
            self.house.clock.stir()
        return self.house.service.answer(self, action)

    def _restless(self, first: simpy.Event, sent_us: int) -> Process:
        """No answer for so long: perhaps the same request once more; the first answer counts, both cost the service."""
        self.house.clock.stir()
        gives_up_us = sent_us + PATIENCE_US
        if not refreshes(self.state, self.habits, self.seed, self.number):
            yield from self._until(gives_up_us, first)
            return self._answered_or_given_up(first)
        entry = self._enter(1)
        if entry.job is None:  # the refusal is the first answer; what was asked before takes effect all the same
            self._given_up()
            return (yield from self._turned_away(entry))
        again = int(self.env.now)
        yield from self._until(gives_up_us, first, entry.job.done)
        if not first.triggered and not entry.job.done.triggered:
            yield from self._until(again + PATIENCE_US, entry.job.done)
            return self._answered_or_given_up(entry.job.done)
        return self._answered_or_given_up(first, entry.job.done)

    def _answered_or_given_up(self, *answers: simpy.Event) -> tuple[int, float]:
        self.house.clock.stir()
        if any(each.triggered for each in answers):
            return self.house.service.answer(self, self.state.action)
        return self._given_up()

    def _given_up(self) -> tuple[int, float]:
        """The client does not wait any longer. What was asked takes effect now; the same again will find it."""
        self.house.clock.stir()
        result, _ = self.house.service.answer(self, self.state.action)
        self.known.kept = result == Result.OK
        return Result.TIMEOUT, -1.0

    def _enter(self, refreshed: int, size: int = 0) -> Entry:
        state = self.state
        steps = ((state.nerves.retries * 32 + state.action) * 32 + state.progress.answers) * 4 + state.progress.photo
        occasion = (steps * 64 + state.code.sends) * 2 + refreshed
        return self.house.door.enter(self.number, state.action, size, occasion, state.nerves.retries)

    def _turned_away(self, entry: Entry) -> Process:
        yield from self._until(int(self.env.now) + entry.refused_us)
        return Result.BUSY, entry.told_s

    def _announce(self) -> None:
        """One photo that was announced before is another picture now."""
        if self.known.announced:
            self.takes += 1
        self.known.announced = self.known.has_farther = False
        self.known.stored = 0

    def _send_photo(self) -> Process:
        """Send what the service lacks: None once all is there, or how the line broke."""
        network, known = self.network, self.known
        speed, round_trip = network.up_mbps * 125_000.0, network.round_trip_s
        size = self.photo_size() - known.stored
        self.photo_sends += 1
        cut_s = cut_after_s(self.seed, self.number, self.photo_sends, network.cuts_per_min)
        whole_s = size / speed
        if cut_s < 0.0 or cut_s >= whole_s + round_trip:
            yield from self._until(int(self.env.now) + int((round_trip / 2.0 + whole_s) * 1e6))
            return None
        arrived = min(size, max(0, int(speed * (cut_s - round_trip / 2.0))))
        broken_s = round_trip / 2.0 + cut_s
        kind = cut_kind(self.seed, self.number, self.photo_sends)
        noticed_s = broken_s + SILENCE if kind == Cut.HALF_OPEN else broken_s
        yield from self._until(int(self.env.now) + int(noticed_s * 1e6))
        if self.state.action == Action.PHOTO_SEND and arrived > 0:
            known.stored += arrived
            known.has_farther = True
        return {Cut.HALF_OPEN: Result.TIMEOUT, Cut.KILLED: Result.KILLED}.get(Cut(kind), Result.ERROR)
