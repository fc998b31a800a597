"""What the service knows of one applicant, and what it answers to each thing she asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import simpy

from scenarios.fates import Channel
from scenarios.journey_state import Action, Result
from scenarios.simulation.figures import Setup
from scenarios.uploaders import Uploader
from service.domain import assessment, codes, gate, waves
from service.domain.identity import IdentityStatus, corrections_left
from service.domain.waves import JoinDecision
from tests.simpy_oracle.door import Door
from tests.simpy_oracle.instants import US, whole_ms
from tests.simpy_oracle.queues import Queue
from tests.simpy_oracle.room import WaitingRoom

if TYPE_CHECKING:
    from tests.simpy_oracle.applicant import Applicant

Answer = tuple[int, float]
"""A Result, and when to ask again: -1 for none."""
_HOUR_MIN, _DAY_MIN = 60, 24 * 60
_OF_MANY = (
    Action.TICKET, Action.PLACE, Action.CLAIM, Action.CODE, Action.CODE_AGAIN, Action.SESSION, Action.IDENTITY,
    Action.CORRECT, Action.PHONE, Action.LOOK,
)  # fmt: skip


def concerns_others(action: int) -> bool:
    """Whether what was asked for depends on others, or they on it: on tickets, on queues and their workers."""
    return action in _OF_MANY


@dataclass
class Budget:
    """Codes asked for in a window that begins with the first of them, in minutes of the night's clock."""

    most: int
    length_min: int
    begins_min: int = 0
    count: int = 0

    def wait_min(self, minute: int) -> int:
        """Minutes until another may be asked for; 0 or less: now."""
        if self.count < self.most or minute - self.begins_min >= self.length_min:
            return 0
        return self.begins_min + self.length_min - minute

    def spend(self, minute: int) -> None:
        if self.count == 0 or minute - self.begins_min >= self.length_min:
            self.begins_min, self.count = minute, 0
        self.count += 1


@dataclass
class Known:
    """place: in the line, from 1. asked: requests for a code; a message of an earlier one is of no use.

    has_ticket, account_here, session: in the present browser. Instants are whole milliseconds.
    """

    has_ticket: bool = False
    place: int = 0
    let_in_ms: int | None = None
    at_gate: bool = False
    account: bool = False
    account_here: bool = False
    session: bool = False
    verified: bool = False
    asked: int = 0
    handed_ms: int | None = None
    asked_ms: int = -1
    received: bool = False
    code_used: bool = False
    messages: list[int] = field(default_factory=lambda: [0, 0])
    hour: Budget = field(default_factory=lambda: Budget(codes.MOST_PER_HOUR, _HOUR_MIN))
    day: Budget = field(default_factory=lambda: Budget(codes.MOST_PER_DAY, _DAY_MIN))
    identity: IdentityStatus | None = None
    version: int = 0
    announced: bool = False
    has_farther: bool = False
    """More of the photo is here than its client knows of."""
    stored: int = 0
    test_began_ms: int | None = None
    assessed: bool = False
    joined: bool = False
    kept: bool = False
    """The present request took effect, and she was not told."""

    def code_lives(self, now_s: float, life_s: float) -> bool:
        return codes.code_alive(-1.0 if self.handed_ms is None else self.handed_ms * 0.001, now_s, life_s)

    def forget_page(self) -> None:
        """What stood on the page is gone; a code asked for before is not the one that is waited for any more."""
        self.asked += 1
        self.handed_ms, self.received, self.code_used = None, False, False
        self.kept = self.announced = self.has_farther = False

    def forget_browser(self) -> None:
        """A browser that was never here."""
        self.has_ticket = self.at_gate = self.account_here = self.session = False
        self.let_in_ms = None
        self.forget_page()


