"""A search for capacity with the runs of its probes: what its page and its answer are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from reports.facts import Facts
from scenarios.capacity_record import SEARCHING, Capacity, Outcome, Phase, Probe
from scenarios.record import RecordError, Run

STEADY = (*SEARCHING, Phase.BEYOND)
"""Phases whose probes bring as many people in each second of their arrivals."""


@dataclass(frozen=True)
class Searched:
    """One search, read."""

    folder: Path
    capacity: Capacity

    @classmethod
    def load(cls, folder: Path | str) -> "Searched":
        """Raises RecordError when capacity.json cannot be used."""
        return cls(Path(folder), Capacity.load(folder))

    @cached_property
    def runs(self) -> dict[int, Facts]:
        """The runs of the probes by their number; a probe whose folder is gone or cannot be read is left out."""
        found = {}
        for probe in self.capacity.probes:
            try:
                found[probe.number] = Facts(Run.load(self.folder / probe.folder))
            except RecordError:
                continue
        return found

    def of(self, *outcomes: Outcome, phases: Sequence[Phase] = STEADY) -> list[Probe]:
        """Probes that ended so, lowest rate first."""
        chosen = [one for one in self.capacity.probes if one.outcome in outcomes and one.phase in phases]
        return sorted(chosen, key=lambda one: (one.offered_per_s, one.number))

    @property
    def measured(self) -> Probe | None:
        """The probe that a registration's needs are measured in: of the highest rate that held, none above the call.

        Where none held, any that can be read: night and machine are the same in all.
        """
        call = self.capacity.search.call or self.capacity.search.low_per_s
        held = [one for one in self.of(Outcome.HELD) if call is None or one.offered_per_s <= call * 1.001]
        return next((one for one in (*reversed(held), *self.capacity.probes) if one.number in self.runs), None)

    @property
    def broken(self) -> Facts | None:
        """The run of the lowest rate that broke: what gave way first is seen there."""
        return next((self.runs[one.number] for one in self.of(Outcome.BROKE) if one.number in self.runs), None)

    @property
    def strained(self) -> Facts | None:
        """Where to look for what gives way first: the run that broke, else the one that was measured."""
        return self.broken or (self.runs[self.measured.number] if self.measured else None)
