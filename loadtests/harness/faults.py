"""Plays a night's faults: each begins and ends at its moment, by whoever can bring it about, and leaves its proof.

A fault leaves two events with what shows that it bit. One that could not be begun or ended leaves the event "failed"
with the reason; one that began and touched nothing says so at its end.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from loadtests.harness.errors import HarnessError
from scenarios.faults import Fault

Facts = dict[str, Any]
LOOK_EVERY = 0.05


class Injector(Protocol):
    """Brings about the faults of some targets."""

    def begin(self, fault: Fault) -> Facts | None:
        """What is known of the fault, which holds now; None: not yet, ask again. Raises HarnessError: it does not."""

    def end(self, fault: Fault) -> Facts | None:
        """What it did, now that it is over; None: not yet, ask again. Raises HarnessError when it goes on.

        `bit`: whether it changed anything; if not, `text` says why that is known.
        """


class Notice(Protocol):
    """How the rehearsal hears of a fault's edges."""

    def __call__(self, fault: Fault, edge: str, **facts: object) -> None: ...


class FaultTimeline:
    """Starts and ends each fault at its moment."""

    def __init__(
        self, faults: Sequence[Fault], *, speed: float, injectors: Mapping[str, Injector], notice: Notice
    ) -> None:
        """Times of faults are of the night's clock, which runs `speed` times as fast as ours.

        injectors: by target, one for each target of the faults.
        """
        self._edges = sorted(
            [(fault.start_s / speed, True, fault) for fault in faults]
            + [(fault.end_s / speed, False, fault) for fault in faults],
            key=lambda edge: (edge[0], edge[1]),
        )
        self._injectors = injectors
        self._notice = notice
        self._active: list[Fault] = []
        self._waiting: list[Fault] = []
        """Due, and held up by what came before them."""

    @property
    def active(self) -> list[Fault]:
        return list(self._active)

    def play(self, t: float) -> None:
        """Bring about every edge due by `t`, real seconds since the doors opened; what takes longer is asked again."""
        self._waiting = []
        for edge in [edge for edge in self._edges if edge[0] <= t]:
            _, begins, fault = edge
            if fault in self._waiting:
                self._waiting.remove(fault)
                self._never_begins(fault, "its end")
            elif self._begin(fault) if begins else self._end(fault):
                self._edges.remove(edge)
            elif begins:
                self._waiting.append(fault)

    def end_all(self) -> list[Fault]:
        """End what is still active, at the end of the run; returns the faults that were never due."""
        for fault in self._waiting:
            self._never_begins(fault, "the run ended")
        never = [fault for _, begins, fault in self._edges if begins]
        self._edges.clear()
        while self._active:
            settled = [self._end(fault) for fault in self.active]
            if not all(settled):
                time.sleep(LOOK_EVERY)
        return never

    def _never_begins(self, fault: Fault, until: str) -> None:
        self._edges = [edge for edge in self._edges if edge[2] != fault]
        self._notice(fault, "failed", text=f"what came before it on this target lasted until {until}")

    def _begin(self, fault: Fault) -> bool:
        """Whether that is settled: it holds, or it failed."""
        try:
            facts = self._injectors[fault.target].begin(fault)
        except HarnessError as error:
            self._notice(fault, "failed", text=f"it could not be injected: {error}")
            return True
        if facts is None:
            return False
        self._active.append(fault)
        self._notice(fault, "start", **facts)
        return True

    def _end(self, fault: Fault) -> bool:
        """Whether that is settled."""
        if fault not in self._active:
            return True  # it never began
        try:
            facts = self._injectors[fault.target].end(fault)
        except HarnessError as error:
            self._active.remove(fault)
            self._notice(fault, "failed", text=f"it could not be ended: {error}")
            return True
        if facts is None:
            return False
        self._active.remove(fault)
        self._notice(fault, "end", **facts)
        return True
