"""Counts as they are told: everybody's, and those of each place, rounded so that no small number can be reckoned."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Set
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from service.count_ports import Counts
from service.domain.counts import (
    NOT_TOLD,
    ROUNDED_TO,
    STAGE_WORDS,
    WaveStage,
    is_sum_public,
    of_wave,
    rounded,
    rounded_beside_the_sum,
    stage_before,
    waves_of,
)
from service.domain.regencies import REGENCIES, regency_name
from service.web.idempotency import encode


class WaveCount(msgspec.Struct):
    """`selected` is missing until the wave is announced: grants are written down hours before."""

    id: int
    joined: int
    selected: int | UnsetType = UNSET


class Headline(msgspec.Struct):
    """Everybody. `as_of`: whatever was done before is counted; `age_s`: that was so long ago when the sums were read,
    which was `Age` seconds before this answer. `stages`: people who have reached each, the sum of what is told of all
    places."""

    as_of: datetime
    age_s: float
    stages: dict[str, int]
    waves: list[WaveCount]


class Place(msgspec.Struct):
    """One regency or city, each number rounded. Code 0: people who have not said yet where they live."""

    code: int
    name: str
    province: int
    stages: dict[str, int]
    waves: list[WaveCount]


class Places(msgspec.Struct):
    """`rounded_to`: each number is a multiple of it."""

    as_of: datetime
    age_s: float
    rounded_to: int
    regencies: list[Place]


class OnePlace(msgspec.Struct):
    as_of: datetime
    age_s: float
    rounded_to: int
    regency: Place


class Told:
    """The answers that one reading of the sums gives, each made when it is first asked for."""

    def __init__(self, counts: Counts, announced: Set[int], read_at: datetime) -> None:
        """announced: waves whose draw may be told. read_at: by our own clock, for the age of the answers."""
        self.read_at = read_at
        self._announced = announced
        self.as_of = counts.as_of
        self._age_s = round(counts.age, 1)
        exact: dict[int, dict[int, int]] = defaultdict(_NOBODY.copy)
        for regency, stage, people in counts.cells:
            exact[stage][regency if regency in REGENCIES else NOT_TOLD] += people
        self._people: dict[int, Mapping[int, int]] = {}
        """Stage -> place -> the number that is told."""
        for stage, places in sorted(exact.items()):
            before = stage_before(stage)
            self._people[stage] = _told(stage, places, None if before is None else self._people.get(before, _NOBODY))
        self._all = {stage: sum(places.values()) for stage, places in self._people.items()}
        self._waves = waves_of(self._people)
        self._bodies: dict[str, bytes] = {}

    def everybody(self) -> Headline:
        return Headline(self.as_of, self._age_s, *self._counts(self._all))

    def headline(self) -> bytes:
        return self._kept("all", self.everybody)

    def places(self) -> bytes:
        def make() -> Places:
            return Places(self.as_of, self._age_s, ROUNDED_TO, [self.of_place(code) for code in _PLACES])

        return self._kept("places", make)

    def place(self, code: int) -> bytes:
        def make() -> OnePlace:
            return OnePlace(self.as_of, self._age_s, ROUNDED_TO, self.of_place(code))

        return self._kept(str(code), make)

    def _stages_of(self, wave: int) -> list[int]:
        """Those which may be told: who was selected is nobody's business before the announcement."""
        told = WaveStage if wave in self._announced else (WaveStage.JOINED,)
        return [of_wave(wave, each) for each in told]

    def _kept(self, which: str, make: Callable[[], msgspec.Struct]) -> bytes:
        if which not in self._bodies:
            self._bodies[which] = encode(make())
        return self._bodies[which]

    def of_place(self, code: int) -> Place:
        name = regency_name(code) if code in REGENCIES else ""
        told = {stage: places[code] for stage, places in self._people.items()}
        return Place(code, name, code // 100, *self._counts(told))

    def _counts(self, told: Mapping[int, int]) -> tuple[dict[str, int], list[WaveCount]]:
        """Of one place or of all: by stage, and by wave. told: by the numbers of the stages."""
        stages = {word: told.get(stage, 0) for stage, word in STAGE_WORDS.items()}
        waves = [WaveCount(wave, *(told.get(stage, 0) for stage in self._stages_of(wave))) for wave in self._waves]
        return stages, waves


_PLACES = (NOT_TOLD, *sorted(REGENCIES))


_NOBODY = dict.fromkeys(_PLACES, 0)


def _told(stage: int, exact: Mapping[int, int], before: Mapping[int, int] | None) -> Mapping[int, int]:
    """What is told of all places in one stage. before: of the stage before, where of sums of provinces something is
    public."""
    if before is None:
        return {place: rounded(people) for place, people in exact.items()}
    provinces: dict[int, dict[int, int]] = defaultdict(dict)
    for place, people in exact.items():
        provinces[place // 100][place] = people
    is_exact = is_sum_public(stage)
    told = (rounded_beside_the_sum(each, before, is_exact=is_exact) for each in provinces.values())
    return {place: people for each in told for place, people in each.items()}
