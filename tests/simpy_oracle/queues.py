"""The queues that partners limit, and the worker of each: codes by e-mail and by SMS, identity checks."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple

import simpy

from scenarios.simulation.figures import Setup
from scenarios.streams import Purpose, log_normal, uniform
from service.domain import codes, queues
from service.domain.identity import IdentityStatus
from tests.simpy_oracle.clock import Clock
from tests.simpy_oracle.instants import SERVERS, US, Appointment, Process, whole_ms
from tests.simpy_oracle.partners import Partners

if TYPE_CHECKING:
    from tests.simpy_oracle.applicant import Applicant

CALL_DELAY_MS = 200
"""From a claim to its call (service/queues/lane.py)."""
DEADLINE_S = 5.0
"""A call that nobody answers."""
TICK_S = 0.05
UNPACED_CLAIM = 4096
WINDOW_PARTS = 20
"""Claims are remembered by twentieths of the quota's window; of the one that is leaving it counts what is inside."""


class Kind(NamedTuple):
    """number: in the keys of draws. tries, base_s, longest_s: as service/queues/policy.py has them."""

    number: int
    partner: str
    tries: int
    base_s: float
    longest_s: float
    loss: int
    delay: int


EMAIL = Kind(0, "email", 8, 0.5, 30.0, Purpose.EMAIL_LOSS, Purpose.EMAIL_DELAY)
SMS = Kind(1, "sms", 8, 0.5, 30.0, Purpose.SMS_LOSS, Purpose.SMS_DELAY)
IDENTITY = Kind(2, "civil_registry", 40, 1.0, 300.0, -1, -1)


class Work(NamedTuple):
    person: Applicant
    version: int
    since_ms: int
    is_mistyped: bool


