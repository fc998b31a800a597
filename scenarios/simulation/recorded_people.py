"""people.npz of a simulated night: the columns of scenarios.record, made one at a time out of rows and notes."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.fates import Channel, Fate, Furthest, Reason
from scenarios.record import PEOPLE_COLUMNS, Column
from scenarios.simulation import people, rows
from scenarios.simulation.figures import Setup
from scenarios.simulation.journal import Note
from scenarios.simulation.recorder import Recorder
from scenarios.simulation.rows import Phase

_STAGES = {stage.column: stage for stage in Furthest if stage is not Furthest.NONE}


class RecordedPeople:
    """Everybody of a run that has ended.

    What a simulation does not know stays empty: the range of waits that people in line are shown.
    """

    def __init__(self, setup: Setup, crowd: NDArray[Any], due_us: NDArray[np.int64], recorder: Recorder) -> None:
        """crowd: scenarios.simulation.rows.ROW of everybody, after the run."""
        self._setup, self._crowd, self._due_us, self._recorder = setup, crowd, due_us, recorder
        self._makers: dict[str, Callable[[], NDArray[Any]]] = {
            "number": lambda: np.arange(len(crowd)),
            "due": lambda: due_us / 1e6,
            "started": lambda: np.where(self._came, due_us / 1e6, np.nan),
            "ended": lambda: np.where(crowd["phase"] == Phase.GONE, crowd["moment_s"], np.nan),
            "fate": lambda: np.where(crowd["fate"] > 0, crowd["fate"], int(Fate.CUT)),
            "furthest": lambda: crowd["furthest"],
            "reason": lambda: np.where(crowd["fate"] > 0, crowd["reason"], int(Reason.RUN_ENDED)),
            "province": lambda: people.provinces(setup.night, setup.seed, len(crowd)),
            "network": lambda: rows.networks(crowd),
            "patience": lambda: rows.patience(crowd),
            "manners": lambda: rows.manners(crowd),
            "channel": lambda: np.where(rows.by_email(crowd), int(Channel.EMAIL), int(Channel.SMS)),
            "requests": lambda: rows.requests(crowd),
            "retries": lambda: crowd["retries"],
            "photos_started": lambda: self._latest(Note.PHOTO_STARTED, 0),
            "photos_stored": lambda: crowd["photo"],
            "photo_tries": lambda: crowd["photo_sends"],
            "codes_asked": lambda: self._counted(Note.CODE_ASKED),
            "codes_accepted": lambda: self._counted(Note.CODE_ACCEPTED),
            "wait": lambda: self.stage(Furthest.ADMITTED) - self.stage(Furthest.TICKETED),
            "bytes_sent": lambda: self._added(Note.PHOTO_SENT),
        }

    def column(self, name: str) -> Column:
        """A column of PEOPLE_COLUMNS. Whoever had not come when the run ended was cut, like whoever was on the way."""
        kind = PEOPLE_COLUMNS[name]
        if name in _STAGES:
            return self.stage(_STAGES[name])
        if name not in self._makers:
            return np.full(len(self._crowd), np.nan if kind.kind == "f" else 0, kind)
        made = self._makers[name]()
        if kind.kind != "u":
            return np.asarray(made, kind)
        return np.asarray(np.minimum(made, float(np.iinfo(kind).max)), kind)

    def stage(self, stage: Furthest) -> NDArray[np.float64]:
        """When each completed it, nan for who did not."""
        return self._latest(stage, np.nan) / 1e6

    @property
    def _came(self) -> NDArray[np.bool_]:
        return np.asarray(self._crowd["phase"] != Phase.EXPECTED)

    def _latest(self, kind: int, otherwise: float) -> NDArray[np.float64]:
        """The value of everybody's last note of a kind."""
        found = np.full(len(self._crowd), otherwise)
        notes = self._recorder.notes(kind)
        found[notes["who"]] = notes["value"]
        return found

    def _counted(self, kind: int) -> NDArray[np.int64]:
        return np.bincount(self._recorder.notes(kind)["who"], minlength=len(self._crowd))

    def _added(self, kind: int) -> NDArray[np.float64]:
        notes = self._recorder.notes(kind)
        return np.bincount(notes["who"], notes["value"], len(self._crowd)).astype(np.float64)
