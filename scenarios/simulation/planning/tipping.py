"""How hard a night can be struck: the shortest standstill that makes it melt down, by halves on the same people."""

from collections.abc import Generator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

FIRST_S = 60.0
LONGEST_S = 6 * 3600.0
_NEAR = 1.1
"""Where the shortest that tips and the longest that does not are so near, the search ends."""


class Blow(NamedTuple):
    """What a night struck for so long came to."""

    melts: bool
    lost: float
    """Share of the people who wanted to join and did not."""
    lost_after: float | None
    """The same of those who came when it had been over for a while; None where nobody did."""


@dataclass(frozen=True)
class Tip:
    """What was found about one kind of blow.

    tips_s: the shortest that made the night melt down; None: none up to LONGEST_S did. survives_s: the longest that did
    not; 0: even without a blow the night melts down, None is never known.
    """

    knob: str
    slowed: bool
    protected: bool
    start_s: float
    tips_s: float | None
    survives_s: float
    tried: tuple[tuple[float, Blow], ...]
    """By length, ascending; 0 is no blow."""

    @property
    def ordered(self) -> bool:
        """Whether every blow longer than one that tipped tipped, too."""
        melts = [blow.melts for _, blow in self.tried]
        return melts == sorted(melts)

    @property
    def lasting(self) -> bool:
        """Whether the shortest that tipped still cost people who came after it was over: more than the night loses
        anyway."""
        return any(
            length == self.tips_s and blow.lost_after is not None and blow.lost_after > 2.0 * self.tried[0][1].lost
            for length, blow in self.tried
        )

    def to_dict(self) -> dict[str, Any]:
        told = asdict(self)
        told["tried"] = [{"length_s": length, **blow._asdict()} for length, blow in self.tried]
        return {**told, "ordered": self.ordered, "lasting": self.lasting}


Struck = tuple[bool, bool, float]
"""A blow: whether it only slows, whether the protections are on, how long it lasts."""
Searching = Generator[Struck, Blow, Tip]
"""Yields a blow, is sent what it did."""


def unless_unplayed(search: Searching) -> Generator[Struck, Blow | str, Tip | str]:
    """The same search, which gives up when it is sent why a blow cannot be played; that is then what it returns."""
    try:
        asked = next(search)
        while not isinstance(answer := (yield asked), str):
            asked = search.send(answer)
    except StopIteration as ended:
        tip: Tip = ended.value
        return tip
    return answer


def shortest(knob: str, slowed: bool, protected: bool, start_s: float) -> Searching:
    """The shortest blow that tips, within a tenth."""
    tried: dict[float, Blow] = {0.0: (yield slowed, protected, 0.0)}
    survives, tips = 0.0, None
    if not tried[0.0].melts:
        length = FIRST_S
        while tips is None and length <= LONGEST_S:
            tried[length] = yield slowed, protected, length
            if tried[length].melts:
                tips = length
            else:
                survives = length
                length = LONGEST_S if length < LONGEST_S < 4.0 * length else 4.0 * length
        while tips is not None and tips > _NEAR * max(survives, 1.0):
            middle = float(max(1.0, round((survives + tips) / 2.0 if survives == 0.0 else (survives * tips) ** 0.5, 0)))
            if middle in (survives, tips):
                break
            tried[middle] = yield slowed, protected, middle
            if tried[middle].melts:
                tips = middle
            else:
                survives = middle
    else:
        tips = 0.0
    return Tip(knob, slowed, protected, start_s, tips, survives, tuple(sorted(tried.items())))