class Queue:
    """limit: -1 where nothing is bounded."""

    def __init__(
        self, env: simpy.Environment, setup: Setup, kind: Kind, limit: int, rate_per_s: float, partners: Partners
    ) -> None:
        self.env, self.seed, self.kind, self.partners = env, setup.seed, kind, partners
        self.limit, self.rate_per_s = limit, rate_per_s
        self.is_bounded = setup.resources.bounded_queues
        self.is_paced, self.drops = setup.resources.partner_pacing, setup.resources.drop_abandoned_work
        self.line: deque[Work] = deque()
        self.refused = self.handed = self.expired = 0
        self._claimed: Counter[int] = Counter()
        self._part_us = 0
        self._owed = 0
        """Tries after the first, which later claims pay for."""

    def add(self, person: Applicant, version: int, is_mistyped: bool = False) -> bool:
        """Put a job in line; False: the queue is full."""
        if self.is_bounded and not queues.accepts(len(self.line), self.limit):
            self.refused += 1
            return False
        self.line.append(Work(person, version, whole_ms(int(self.env.now)), is_mistyped))
        return True

    def full_s(self, number: int, retries: int) -> float:
        """When to come back to a full queue, in whole seconds as the header has it."""
        drawn = uniform(self.seed, number, Purpose.RETRY_AFTER, retries)
        return float(int(queues.retry_after_s(self.limit, self.rate_per_s, drawn)) + 1)

    def work(self, clock: Clock) -> Process:
        """The worker: with each tick as much as the quota leaves."""
        while True:
            yield clock.tick
            if self.line:
                self._claim()

    def _claim(self) -> None:
        free = self._free()
        while free > 0 and self.line:
            if self.kind is IDENTITY and self.partners.allowance == 0:
                return
            work = self.line.popleft()
            if self.drops and self._is_of_no_use(work):
                continue
            free -= 1
            self._take()
            if self.kind is IDENTITY:
                self._check(work)
            else:
                self._send(work)

    def _free(self) -> int:
        """Jobs that may be claimed now: what the quota leaves, at most a claim's share of it, less the tries owed."""
        rate = self.partners.terms[self.kind.partner].rate_per_s
        if rate <= 0.0 or self.partners.workers_gone:
            return 0
        window_s = queues.quota_window_s(rate)
        part_us = round((window_s + queues.GUARD_S) / WINDOW_PARTS * US)
        if part_us != self._part_us:
            self._claimed.clear()  # a window of another length begins anew
            self._part_us = part_us
        if not self.is_paced:
            return UNPACED_CLAIM
        now = int(self.env.now)
        part = now // part_us
        taken = sum(self._claimed[part - back] for back in range(WINDOW_PARTS))
        taken += int(self._claimed[part - WINDOW_PARTS] * (1.0 - (now % part_us) / part_us))
        share = max(1, int(rate * TICK_S * 1.25) + 1)
        free = min(queues.quota_free(taken, rate, window_s), share)
        paid = min(self._owed, free)
        self._owed -= paid
        for _ in range(paid):
            self._take()
        return free - paid

    def _take(self) -> None:
        self._claimed[int(self.env.now) // self._part_us] += 1

    def _is_of_no_use(self, work: Work) -> bool:
        """Whether nobody waits for it any more."""
        known = work.person.known
        if self.kind is IDENTITY:
            return known.version != work.version or known.identity != IdentityStatus.PENDING
        if whole_ms(int(self.env.now)) - work.since_ms >= queues.CODE_EXPIRY_S * 1000.0:
            self.expired += 1
            return True
        return known.asked == work.version and known.code_used

    def _failures_s(self, number: int, attempt: int) -> float | None:
        """How long the tries that fail take, with their pauses; None: no try succeeds."""
        terms, kind = self.partners.terms[self.kind.partner], self.kind
        if terms.failing <= 0.0:
            return 0.0
        delay_s = 0.0
        for tried in range(1, kind.tries + 1):
            occasion = (kind.number * 64 + attempt) * 64 + tried
            drawn = uniform(self.seed, number, Purpose.PARTNER_FAILURE, occasion)
            if drawn >= terms.failing:
                return delay_s
            self._owed += 1
            delay_s += DEADLINE_S if drawn < terms.silent else 0.0
            pause = uniform(self.seed, number, Purpose.PARTNER_RETRY, occasion)
            delay_s += queues.retry_delay_s(tried, pause, kind.base_s, kind.longest_s)
        return None

    def _send(self, work: Work) -> None:
        """A code goes to its gateway: its life begins, and the message is there later, or never."""
        person, known, number = work.person, work.person.known, work.person.number
        attempt = known.messages[self.kind.number]
        failures_s = self._failures_s(number, attempt)
        now_ms = whole_ms(int(self.env.now))
        waited_s = (now_ms - work.since_ms) * 0.001
        if failures_s is None or (self.drops and waited_s + failures_s >= queues.CODE_EXPIRY_S):
            self.expired += 1
            return
        known.messages[self.kind.number] += 1
        self.handed += 1
        handed_ms = now_ms + int((CALL_DELAY_MS / 1000 + failures_s) * 1000.0)
        is_asked = known.asked == work.version and not known.code_used
        if is_asked and not known.code_lives(handed_ms * 0.001, codes.life_s(person.state.code.channel)):
            known.handed_ms = handed_ms
        terms = self.partners.terms[self.kind.partner]
        if uniform(self.seed, number, self.kind.loss, attempt) < terms.loss or not is_asked:
            return
        drawn = uniform(self.seed, number, self.kind.delay, attempt)
        arrives_ms = handed_ms + int(log_normal(drawn, terms.median_s, terms.sigma) * 1000.0)
        message = Appointment(self.env, arrives_ms * 1000, SERVERS)
        assert message.callbacks is not None
        message.callbacks.append(lambda _: person.receive(work.version))

    def _check(self, work: Work) -> None:
        """Ask the registry; its answer is stored at once."""
        if self.partners.allowance is not None:
            self.partners.allowance -= 1
        if self._failures_s(work.person.number, work.version) is None:
            self.expired += 1
            return
        self.handed += 1
        if work.person.known.version == work.version:
            work.person.known.identity = IdentityStatus.MISMATCH if work.is_mistyped else IdentityStatus.MATCH
