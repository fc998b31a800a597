"""One search for capacity, from wherever it stands: plays what the pure machine asks for, writes down what is known."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from loadtests.harness import beyond, search
from loadtests.harness.probing import Prober
from loadtests.harness.search import Course, Over, Step
from scenarios.capacity_record import SEARCHING, Capacity, Phase, Probe, Recovery, Search
from scenarios.record import read_people

NOT_OVER = "the search is not over"


FindKnee = Callable[[Sequence[Probe]], Search]
"""What both knee methods make of the probes: the call and the methods of its answer count, its bracket does not."""


class Hunt:
    """One search, from wherever it stands."""

    def __init__(self, found: Capacity, course: Course, folder: Path, prober: Prober, knee: FindKnee) -> None:
        self.found = found
        self.folder = folder
        self._course = course
        self._prober = prober
        self._knee = knee

    def go_on(self) -> Over:
        """Play until nothing is left to be played; what is known is on disk whenever a probe has ended.

        Raises what Prober.play raises.
        """
        self._conclude()
        while (step := self._next()) is not None:
            jump = beyond.jump_rate(self.found.search.call or 0.0)
            probe = self._prober.play(step, self.found.probes, jump_per_s=jump)
            self.found = replace(self.found, probes=(*self.found.probes, probe))
            self._conclude()
        over = search.next_probe(self._course, self.found.probes)
        assert isinstance(over, Over)
        return over

    def _next(self) -> Step | None:
        step = search.next_probe(self._course, self.found.probes)
        if isinstance(step, Step):
            return step
        call = self.found.search.call
        return None if call is None else beyond.next_beyond(self._course, call, self.found.probes)

    def _conclude(self) -> None:
        """Write down what the probes so far say."""
        probes = [probe for probe in self.found.probes if probe.phase in SEARCHING]
        self.found = replace(self.found, search=concluded(self._course, probes, self._knee))
        call = self.found.search.call
        if call is not None and self._course.beyond:
            jumps = [probe for probe in self.found.probes if probe.phase is Phase.RECOVERY]
            self.found = replace(
                self.found,
                beyond=beyond.beyond_of(self._course, call, self.found.probes),
                recovery=self._recovery(call, jumps[-1]) if jumps else None,
            )
        self.found.write(self.folder)

    def _recovery(self, call: float, probe: Probe) -> Recovery:
        return beyond.recovery_of(self._course, call, probe, read_people(self.folder / probe.folder))


def concluded(course: Course, probes: Sequence[Probe], knee: FindKnee) -> Search:
    """What ramp, bracket and confirmation say so far. A call lies inside the bracket: its lower end was confirmed."""
    low, high = search.bracket(probes)
    over = search.next_probe(course, probes)
    if isinstance(over, Step):
        return Search(low, high, no_call_because=NOT_OVER)
    found = knee(probes)
    because = over.because or found.no_call_because
    if because or found.call is None or low is None or high is None:
        return Search(low, high, found.methods, no_call_because=because)
    return Search(low, high, found.methods, call=min(max(found.call, low), high))
