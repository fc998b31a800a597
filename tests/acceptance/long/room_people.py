"""People before a waiting room, the same for every room they are sent to: when each comes, goes away and is back."""

import random
from dataclasses import dataclass

import numpy as np

from tests.acceptance.long.room_windows import Floats

NEVER = float("inf")


@dataclass(frozen=True)
class People:
    """Person k holds the k-th ticket. Seconds since the first one could come, shape (n,), `came` ascending.

    `left`: from when on the page is closed; `back`: from when on it is open again; NEVER where that does not happen.
    """

    came: Floats
    left: Floats
    back: Floats

    def __len__(self) -> int:
        return len(self.came)

    @property
    def stays(self) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
        """Who is there all the time."""
        return np.asarray(np.isinf(self.left))


@dataclass(frozen=True)
class Played:
    """What a room did with people. Seconds; nan: never let in; shape (n,)."""

    admitted: Floats
    asked: Floats
    """How often each asked where it stands, before it was let in."""
    waited: Floats
    """How long each was there and not in."""


def arrivals(rate_per_s: float, seconds: float, draw: random.Random) -> Floats:
    """A Poisson stream."""
    times, now = [], draw.expovariate(rate_per_s)
    while now < seconds:
        times.append(now)
        now += draw.expovariate(rate_per_s)
    return np.array(times)


def staying(came: Floats) -> People:
    return People(came, np.full(len(came), NEVER), np.full(len(came), NEVER))


def absent(of: People, share: float, draw: random.Random, first: int = 0, last: int | None = None) -> People:
    """This share of the tickets from `first` to `last` is left at once, and nobody ever comes back."""
    left = of.left.copy()
    for index in range(first, len(of) if last is None else last):
        if draw.random() < share:
            left[index] = of.came[index] + 1.0
    return People(of.came, left, of.back)


def returning(of: People, at: float, within: float, draw: random.Random) -> People:
    """Everybody who left before `at` is back in these seconds after it."""
    back = of.back.copy()
    for index in np.flatnonzero(of.left < at):
        back[index] = at + draw.random() * within
    return People(of.came, of.left, back)
