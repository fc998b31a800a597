"""What can be wrong with a connection, as values. `link.py` does it, `requests.py` reads it from JSON.

A toxic holds for one direction of those connections that its toxicity hits; `Down` for the whole proxy. Figures carry
their unit in the name and their bounds in the type.
"""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from loadtests.faults.draws import Direction
from scenarios.figures import Share, Unit

CHUNK = 64 * 1024
"""Bytes read at once, at most: what a socket usually has ready, and no piece needs to be longer."""

Pause = Annotated[float, Unit("s", 0, 3600)]
Speed = Annotated[float, Unit("bytes/s", 1, 1e10)]
Piece = Annotated[int, Unit("bytes", 1, CHUNK)]
Variation = Annotated[int, Unit("bytes", 0, CHUNK - 1)]
Mark = Annotated[int, Unit("bytes", 0, 2**50)]


@dataclass(frozen=True, kw_only=True)
class Toxic:
    """`toxicity` is the share of connections that are hit."""

    kind: ClassVar[str]
    number: ClassVar[int]
    """Part of the draw that decides who is hit: never renumber."""

    direction: Direction
    toxicity: Share = 1.0

    @property
    def id(self) -> str:
        return f"{self.direction.word}/{self.kind}"

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "kind": self.kind, **dataclasses.asdict(self), "direction": self.direction.word}


@dataclass(frozen=True, kw_only=True)
class Latency(Toxic):
    """Everything arrives `delay_s` later, give or take up to `jitter_s`, in the same order."""

    kind = "latency"
    number = 1
    delay_s: Pause
    jitter_s: Pause = 0.0


@dataclass(frozen=True, kw_only=True)
class Bandwidth(Toxic):
    """Each connection gets no more than this."""

    kind = "bandwidth"
    number = 2
    rate_bytes_per_s: Speed


@dataclass(frozen=True, kw_only=True)
class BlackHole(Toxic):
    """Nothing is passed on and, after one chunk, nothing read; ends and resets neither. All of it comes afterwards."""

    kind = "black_hole"
    number = 3


@dataclass(frozen=True, kw_only=True)
class Slicer(Toxic):
    """Bytes go in pieces of `size_bytes`, give or take `variation_bytes`, with a pause after each."""

    kind = "slicer"
    number = 4
    size_bytes: Piece
    variation_bytes: Variation = 0
    pause_s: Pause = 0.0


@dataclass(frozen=True, kw_only=True)
class SlowClose(Toxic):
    """The end of the stream is passed on `delay_s` late."""

    kind = "slow_close"
    number = 5
    delay_s: Pause


@dataclass(frozen=True, kw_only=True)
class Cut(Toxic):
    """Something ends once `after_bytes` have passed since the toxic holds; 0 = at once. Not a byte more passes."""

    after_bytes: Mark = 0


@dataclass(frozen=True, kw_only=True)
class Reset(Cut):
    """Both sides get a reset (RST), as from a host that lost its memory."""

    kind = "reset"
    number = 6


@dataclass(frozen=True, kw_only=True)
class LimitData(Cut):
    """Both directions are closed in order (FIN)."""

    kind = "limit_data"
    number = 7


@dataclass(frozen=True, kw_only=True)
class HalfClose(Cut):
    """This direction is closed (FIN) and what still comes is swallowed; the other direction goes on."""

    kind = "half_close"
    number = 8


@dataclass(frozen=True, kw_only=True)
class Down(Toxic):
    """Nobody listens: new connections are refused, open ones are reset."""

    kind = "down"
    number = 9
    direction: Direction = dataclasses.field(default=Direction.UPSTREAM, init=False)
    toxicity: Share = dataclasses.field(default=1.0, init=False)

    @property
    def id(self) -> str:
        return self.kind

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "kind": self.kind}


CUTS = (Reset, LimitData, HalfClose)
KINDS: dict[str, type[Toxic]] = {
    toxic.kind: toxic for toxic in (Latency, Bandwidth, BlackHole, Slicer, SlowClose, Reset, LimitData, HalfClose, Down)
}
