"""Counts as they are told: everybody's, and those of each place, so that no small number can be reckoned."""

from collections import defaultdict
from collections.abc import Callable, Set
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from service.count_ports import Counts
from service.domain.counts import (
    LEAST_SHOWN,
    NOT_TOLD,
    STAGE_WORDS,
    Shown,
    WaveStage,
    may_tell_all,
    of_wave,
    shown,
    waves_of,
    withheld,
)
from service.domain.regencies import REGENCIES, regency_name
from service.web.idempotency import encode


class WaveCount(msgspec.Struct):
    """`selected` is missing until the wave is announced: grants are written down hours before."""

    id: int
    joined: int | None
    selected: int | UnsetType | None = UNSET


class Headline(msgspec.Struct):
    """Everybody. `as_of`: whatever was done before is counted; `age_s`: that was so long ago when the sums were read,
    which was `Age` seconds before this answer. `stages`: people who have reached each; null: withheld, because a number
    from 1 to 4 of some place would follow from it."""

    as_of: datetime
    age_s: float
    stages: dict[str, int | None]
    waves: list[WaveCount]


class WaveShown(msgspec.Struct):
    """`selected` is missing until the wave is announced."""

    id: int
    joined: Shown
    selected: Shown | UnsetType = UNSET


class Place(msgspec.Struct):
    """One regency or city. A number from 1 to 4 is "<5"; null: withheld so that a smaller one elsewhere cannot be
    reckoned from the sum of all. Code 0: people who have not said yet where they live."""

    code: int
    name: str
    province: int
    stages: dict[str, Shown]
    waves: list[WaveShown]


class Places(msgspec.Struct):
    """`least_shown`: numbers below are not told."""

    as_of: datetime
    age_s: float
    least_shown: int
    regencies: list[Place]


class OnePlace(msgspec.Struct):
    as_of: datetime
    age_s: float
    least_shown: int
    regency: Place


class Told:
    """The answers that one reading of the sums gives, each made when it is first asked for."""

    def __init__(self, counts: Counts, announced: Set[int], read_at: datetime) -> None:
        """announced: waves whose draw may be told. read_at: by our own clock, for the age of the answers."""
        self.read_at = read_at
        self._announced = announced
        self._as_of = counts.as_of
        self._age_s = round(counts.age, 1)
        self._people: dict[int, dict[int, int]] = {code: {} for code in (NOT_TOLD, *sorted(REGENCIES))}
        everybody: dict[int, int] = defaultdict(int)
        for regency, stage, people in counts.cells:
            place = self._people[regency if regency in REGENCIES else NOT_TOLD]
            place[stage] = place.get(stage, 0) + people
            everybody[stage] += people
        self._all: dict[int, int | None] = {}
        self._withheld: dict[int, frozenset[int]] = {}
        for stage, people in everybody.items():
            places = {code: place[stage] for code, place in self._people.items() if stage in place}
            self._withheld[stage] = withheld(places)
            self._all[stage] = people if may_tell_all(places) else None
        self._bodies: dict[str, bytes] = {}

    def headline(self) -> bytes:
        def make() -> Headline:
            waves = [WaveCount(wave, *(self._all.get(stage, 0) for stage in self._stages_of(wave)))
                     for wave in waves_of(self._all)]  # fmt: skip
            stages = {word: self._all.get(stage, 0) for stage, word in STAGE_WORDS.items()}
            return Headline(self._as_of, self._age_s, stages, waves)

        return self._kept("all", make)

    def places(self) -> bytes:
        def make() -> Places:
            return Places(self._as_of, self._age_s, LEAST_SHOWN, [self._place(code) for code in self._people])

        return self._kept("places", make)

    def place(self, code: int) -> bytes:
        def make() -> OnePlace:
            return OnePlace(self._as_of, self._age_s, LEAST_SHOWN, self._place(code))

        return self._kept(str(code), make)

    def _stages_of(self, wave: int) -> list[int]:
        """Those which may be told: who was selected is nobody's business before the announcement."""
        told = WaveStage if wave in self._announced else (WaveStage.JOINED,)
        return [of_wave(wave, each) for each in told]

    def _kept(self, which: str, make: Callable[[], msgspec.Struct]) -> bytes:
        if which not in self._bodies:
            self._bodies[which] = encode(make())
        return self._bodies[which]

    def _place(self, code: int) -> Place:
        def told(stage: int) -> Shown:
            return shown(self._people[code].get(stage, 0), code in self._withheld.get(stage, ()))

        name = regency_name(code) if code in REGENCIES else ""
        stages = {word: told(stage) for stage, word in STAGE_WORDS.items()}
        waves = [WaveShown(wave, *map(told, self._stages_of(wave))) for wave in waves_of(self._all)]
        return Place(code, name, code // 100, stages, waves)
