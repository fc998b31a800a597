"""Toxics in force, each with the proof that it bit."""

import time
from typing import Any

from loadtests.faults.draws import Direction, Purpose, draw
from loadtests.faults.toxics import Toxic


class Dose:
    """One toxic in force. A *bite* is the first time that it really changed something on one connection."""

    def __init__(self, toxic: Toxic) -> None:
        self.toxic = toxic
        self.connections = 0
        """On how many connections it bit."""
        self.bytes = 0
        """How many bytes it touched; what that means for each kind stands in docs/faults.md."""
        self.first_bite_at: float | None = None
        self.last_bite_at: float | None = None
        self.refuses: bool | None = None
        """Of `Down`: whether a connection that the proxy itself tried was refused."""

    def bit(self, size: int, *, first: bool) -> None:
        """It touched `size` bytes of a connection, for the first time or not."""
        self.last_bite_at = time.time()
        self.first_bite_at = self.first_bite_at or self.last_bite_at
        self.connections += first
        self.bytes += size

    def as_json(self) -> dict[str, Any]:
        return {**self.toxic.as_json(), "bit": self.proof()}

    def proof(self) -> dict[str, Any]:
        """Times in unix seconds, null before the first bite."""
        return {
            "connections": self.connections,
            "bytes": self.bytes,
            "first_at": self.first_bite_at,
            "last_at": self.last_bite_at,
            **({} if self.refuses is None else {"refuses": self.refuses}),
        }


Doses = dict[type[Toxic], Dose]
"""What holds for one direction of one connection: at most one toxic of each kind."""


def hits(toxic: Toxic, seed: int, connection: int) -> bool:
    """Whether the toxic holds for this connection: a pure function of the seed and the connection's number."""
    return draw(seed, connection, Purpose.HIT, toxic.direction, toxic.number) < toxic.toxicity


def holding(doses: list[Dose], seed: int, connection: int, direction: Direction) -> Doses:
    """Those of `doses` that hold for this direction of this connection."""
    return {
        type(dose.toxic): dose
        for dose in doses
        if dose.toxic.direction == direction and hits(dose.toxic, seed, connection)
    }
