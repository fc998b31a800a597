"""What each way in which people behave makes of one night, in virtual time: `make acceptance NAME=people`.

The same people come within three hours from the opening; for the first six hours most answers are failures, from then
on all goes well. Played with every behavior off, with each of them alone, and with all of the shipped night; printed as
a table. About a minute on a quiet machine; ends with 3 when a behavior has not the effect that it is there for.
"""

import argparse
import heapq
import sys
from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np

from scenarios import catalogue, journey
from scenarios.behaviour import habits, traits
from scenarios.catalogue import Night
from scenarios.fates import Fate
from scenarios.journey_state import Action, Result, State
from scenarios.population import Population, person
from scenarios.streams import uniform
from service.domain.codes import life_s

ARRIVE_WITHIN = 3 * 3600.0
TROUBLE = 6 * 3600.0
FAILING = 0.6
"""Share of the answers that are failures in that time."""
DELIVERED_AFTER = 8.0
"""Seconds from asking for a code to its message."""
RUSH_FROM = (117 - 3) * 3600.0
_LUCK = 900
"""In place of a purpose: whether an answer is a failure."""


@dataclass
class Played:
    """One play. Counts, and seconds of each applicant who joined, from coming to joining."""

    fates: Counter[Fate] = field(default_factory=Counter)
    requests: int = 0
    codes: int = 0
    visits: int = 0
    """That ended without success."""
    nightly: int = 0
    """Of the returns: those between midnight and five."""
    rushed: int = 0
    """Those in the last three hours."""
    browsers: int = 0
    pages: int = 0
    late: int = 0
    """Codes that were typed after their end."""
    took: list[float] = field(default_factory=list)


class Play:
    """All people of a night against a service that answers badly for some hours."""

    def __init__(self, night: Night, seed: int, people: int) -> None:
        self.seen = Played()
        self._own = habits(night, 1.0)
        self._seed = seed
        self._states = [journey.start(traits(night, person(night, seed, number))) for number in range(people)]
        self._came = [ARRIVE_WITHIN * number / people for number in range(people)]
        self._agenda = [(came, number) for number, came in enumerate(self._came)]
        self._expired: set[int] = set()
        """Who will type a code that has come to its end."""

    def run(self) -> Played:
        heapq.heapify(self._agenda)
        while self._agenda:
            self._act(*heapq.heappop(self._agenda))
        return self.seen

    def _act(self, now: float, number: int) -> None:
        before = self._states[number]
        decision = journey.step(before, self._own, self._seed, number, self._answer(now, number, before), -1.0, now)
        after = self._states[number] = decision.state
        delay = decision.delay_s
        if before.action == Action.WAIT_CODE and delay >= life_s(before.code.channel):
            self._expired.add(number)
        if after.nerves.visits > before.nerves.visits:
            back = now + delay
            self.seen.visits += 1
            self.seen.nightly += (19.0 + back / 3600.0) % 24.0 < 5.0
            self.seen.rushed += back >= RUSH_FROM
        if decision.action == Action.LEAVE:
            self._end(now, number, after)
        else:
            due = now + (DELIVERED_AFTER if decision.action == Action.WAIT_CODE else delay)
            heapq.heappush(self._agenda, (due, number))

    def _answer(self, now: float, number: int, state: State) -> Result:
        if state.action == Action.WAIT_CODE:
            return Result.DELIVERED
        self.seen.requests += 1
        self.seen.codes += state.action == Action.CODE
        if now < TROUBLE and uniform(self._seed, number, _LUCK + state.action, state.nerves.retries) < FAILING:
            return Result.ERROR
        if state.action in (Action.SESSION, Action.PHONE) and number in self._expired:
            self._expired.discard(number)
            self.seen.late += 1
            return Result.OLD_CODE
        return Result.OK

    def _end(self, now: float, number: int, state: State) -> None:
        self.seen.fates[Fate(state.fate)] += 1
        self.seen.browsers += state.browser
        self.seen.pages += state.pages
        if state.fate == Fate.JOINED:
            self.seen.took.append(now - self._came[number])


