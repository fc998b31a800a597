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

    Those with 1 to 4 people; and of the others the smallest, until what is not told comes from two places at least and
    is five people at least: the number of all is public, and the difference must not give a small one away.
    """
    by_size = sorted((number, place) for place, number in people.items() if number > 0)
    hidden: list[int] = []
    together = 0
    for number, place in by_size:
        if number >= LEAST_SHOWN and (not hidden or (len(hidden) >= 2 and together >= LEAST_SHOWN)):
            break
        hidden.append(place)
        together += number
    return frozenset(hidden)


def shown(number: int, is_withheld: bool) -> Shown:
    if not is_withheld:
        return number
    return "<5" if number < LEAST_SHOWN else None


def named(stage: int) -> str:
    """The word of a stage, with its wave when it is one of a wave: "assessed", "wave 1 joined"."""
    wave_id, of_it = divmod(stage, _OF_WAVE)
    return f"wave {wave_id} {WaveStage(of_it).name.lower()}" if wave_id else STAGE_WORDS[Stage(stage)]
