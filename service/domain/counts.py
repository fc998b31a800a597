"""What is counted of people, and what of it may be told of one place.

The numbers of the stages stand in rows and in the view `person_standing`, which says when somebody has reached one.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Literal

LEAST_SHOWN = 5
"""A number below it may point at a person: neighbors know who of them was laid off."""
Shown = int | Literal["<5"] | None
"""A number from 1 to 4 is "<5"; None: a larger one is withheld for the sake of another place."""
NOT_TOLD = 0
"""In place of a regency: people who have not said yet where they live, or said a code that is no place."""
_OF_WAVE = 100
_FOR_OTHERS = 2
"""Larger numbers that are withheld for the sake of small ones."""


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


def waves_of(stages: Mapping[int, object]) -> list[int]:
    """The waves of which something is counted, in order."""
    return sorted({stage // _OF_WAVE for stage in stages if stage >= _OF_WAVE})


def withheld(people: Mapping[int, int]) -> frozenset[int]:
    """Places of which the number in one stage is not told, of all places that have one.

    Those with 1 to 4 people, and with them the two that have the next more: always two, so that how many are withheld
    says nothing about the small ones.
    """
    by_size = _by_size(people)
    small = sum(number < LEAST_SHOWN for number, _ in by_size)
    return frozenset(place for _, place in by_size[: small + _FOR_OTHERS if small else 0])


def may_tell_all(people: Mapping[int, int]) -> bool:
    """Whether the number of all can be told beside what `withheld` leaves, so that no number from 1 to 4 follows.

    The difference to what is told is that of all hidden ones together. The larger of them are 5 at least, and no more
    than the smallest that is told; what they leave to the small ones together lies within a span. One small number
    follows when the span is a point, several when they must all be 1, or all be 4. And because the answer depends on
    nothing but what would be told, somebody who is refused still cannot tell the ones from the fours.
    """
    hidden = withheld(people)
    if not hidden:
        return True
    by_size = _by_size(people)
    others, told = by_size[len(hidden) - _FOR_OTHERS : len(hidden)], by_size[len(hidden) :]
    if not told:
        return False
    small, together = len(hidden) - _FOR_OTHERS, sum(number for number, _ in by_size[: len(hidden)])
    bound, next_place = told[0]
    most = sum(bound - (place > next_place) for _, place in others)
    fewest_small = max(small, together - most)
    most_small = min(small * (LEAST_SHOWN - 1), together - LEAST_SHOWN * len(others))
    if small == 1:
        return fewest_small < most_small
    return most_small > small and fewest_small < small * (LEAST_SHOWN - 1)


def _by_size(people: Mapping[int, int]) -> list[tuple[int, int]]:
    return sorted((number, place) for place, number in people.items() if number > 0)


def shown(number: int, is_withheld: bool) -> Shown:
    if not is_withheld:
        return number
    return "<5" if number < LEAST_SHOWN else None


def named(stage: int) -> str:
    """The word of a stage, with its wave when it is one of a wave: "assessed", "wave 1 joined"."""
    wave_id, of_it = divmod(stage, _OF_WAVE)
    return f"wave {wave_id} {WaveStage(of_it).name.lower()}" if wave_id else STAGE_WORDS[Stage(stage)]
