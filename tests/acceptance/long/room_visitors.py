"""People before the service's waiting room under a virtual clock: they look where they stand, and claim at their turn.

When to look again is the service's own rule, from the people ahead who are there; the copy of the room that is looked
at is up to a second old. Who claims and is not let in asks again when told to. Who is away does nothing, and asks at
once when back.
"""

import random

import numpy as np

from service.domain import promises, waiting_room
from tests.acceptance.long.room_people import People, Played
from tests.acceptance.long.room_windows import Floats
from tests.acceptance.long.room_world import World

COPY = 1.0
"""Seconds between two looks of the web processes at the room."""
MAP = 5.0
"""Seconds between two counts of the people who are there."""
LATE = 0.5
"""Most seconds that a phone takes longer than it was told."""


class Visitors:
    """Everybody of `people` in one world; ticket k + 1 is person k's."""

    def __init__(self, people: People, world: World, draw: random.Random) -> None:
        self._people = people
        self._world = world
        self._draw = draw
        self._shown = 0.0
        self._ahead = np.zeros(len(people) + 1, dtype=np.int64)
        self._asked = np.zeros(len(people))
        self._inside = np.zeros(len(people), dtype=np.bool_)
        self._away = np.zeros(len(people), dtype=np.bool_)
        world.answered = self._answered
        self._copy()
        self._count()
        self._join(0)

    def played(self, until: float) -> Played:
        self._world.run(until)
        admitted = np.full(len(self._people), np.nan)
        for moment, number in self._world.admissions:
            admitted[number - 1] = moment
        return Played(admitted, self._asked, there(self._people, admitted, until))

    def _join(self, person: int) -> None:
        """One after the other: only the next one to come is in the world's list of what happens."""
        if person < len(self._people):
            self._world.at(float(self._people.came[person]), self._comes, person)

    def _comes(self, person: int) -> None:
        self._world.room.last_ticket = person + 1
        self._ask(person)
        self._join(person + 1)

    def _copy(self) -> None:
        self._shown = self._world.gate.frontier
        self._world.after(COPY, self._copy)

    def _count(self) -> None:
        now, people = self._world.now, self._people
        live = (people.came <= now) & ~self._inside & ((people.left > now) | (people.back <= now))
        np.cumsum(live, out=self._ahead[1:])
        self._world.after(MAP, self._count)

    def _is_away(self, person: int) -> bool:
        """And asks again when back."""
        now, people = self._world.now, self._people
        if not people.left[person] <= now < people.back[person]:
            return False
        if np.isfinite(people.back[person]):
            self._world.at(float(people.back[person]), self._ask, person)
        return True

    def _ask(self, person: int) -> None:
        if self._is_away(person):
            return
        self._asked[person] += 1
        number, now = person + 1, self._world.now
        if waiting_room.may_claim(number, self._shown):
            self._world.claim(number)
            return
        ahead = int(self._ahead[person] - self._ahead[min(int(self._shown), person)])
        # As the service does: before the gatekeeper has moved, its first move will be at the rate of the settings.
        expected = promises.expected_wait_s(ahead, self._world.gate.rate_per_s or self._world.rate)
        self._world.after(promises.poll_pause_s(number, promises.poll_interval_s(expected), now), self._ask, person)

    def _claim(self, person: int) -> None:
        if not self._is_away(person):
            self._asked[person] += 1
            self._world.claim(person + 1)

    def _answered(self, number: int, inside: bool, retry: float) -> None:
        if inside:
            self._inside[number - 1] = True
        else:
            self._world.after(retry + self._draw.random() * LATE, self._claim, number - 1)


def there(people: People, admitted: Floats, until: float) -> Floats:
    """How long each was there and not in."""
    end = np.where(np.isnan(admitted), until, admitted)
    first = np.minimum(end, people.left) - people.came
    again = np.where(people.back < end, end - people.back, 0.0)
    return np.asarray(np.maximum(first, 0.0) + again)


def play(people: People, rate_per_s: float, draw: random.Random, until: float) -> Played:
    """until: seconds after which nobody is looked at any more."""
    return Visitors(people, World(rate_per_s, draw), draw).played(until)
