"""The waiting room: tickets, the frontier that invites, and the gate that lets in."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

import simpy

from scenarios.simulation.figures import Setup
from service.domain import gate, promises, waiting_room
from service.domain.gate import Reached
from service.domain.waiting_room import Show
from tests.simpy_oracle.clock import Clock
from tests.simpy_oracle.instants import US, Process, whole_ms
from tests.simpy_oracle.servers import Interlude, Station

if TYPE_CHECKING:
    from tests.simpy_oracle.applicant import Applicant

BEAT_US = 1_000_000
OFTEN_S = promises.POLL_LEAST / promises.POLL_SHARE
SELDOM_S = promises.POLL_MOST / promises.POLL_SHARE
"""Who waits less looks every POLL_LEAST, who waits more every POLL_MOST, who waits between when a share has passed."""
BEGUN = 0.5
"""Of a look: who comes has just been told."""


class WaitingRoom:
    def __init__(self, env: simpy.Environment, setup: Setup, gate_per_s: float, web: Station) -> None:
        self.env = env
        self.is_there = setup.resources.waiting_room and gate_per_s > 0.0
        self.rate_per_s = gate_per_s
        self.holders: list[Applicant] = []
        """By place, from 1."""
        self.frontier = 0.0
        self.at_gate: deque[Applicant] = deque()
        self.admitted = 0
        self.claimed = 0
        self._granted = 0
        self._known = 0
        self._credit = 0.0
        self._show = Show(0.0, 0.0, 0.0, 1.0)
        self._reached = Reached()
        self._looked_us = -50_000
        self._beat_us = -BEAT_US
        self._invited_before = self._claimed_before = 0
        self._web, self._poll_us = web, setup.costs.poll_web_s * US
        self.is_down = False

    @property
    def is_empty(self) -> bool:
        return not self.at_gate and len(self.holders) <= self.frontier

    def take_ticket(self, person: Applicant) -> None:
        """The next place in line, unless her browser has one."""
        if not person.known.has_ticket:
            self.holders.append(person)
            person.known.place = len(self.holders)
            person.known.has_ticket = True

    def is_invited(self, person: Applicant) -> bool:
        return not self.is_there or waiting_room.may_claim(person.known.place, self.frontier)

    def poll_s(self, person: Applicant) -> float:
        """When somebody in line is told to look again."""
        ahead = int(max(person.known.place - self.frontier, 0.0))
        expected = promises.expected_wait_s(ahead, self.rate_per_s / max(self._show.share, waiting_room.LEAST_SHOW))
        return promises.poll_pause_s(
            person.known.place, promises.poll_interval_s(expected), int(self.env.now) / US
        )  # fmt: skip

    def claim_s(self, person: Applicant) -> float:
        """-1: she is let in; else when she is to claim again."""
        known, now_ms = person.known, whole_ms(int(self.env.now))
        if known.let_in_ms is not None and now_ms - known.let_in_ms < gate.PASS_LIFE * 1000.0:
            known.at_gate = False
            return -1.0
        if not self.is_there:
            self._let_in(person)
            return -1.0
        if not known.at_gate:
            self.claimed += 1
            if not self.at_gate and self.admitted < self._granted:
                self._let_in(person)
                return -1.0
            self.at_gate.append(person)
            known.at_gate = True
        return gate.claim_retry_s(known.place, len(self.at_gate), self.rate_per_s)

    def _let_in(self, person: Applicant) -> None:
        person.known.let_in_ms = whole_ms(int(self.env.now))
        person.known.at_gate = False
        self.admitted += 1

    def keep(self, clock: Clock) -> Process:
        """The gatekeeper."""
        while True:
            yield clock.tick
            if self.is_there and not self.is_down:
                self._look()
                if int(self.env.now) - self._beat_us >= BEAT_US:
                    self._move()

    def _look(self) -> None:
        """Grant what may come in, and let in who waits for it. The last minute is counted from a whole second on."""
        now = int(self.env.now)
        elapsed_s = (now - self._looked_us) / US
        self._looked_us = now
        self._credit = gate.credit_after(self._credit, self.admitted - self._known, elapsed_s, self.rate_per_s)
        self._known = self.admitted
        second_base = self._reached.before(whole_ms(now - US))
        minute_base = self._reached.before(whole_ms((now // US - 60) * US))
        limit = gate.ceiling(self._known, self._credit, second_base, minute_base, self.rate_per_s, 0, 0)
        self._granted = max(self._granted, limit)
        while self.at_gate and self.admitted < self._granted:
            person = self.at_gate.popleft()
            if person.known.at_gate and not person.is_gone:
                self._let_in(person)
        self._reached.add(whole_ms(now), self.admitted)
        self._charge_looks(min(elapsed_s, waiting_room.MOST_STANDSTILL))

    def _move(self) -> None:
        """Move the frontier, and call those whom it passes."""
        now = int(self.env.now)
        elapsed_s = min((now - self._beat_us) / US, waiting_room.MOST_STANDSTILL)
        self._beat_us = now
        tickets = len(self.holders)
        invited = min(int(self.frontier), tickets)
        self._show = waiting_room.show_after(
            self._show,
            (invited - self._invited_before) / elapsed_s,
            (self.claimed - self._claimed_before) / elapsed_s,
            elapsed_s,
            self.rate_per_s,
        )
        self._invited_before, self._claimed_before = invited, self.claimed
        self.frontier = waiting_room.frontier_after(
            self.frontier, tickets, elapsed_s, self.rate_per_s, len(self.at_gate), self._show.share
        )
        for place in range(invited, min(int(self.frontier), tickets)):
            if self.holders[place].known.place == place + 1:
                self.holders[place].call()

    def _charge_looks(self, elapsed_s: float) -> None:
        """What those in line cost who look at their places meanwhile: a part for each web process."""
        waiting = (len(self.holders) - self.frontier) * self._show.share
        if waiting <= 0.0:
            return
        at_gate = len(self.at_gate)
        longest, shortest = (
            looks_within(promises.expected_wait_s(ahead, self.rate_per_s))
            for ahead in (int(waiting) + at_gate, at_gate)
        )
        looks = max(longest - shortest - BEGUN, 0.0) * self.rate_per_s
        each_us = int(looks * elapsed_s * self._poll_us) // len(self._web.servers)
        if each_us > 0:
            self._web.everybody(Interlude(work_us=each_us))


def looks_within(wait_s: float) -> float:
    """Looks of somebody who is told to wait so long, until told 0; the line looks so often for each who passes."""
    often = min(wait_s, OFTEN_S) / promises.POLL_LEAST
    if wait_s <= OFTEN_S:
        return often
    between = math.log(min(wait_s, SELDOM_S) / OFTEN_S) / -math.log(1.0 - promises.POLL_SHARE)
    return often + between + max(wait_s - SELDOM_S, 0.0) / promises.POLL_MOST
