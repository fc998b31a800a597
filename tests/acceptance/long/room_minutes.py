"""A comparator: groups of one minute, as the rules of Cloudflare's waiting room are documented.

Who comes while nobody waits and the minute has room goes straight in. Others join the group of the minute in which they
came, and their page asks again every 20 s; only members of the oldest group are let in, and the next one moves when
each member of it is in or has been silent for five minutes. The room lets in so many each minute, and watches inside
the minute too. Who comes back after more than five minutes stands at the end.

Where the documents say nothing, what is best for it: one location with exact knowledge (its FAQ speaks of minutes until
the locations agree), and inside a minute never more than ten seconds ahead of an even pace.
"""

import heapq
import math
import random
from dataclasses import dataclass, field

import numpy as np

from tests.acceptance.long.room_people import People, Played

REFRESH = 20.0
SILENT = 300.0
AHEAD = 10.0
"""Seconds of an even pace that a minute may be ahead."""


@dataclass
class _Group:
    waiting: dict[int, float] = field(default_factory=dict)
    """Person -> when it last asked."""


class _Room:
    def __init__(self, rate_per_s: float) -> None:
        self._rate = rate_per_s
        self._groups: dict[int, _Group] = {}
        self._minute = -1
        self._accepted = 0

    def _room_left(self, now: float) -> bool:
        minute = math.floor(now / 60.0)
        if minute != self._minute:
            self._minute, self._accepted = minute, 0
        even = self._rate * min(now - 60.0 * minute + AHEAD, 60.0)
        return self._accepted < math.floor(even)

    def _oldest(self, now: float) -> int | None:
        """The group that moves; finished ones are dropped."""
        while self._groups:
            minute = min(self._groups)
            group = self._groups[minute]
            # Only the oldest group is looked through, and only when its longest silent member may be over.
            while group.waiting:
                person, asked = next(iter(group.waiting.items()))
                if asked >= now - SILENT:
                    return minute
                del group.waiting[person]
            if minute == math.floor(now / 60.0):
                return minute
            del self._groups[minute]
        return None

    def ask(self, person: int, group: int, now: float) -> bool:
        """Whether the person, of this group, is let in."""
        oldest = self._oldest(now)
        if (oldest is None or group <= oldest) and self._room_left(now):
            self._accepted += 1
            if group in self._groups:
                self._groups[group].waiting.pop(person, None)
            return True
        waiting = self._groups.setdefault(group, _Group()).waiting
        waiting.pop(person, None)  # a dict keeps the order of insertion: the longest silent one stays first
        waiting[person] = now
        return False


def play(people: People, rate_per_s: float, draw: random.Random, until: float) -> Played:
    """until: seconds after which nobody is looked at any more."""
    count = len(people)
    admitted, asked, waited = np.full(count, np.nan), np.zeros(count), np.zeros(count)
    room = _Room(rate_per_s)
    group = np.floor(people.came / 60.0).astype(int)
    last = np.full(count, -math.inf)
    heap = [(float(moment), person) for person, moment in enumerate(people.came)]
    heapq.heapify(heap)
    while heap:
        now, person = heapq.heappop(heap)
        if now > until:
            break
        if people.left[person] <= now < people.back[person]:
            if math.isfinite(people.back[person]):
                heapq.heappush(heap, (float(people.back[person]), person))
            continue
        if now - last[person] > SILENT and math.isfinite(last[person]):
            group[person] = math.floor(now / 60.0)  # forgotten: a new cookie
        if math.isfinite(last[person]) and now - last[person] <= REFRESH + 1e-6:
            waited[person] += now - last[person]
        last[person] = now
        asked[person] += 1
        if room.ask(person, int(group[person]), now):
            admitted[person] = now
        else:
            heapq.heappush(heap, (now + REFRESH, person))
    return Played(admitted, asked, waited)
