"""A crowd in virtual time against a service that refuses: the machine of an applicant, driven without sockets.

What each kind of client makes of an outage is so a matter of milliseconds and the same in every run. The same machine
meets a real service in the swarm; `make acceptance NAME=manners` plays the same night over HTTP.
"""

import heapq
from collections import Counter
from dataclasses import dataclass, field

from scenarios import journey, throttle
from scenarios.behaviour import habits, traits
from scenarios.catalogue import Night
from scenarios.fates import Fate, Manners
from scenarios.journey_state import Action, Result, State
from scenarios.population import person
from scenarios.throttle import FRESH, Attempt

SEED = 1
CODE_AFTER = 3.0
"""Seconds from asking for a code until it is delivered."""
PACE = 20.0


@dataclass
class Outage:
    """A service that refuses everything until `until` and takes `rate_per_s` from then on, the rest it refuses too.

    A place is free again 1 / rate_per_s after it was taken; nothing waits. Refusals name `retry_after` seconds.
    """

    until: float
    rate_per_s: float
    retry_after: float
    served: int = 0
    refused: int = 0
    by_minute: Counter[int] = field(default_factory=Counter)
    """Requests that came, by minute."""
    _free_at: float = 0.0

    def answer(self, now: float) -> Result:
        self.by_minute[int(now // 60.0)] += 1
        if now < self.until or now < self._free_at:
            self.refused += 1
            return Result.BUSY
        self._free_at = now + 1.0 / self.rate_per_s
        self.served += 1
        return Result.OK


@dataclass
class Played:
    service: Outage
    fates: Counter[Fate]
    held_back: int
    last: float
    """When the last applicant's way ended, in seconds."""


def play(night: Night, manners: str, people: int, span: float, service: Outage) -> Played:
    """`people` of the night, all with clients of these manners, come evenly within `span` seconds."""
    one_kind = night.with_manners(manners)
    own = habits(one_kind, PACE)
    states: dict[int, State] = {}
    throttles = dict.fromkeys(range(people), FRESH)
    agenda: list[tuple[float, int]] = []
    for number in range(people):
        states[number] = journey.start(traits(one_kind, person(one_kind, SEED, number)))
        heapq.heappush(agenda, (span * number / people, number))
    fates: Counter[Fate] = Counter()
    held_back, now = 0, 0.0
    while agenda:
        now, number = heapq.heappop(agenda)
        state, result, told = states[number], Result.DELIVERED, -1.0
        if state.action != Action.WAIT_CODE:
            attempt = Attempt(throttles[number], 0)
            if state.traits.manners == Manners.ADAPTIVE:
                attempt = throttle.attempt(throttles[number], SEED, number, now)
            if attempt.is_held_back:
                held_back += 1
                result, told = Result.BUSY, attempt.throttle.told_s
            else:
                result = service.answer(now)
                told = service.retry_after if result == Result.BUSY else -1.0
            throttles[number] = throttle.answered(attempt.throttle, result, told, now)
        decision = journey.step(state, own, SEED, number, result, told, now)
        states[number] = decision.state
        if decision.action == Action.LEAVE:
            fates[Fate(decision.state.fate)] += 1
        else:
            delay = CODE_AFTER if decision.action == Action.WAIT_CODE else decision.delay_s
            heapq.heappush(agenda, (now + delay, number))
    return Played(service, fates, held_back, now)
