"""What is counted of people, and what of it is told of one place.

The numbers of the stages stand in rows and in the view `person_standing`, which says when somebody has reached one.
"""

from collections.abc import Mapping
from enum import IntEnum

ROUNDED_TO = 5
"""What is told is a multiple of it: a number of one to four people may point at a person, because neighbors know who of
them was laid off; and so may the difference of two numbers."""
NOT_TOLD = 0
"""In place of a regency: people who have not said yet where they live, or said a code that is no place."""
_OF_WAVE = 100
_FURTHEST = ROUNDED_TO // 2


class Stage(IntEnum):
    """How far somebody has come, whatever the wave."""

    ACCOUNT_CREATED = 1
    EMAIL_VERIFIED = 2
    PHONE_VERIFIED = 3
    IDENTITY_SUBMITTED = 4
    IDENTITY_VERIFIED = 5
    """The civil registry confirmed the identity."""
    PROFILE_COMPLETED = 6
    PHOTOS_UPLOADED = 7
    """Both are there and none was refused."""
    ASSESSED = 8


class WaveStage(IntEnum):
    """How far somebody has come in one wave."""

    JOINED = 1
    SELECTED = 2
    """Holds a grant of this wave."""


STAGE_WORDS = {stage: stage.name.lower() for stage in Stage}


def of_wave(wave_id: int, stage: WaveStage) -> int:
    """The number under which a stage of a wave is counted."""
    return wave_id * _OF_WAVE + stage


def stage_before(stage: int) -> int | None:
    """Of a stage of a wave, of whose sums the folder of the draw tells, the stage before it. None: it is another."""
    wave_id, of_it = divmod(stage, _OF_WAVE)
    if not wave_id:
        return None
    return of_wave(wave_id, WaveStage.JOINED) if of_it == WaveStage.SELECTED else Stage.ASSESSED


def is_sum_public(stage: int) -> bool:
    """Whether the list of the draw says how many of a province there are: of the chosen it does. Of those who joined it
    says how many there are at least, because some of them may not be in it."""
    return stage % _OF_WAVE == WaveStage.SELECTED


def waves_of(stages: Mapping[int, object]) -> list[int]:
    """The waves of which something is counted, in order."""
    return sorted({stage // _OF_WAVE for stage in stages if stage >= _OF_WAVE})


def rounded(number: int) -> int:
    """What is told of one place in one stage: the nearest multiple of ROUNDED_TO.

    Five numbers may stand behind it, and as many differences behind two, of one place at two stages or at two moments.
    Whoever reached a later stage is never told as more than those of the stage before.
    """
    return (number + _FURTHEST) // ROUNDED_TO * ROUNDED_TO


def rounded_beside_the_sum(
    people: Mapping[int, int], before: Mapping[int, int], *, is_exact: bool = True
) -> dict[int, int]:
    """What is told of the places of one province in a stage of whose sum something is public: the list of the draw
    names the province of everybody in it. people: of all its places. before: what is told of them at the stage before.
    is_exact: the sum is public, of the chosen; else a number that it cannot be below, of those who joined.

    The nearest ones again. Beside the sum they settle no place, unless all are off as far as they can be in one
    direction; then one place that can is told as the next multiple, and the same sum may have come about in many ways.
    A number that the sum cannot be below settles nothing where all are told as more than they are: no place is told as
    less then, or more would be told as chosen than joined.
    None can when all of the stage before came on: then the sum has told it already.
    """
    told = {place: rounded(number) for place, number in sorted(people.items())}
    off = {place: people[place] - number for place, number in told.items()}
    movable: list[int] = []
    way = 0
    if all(each == _FURTHEST for each in off.values()):
        movable, way = [place for place, number in told.items() if number < before[place]], ROUNDED_TO
    elif is_exact and all(off[place] == (-_FURTHEST if number else 0) for place, number in told.items()):
        movable, way = [place for place, number in told.items() if number], -ROUNDED_TO
    return told | {place: told[place] + way for place in movable[:1]}


def named(stage: int) -> str:
    """The word of a stage, with its wave when it is one of a wave: "assessed", "wave 1 joined"."""
    wave_id, of_it = divmod(stage, _OF_WAVE)
    return f"wave {wave_id} {WaveStage(of_it).name.lower()}" if wave_id else STAGE_WORDS[Stage(stage)]
