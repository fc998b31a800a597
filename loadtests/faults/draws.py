"""The proxy's randomness: each draw is a pure function of (seed, connection, purpose, direction, number).

Whether a toxic hits connection 7 depends on nothing that happened before: the same seed and the same order of
connections hit the same ones, and those hit at a small toxicity are among those hit at a greater one.
"""

from enum import IntEnum

from scenarios.streams import uniform


class Direction(IntEnum):
    """Which way bytes go: from the client to the server, or back."""

    UPSTREAM = 0
    DOWNSTREAM = 1

    @property
    def word(self) -> str:
        return self.name.lower()


class Purpose(IntEnum):
    """What a draw is for; none of scenarios.streams.Purpose. Add, never renumber."""

    HIT = 900
    JITTER = 901
    SLICE = 902


def draw(seed: int, connection: int, purpose: Purpose, direction: Direction, number: int) -> float:
    """A number in [0, 1): `number` tells draws of one purpose apart (chunk, piece, toxic)."""
    return uniform(seed, connection, purpose, 2 * number + direction)
