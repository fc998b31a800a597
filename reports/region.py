"""What an objective is about: a stage of the journey or all of it, a window of time or the whole night."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reports import statistics
from reports.facts import Facts
from reports.responses import api_answers
from reports.statistics import BoolArray, FloatArray, Histogram, Windows
from scenarios.objectives import STAGES
from scenarios.record import Furthest

ANSWERS = "swarm_scheduled_seconds"
REQUESTS = "swarm_requests_total"
STEPS = dict(zip(STAGES, (step for step in Furthest if step > Furthest.TICKETED), strict=True))
"""What of people.npz completes each stage."""


@dataclass(frozen=True)
class Region:
    """A part of a run, outside injected faults. start_s, end_s: real seconds since the doors opened."""

    facts: Facts
    stage: str = ""
    """One of STAGES; empty: the whole journey, uploads left out of its answers."""
    start_s: float = 0.0
    end_s: float = math.inf

    @property
    def left_out(self) -> Windows:
        """Spans whose samples do not count: faults, and what lies outside of the window."""
        before = [(-math.inf, self.start_s)] if self.start_s > 0 else []  # nothing comes before the opening
        after = [(self.end_s, math.inf)] if math.isfinite(self.end_s) else []
        return [*self.facts.windows, *before, *after]

    @cached_property
    def answers(self) -> Histogram:
        """Times of the answers, from the intended start."""
        if not self.stage:
            return api_answers(self.facts, ANSWERS, self.left_out)
        samples, routes = self.facts.run.samples, STAGES[self.stage]
        return statistics.merged(
            [
                statistics.histogram(samples, ANSWERS, self.left_out, route=route)
                for route in routes
                if samples.select(f"{ANSWERS}_bucket", route=route)
            ]
        )

    @cached_property
    def requests(self) -> dict[str, float]:
        """Requests by outcome."""
        samples = self.facts.run.samples
        if not self.stage:
            return statistics.totals_by(samples, REQUESTS, "outcome", self.left_out)
        found: dict[str, float] = {}
        for route in STAGES[self.stage]:
            for outcome, total in statistics.totals_by(
                samples, REQUESTS, "outcome", self.left_out, route=route
            ).items():
                found[outcome] = found.get(outcome, 0.0) + total
        return found

    def holds(self, moments: FloatArray) -> BoolArray:
        """Which of the moments lie in the window; of all time nan does too, because nobody asks when."""
        if self.start_s <= 0 and math.isinf(self.end_s):
            return np.ones(len(moments), dtype=np.bool_)
        inside: BoolArray = (moments >= self.start_s) & (moments < self.end_s)
        return inside

    def began(self) -> FloatArray:
        """When each person began the stage: completed the one before."""
        return np.asarray(self.facts.people[Furthest(STEPS[self.stage] - 1).column])

    def completed(self) -> FloatArray:
        return np.asarray(self.facts.people[STEPS[self.stage].column])

    # Where its numbers stand in the record (docs/report.md)

    def source(self, operation: str, name: str = ANSWERS, **labels: str) -> str:
        """The source of a number made from the answers or requests of this region."""
        uploads_out = ("route!^files-",) if name.startswith(ANSWERS) else ()
        routes = (f"route={'|'.join(STAGES[self.stage])}",) if self.stage else uploads_out
        chosen = ",".join([*routes, *(f"{key}={value}" for key, value in labels.items())])
        limited = self.start_s > 0 or math.isfinite(self.end_s)
        span = f" from {self.start_s:g} to {self.end_s:g}" if limited else ""
        return f"samples:{operation} {name}{{{chosen}}}{span} outside faults"

    @property
    def answers_source(self) -> str:
        return self.source("total", f"{ANSWERS}_bucket", le="+Inf")
