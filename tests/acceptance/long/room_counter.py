"""A comparator: one public serving number, as the rules of AWS's virtual waiting room are documented.

Everybody has a number; an inlet raises the serving number by a minute's worth every minute; who sees that their number
is reached goes in, whenever they do. A number that was not used for 900 s after its turn is refused, its holder takes a
new one; a sweep each minute raises the serving number by as many as were not used (an option; it is on here, which is
best for it). The page asks every 3 s, and the answer may be 5 s old.
"""

import random

import numpy as np

from tests.acceptance.long.room_people import People, Played

POLL = 3.0
CACHED = 5.0
EXPIRES = 900.0
BEAT = 60.0


def play(people: People, rate_per_s: float, draw: random.Random, until: float) -> Played:
    """until: seconds after which nobody is looked at any more."""
    count = len(people)
    phase = np.array([draw.random() * POLL for _ in range(count)])
    admitted, waited = np.full(count, np.nan), np.zeros(count)
    holder, began = list(range(count)), [float(moment) for moment in people.came]
    """Of each number: whose it is, and from when on it can be used."""
    numbers = list(range(count))
    serving, used = 0.0, set[int]()
    turn = dict[int, float]()
    served, swept = 0, 0
    for beat in range(int(until / BEAT) + 1):
        now = beat * BEAT
        # The sweep: numbers whose turn is over and that nobody used.
        while swept < served and turn[swept] + EXPIRES <= now:
            serving += swept not in used
            swept += 1
        serving += rate_per_s * BEAT
        shown = now + draw.random() * CACHED
        while served < min(int(serving), len(numbers)) and began[served] <= now + BEAT:
            number, person = served, holder[served]
            turn[number] = max(now, began[number])
            served += 1
            enters = _next_poll(people, person, max(shown, began[number]), float(phase[person]))
            if enters < turn[number] + EXPIRES:
                admitted[person] = enters
                used.add(number)
            elif np.isfinite(enters):  # 410: back too late, a new number at the end
                holder.append(person)
                began.append(enters)
                numbers.append(len(numbers))
    there = np.where(np.isfinite(people.left), people.left, until)
    end = np.where(np.isnan(admitted), until, admitted)
    waited = np.minimum(end, there) - people.came + np.where(people.back < end, end - people.back, 0.0)
    waited = np.maximum(waited, 0.0)
    return Played(admitted, np.ceil(waited / POLL), waited)


def _next_poll(people: People, person: int, moment: float, phase: float) -> float:
    """The first moment, from this one on, at which the person's page asks; inf when it never does."""
    if people.left[person] <= moment < people.back[person]:
        moment = float(people.back[person])
        if not np.isfinite(moment):
            return moment
    asks = moment + (phase - moment) % POLL
    if people.left[person] <= asks < people.back[person]:
        return float(people.back[person])
    return float(asks)