def quiet(people: Population) -> Population:
    """The same people, who do nothing of all this: every share 0."""
    retries = replace(people.retries, refresh_share=0.0, rush_share=0.0, late_typing_share=0.0)
    retries = replace(retries, hourly_weights=(1.0,) * 24)
    browsers = replace(people.browsers, switch_share=0.0, page_lost_share=0.0) if people.browsers else None
    return replace(people, retries=retries, browsers=browsers, older=None, assisted=None)


def variants(night: Night) -> dict[str, Night]:
    """The night with nothing, with each behavior alone, and as it is."""
    own, none = night.population, quiet(night.population)
    assert own.browsers is not None and none.browsers is not None
    alone = {
        "nothing": none,
        "hours of the day": replace(none, retries=replace(none.retries, hourly_weights=own.retries.hourly_weights)),
        "last hours": replace(none, retries=replace(none.retries, rush_share=own.retries.rush_share)),
        "browsers": replace(none, browsers=replace(none.browsers, switch_share=own.browsers.switch_share)),
        "lost pages": replace(none, browsers=replace(none.browsers, page_lost_share=own.browsers.page_lost_share)),
        "late codes": replace(none, retries=replace(none.retries, late_typing_share=own.retries.late_typing_share)),
        "older, helped": replace(none, older=own.older, assisted=own.assisted),
        "all": own,
    }
    return {name: replace(night, population=people) for name, people in alone.items()}


def line(name: str, played: Played) -> str:
    people = played.fates.total()
    shares = (played.fates[Fate.JOINED] / people, played.fates[Fate.FAILED] / people)
    cells = [f"{share:.0%}" for share in shares]
    counts = (played.requests, played.codes, played.visits, played.nightly, played.rushed, played.browsers)
    cells += [f"{count:,}" for count in (*counts, played.pages, played.late)]
    cells.append(f"{np.median(played.took) / 60.0:.0f}" if played.took else "-")
    return f"| {' | '.join([name, *cells])} |"


def misses(seen: dict[str, Played], left_out: Played, people: int) -> list[str]:
    """What does not hold; each behavior is compared with none."""
    none = seen["nothing"]
    joined = {name: played.fates[Fate.JOINED] for name, played in seen.items()}
    slower = np.mean(seen["older, helped"].took) > np.mean(none.took)
    holds = {
        "everybody has one fate": all(played.fates.total() == people for played in seen.values()),
        "shares of 0 are as good as no tables at all": left_out == none,
        "by night a quarter fewer come back": seen["hours of the day"].nightly < 0.75 * none.nightly,
        "the last hours bring people back, and some join": seen["last hours"].rushed > none.rushed
        and joined["last hours"] > joined["nothing"],
        "browsers are changed": seen["browsers"].browsers > none.browsers == 0,
        "a lost page costs codes": seen["lost pages"].pages > none.pages == 0 and seen["lost pages"].codes > none.codes,
        "a late code costs another one": seen["late codes"].codes > none.codes and seen["late codes"].late > 0,
        "older and helped people take longer": bool(slower),
    }
    return [claim for claim, is_true in holds.items() if not is_true]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    night = catalogue.load("prakerja-wave-1")
    print("| behavior | joined | failed | requests | codes | visits ended | by night | last hours | browsers | pages "
          "| late codes | minutes to join |\n|" + "---|" * 12)  # fmt: skip
    seen = {}
    for name, variant in variants(night).items():
        seen[name] = Play(variant, options.seed, options.people).run()
        print(line(name, seen[name]), flush=True)
    bare = replace(quiet(night.population), browsers=None)
    found = misses(seen, Play(replace(night, population=bare), options.seed, options.people).run(), options.people)
    for claim in found:
        print(f"missed: {claim}")
    return 3 if found else 0


if __name__ == "__main__":
    sys.exit(main())