class Service:
    def __init__(
        self, env: simpy.Environment, setup: Setup, door: Door, room: WaitingRoom, queues: tuple[Queue, Queue, Queue]
    ) -> None:
        self.env, self.door, self.room = env, door, room
        self.email, self.sms, self.identity = queues
        self._closes_s = setup.habits.closes_s

    def answer(self, person: Applicant, action: int) -> Answer:
        """Do what was asked for, now."""
        match action:
            case Action.TICKET | Action.PLACE:
                if action == Action.TICKET:
                    self.room.take_ticket(person)
                return self._in_line(person) or (Result.OK, -1.0)
            case Action.CLAIM:
                return self._in_line(person) or self._claim(person)
            case Action.ACCOUNT:
                return self._account(person.known), -1.0
            case Action.CODE:
                return self._code(person)
            case Action.CODE_AGAIN:
                return self._code_again(person)
            case Action.SESSION:
                return self._prove(person, action), -1.0
        if not person.known.session:
            return Result.LOST, -1.0
        return self._signed_in(person, action)

    def _signed_in(self, person: Applicant, action: int) -> Answer:
        known = person.known
        match action:
            case Action.PHONE:
                return self._prove(person, action), -1.0
            case Action.IDENTITY | Action.CORRECT:
                return self._give_identity(person, action)
            case Action.LOOK:
                return Result.MISMATCH if known.identity == IdentityStatus.MISMATCH else Result.OK, -1.0
            case Action.PHOTO_CREATE | Action.PHOTO_SEND | Action.PHOTO_HEAD:
                return self._photo(person, action), -1.0
            case Action.ASSESSMENT:
                if known.test_began_ms is None:
                    known.test_began_ms = whole_ms(int(self.env.now))
            case Action.ANSWER:
                return self._test_answer(known), -1.0
            case Action.SUBMIT:
                known.assessed = True
            case Action.JOIN:
                return self._join(person), -1.0
        return Result.OK, -1.0

    def _in_line(self, person: Applicant) -> Answer | None:
        if self.room.is_invited(person):
            return None
        return Result.WAIT, self.room.poll_s(person)

    def _claim(self, person: Applicant) -> Answer:
        told_s = self.room.claim_s(person)
        return (Result.OK, -1.0) if told_s < 0.0 else (Result.WAIT, told_s)

    def _account(self, known: Known) -> Result:
        if known.account:
            return Result.OK if known.account_here else Result.ADDRESS_TAKEN
        now_ms = whole_ms(int(self.env.now))
        if known.let_in_ms is None or now_ms - known.let_in_ms >= gate.PASS_LIFE * 1000.0:
            return Result.LOST
        known.account = known.account_here = True
        known.let_in_ms, known.stored = None, 0
        return Result.OK

    def _code(self, person: Applicant) -> Answer:
        known, now = person.known, int(self.env.now)
        if known.kept:
            return Result.OK, -1.0
        minute = now // (60 * US)
        for budget in (known.hour, known.day):
            if budget.wait_min(minute) > 0:
                return Result.BUSY, 60.0 * budget.wait_min(minute)
        queue = self._queue_of(person)
        if not queue.add(person, known.asked + 1):
            return Result.BUSY, queue.full_s(person.number, person.state.nerves.retries)
        known.asked += 1
        known.hour.spend(minute)
        known.day.spend(minute)
        known.asked_ms = whole_ms(now)
        known.handed_ms, known.received, known.code_used = None, False, False
        return Result.OK, -1.0

    def _code_again(self, person: Applicant) -> Answer:
        known, sends = person.known, person.state.code.sends
        if known.kept:
            return Result.OK, -1.0
        now_ms = whole_ms(int(self.env.now))
        wait_s = codes.resend_wait_s(sends)
        if sends >= codes.MAX_SENDS:
            return Result.BUSY, wait_s
        early_s = wait_s - (now_ms - known.asked_ms) * 0.001
        if early_s > 0.0:
            return Result.BUSY, float(int(early_s) + 1)
        queue = self._queue_of(person)
        if not queue.add(person, known.asked):
            return Result.BUSY, queue.full_s(person.number, person.state.nerves.retries)
        known.asked_ms = now_ms
        return Result.OK, -1.0

    def _queue_of(self, person: Applicant) -> Queue:
        return self.email if person.state.code.channel == Channel.EMAIL else self.sms

    def _prove(self, person: Applicant, action: int) -> Result:
        known, channel = person.known, person.state.code.channel
        if not known.kept:
            if known.handed_ms is None:
                return Result.WRONG_CODE
            if known.code_used or not known.code_lives(int(self.env.now) / US, codes.life_s(channel)):
                return Result.OLD_CODE
            known.code_used = True
        if action == Action.SESSION:
            known.session = True
        if channel == Channel.SMS:
            known.verified = True
        return Result.OK

    def _give_identity(self, person: Applicant, action: int) -> Answer:
        known = person.known
        if person.is_under_age:
            known.identity = IdentityStatus.NOT_ELIGIBLE
            return Result.NOT_ELIGIBLE, -1.0
        corrects = action == Action.CORRECT
        if known.kept or (known.identity is not None and not corrects) or known.identity == IdentityStatus.MATCH:
            return Result.OK, -1.0
        if corrects and corrections_left(known.version) == 0:
            return Result.OK, -1.0
        is_mistyped = not corrects and person.traits.mistyped == 1
        if not self.identity.add(person, known.version + 1, is_mistyped):
            return Result.BUSY, self.identity.full_s(person.number, person.state.nerves.retries)
        known.version += 1
        known.identity = IdentityStatus.PENDING
        return Result.OK, -1.0

    def _photo(self, person: Applicant, action: int) -> Result:
        known = person.known
        if action == Action.PHOTO_CREATE and person.traits.uploader != Uploader.ONE_SHOT:
            known.announced = True
            return Result.OK
        if action == Action.PHOTO_HEAD:
            if not known.announced:
                return Result.GONE
            if known.stored >= person.photo_size():
                return Result.OK
            farther, known.has_farther = known.has_farther, False
            return Result.FARTHER if farther else Result.PARTIAL
        known.stored = person.photo_size()
        self.door.inspect()
        return Result.OK

    def _test_answer(self, known: Known) -> Result:
        began_ms = known.test_began_ms
        in_time = began_ms is not None and assessment.in_time(began_ms * 0.001, int(self.env.now) / US)
        return Result.OK if in_time else Result.OVER

    def _join(self, person: Applicant) -> Result:
        known = person.known
        decision = waves.join_decision(
            0.0,
            self._closes_s,
            int(self.env.now) / US,
            int(known.identity != IdentityStatus.NOT_ELIGIBLE),
            int(known.assessed),
            person.state.progress.photo,
            int(known.verified),
        )
        known.joined = known.joined or decision == JoinDecision.ACCEPTED
        return {
            JoinDecision.ACCEPTED: Result.OK,
            JoinDecision.CLOSED: Result.WAVE_CLOSED,
            JoinDecision.NOT_ELIGIBLE: Result.NOT_ELIGIBLE,
        }.get(JoinDecision(decision), Result.ERROR)
