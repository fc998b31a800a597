"""What is kept of a night for its record while it is played: notes on people in files, the world once a minute.

The log of the kernel is emptied into one file for each kind of note, so what two million people did never lies in
memory together; a column of the record is made out of one file.
"""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.simulation import journal
from scenarios.simulation.journal import Note
from scenarios.simulation.world import MINUTE_US, MOST_SERVERS, WORLD

_VALUED = np.dtype([("who", "<i4"), ("value", "<i8")])
_BARE = np.dtype([("who", "<i4")])
_WITHOUT_VALUE = (Note.CODE_ASKED, Note.CODE_ACCEPTED)
_KINDS = max(Note) + 1
_ARRAYS = ("free", "taken", "minute_marks", "second_marks", "ends", "leaves_us", "enters_us")
"""Of the world: nobody asks for them afterwards, and they are nearly all of it."""
_KEPT = [name for name in WORLD.names or () if name not in _ARRAYS]
MARK = np.dtype(
    [
        ("at_us", np.int64),
        ("left_over_us", np.int64, (3,)),
        *((name, WORLD[name].base, WORLD[name].shape) for name in _KEPT),
    ]
)
"""The world at one moment. left_over_us: by station, work that was given to its servers and is not done yet."""


class Recorder:
    """Of one run. Raises OSError when its files cannot be written."""

    def __init__(self, folder: Path) -> None:
        """folder: an empty one, which the caller removes."""
        self._folder = folder
        self._open = ExitStack()
        self._files = [self._open.enter_context(self._path(kind).open("wb")) for kind in range(_KINDS)]
        self._marks: list[NDArray[Any]] = []
        self.log = journal.made(journal.LENGTH)
        self.cpu_s = 0.0
        """Processor time of keeping all that, which is no part of the simulation."""

    def take(self) -> None:
        """Empty the log."""
        began = time.process_time()
        count = int(self.log.used[0])
        order = np.argsort(self.log.what[:count], kind="stable")
        bounds = np.searchsorted(self.log.what[:count][order], np.arange(_KINDS + 1))
        for kind in np.flatnonzero(np.diff(bounds)).tolist():
            chosen = order[bounds[kind] : bounds[kind + 1]]
            rows = np.empty(len(chosen), _layout(kind))
            rows["who"] = self.log.who[chosen]
            if rows.dtype == _VALUED:
                rows["value"] = self.log.value[chosen]
            self._files[kind].write(rows.tobytes())
        self.log.used[0] = 0
        self.cpu_s += time.process_time() - began

    def mark(self, world: NDArray[Any], at_us: int) -> None:
        """Remember the world as it is at `at_us`."""
        began = time.process_time()
        mark = np.zeros(1, MARK)
        for name in _KEPT:
            mark[name] = world[name]
        mark["at_us"] = at_us
        for station, servers in enumerate(world["servers"][0].tolist()):
            free = world["free"][0][station * MOST_SERVERS : station * MOST_SERVERS + servers]
            mark["left_over_us"][0, station] = np.maximum(free - at_us, 0).sum()
        self._marks.append(mark)
        self.cpu_s += time.process_time() - began

    def finish(self) -> None:
        """Everything has been taken."""
        self._open.close()

    @property
    def marks(self) -> NDArray[Any]:
        """The world at each whole minute and at the end, ascending; MARK."""
        return np.concatenate(self._marks)

    def notes(self, kind: int) -> NDArray[Any]:
        """All notes of a kind in the order of their making: who, and mostly value."""
        return np.fromfile(self._path(kind), _layout(kind))

    def _path(self, kind: int) -> Path:
        return self._folder / f"notes-{kind}"


def _layout(kind: int) -> np.dtype[Any]:
    return _BARE if kind in _WITHOUT_VALUE else _VALUED


STEP_US = MINUTE_US
"""Between two marks."""
