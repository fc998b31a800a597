"""What the kernel writes down of single people for a record: when each stage was reached, photos, codes.

Rows have no room for it. So each note is appended to a short log, which Python empties into files between two calls of
the kernel; a kernel whose log is nearly full returns early. A run without a record has a log of no length.
"""

from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.fates import Furthest
from scenarios.journey_state import Action, Result
from scenarios.simulation.compiled import shared

LENGTH = 1 << 18
ROOM = 64
"""Notes that one event may make, and many more."""
_NOBODY_WRITES = 1 << 62


class Note(IntEnum):
    """What a note tells; up to the last stage of scenarios.fates.Furthest it is a stage, with when it was reached."""

    CODE_ASKED = max(Furthest) + 1
    CODE_ACCEPTED = max(Furthest) + 2
    PHOTO_STARTED = max(Furthest) + 3
    """value: how many photos she has begun by now."""
    PHOTO_SENT = max(Furthest) + 4
    """value: bytes that left her phone."""


class Journal(NamedTuple):
    """The log. used: how many notes there are, and with how many the kernel returns."""

    who: NDArray[np.int32]
    what: NDArray[np.int8]
    value: NDArray[np.int64]
    used: NDArray[np.int64]


def made(length: int = 0) -> Journal:
    """An empty log; of length 0 it takes no note."""
    most = length - ROOM if length else _NOBODY_WRITES
    return Journal(
        np.empty(length, np.int32), np.empty(length, np.int8), np.empty(length, np.int64), np.array([0, most])
    )


@shared
def is_full(journal: Journal) -> bool:
    return bool(journal.used[0] >= journal.used[1])


@shared
def note(journal: Journal, number: int, what: int, value: int) -> None:
    """Add a note, if anybody reads it."""
    if len(journal.who) == 0:
        return
    place = journal.used[0]
    journal.who[place] = number
    journal.what[place] = what
    journal.value[place] = value
    journal.used[0] = place + 1


@shared
def note_request(journal: Journal, row: Any, number: int, result: int) -> None:
    """The row's request ended with `result`."""
    action = int(row.action)
    if action == Action.CODE or action == Action.CODE_AGAIN:
        note(journal, number, Note.CODE_ASKED + 0, 0)
    elif action == Action.SESSION or action == Action.PHONE:
        if result == Result.OK:
            note(journal, number, Note.CODE_ACCEPTED + 0, 0)
    elif action == Action.PHOTO_CREATE:
        note(journal, number, Note.PHOTO_STARTED + 0, int(row.photo) + 1)


@shared
def note_stages(journal: Journal, number: int, before: int, after: int, at_us: int) -> None:
    """Everything after stage `before` up to `after` was completed at `at_us`."""
    for stage in range(before + 1, after + 1):
        note(journal, number, stage, at_us)
