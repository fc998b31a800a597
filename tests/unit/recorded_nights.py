"""Small simulated nights with their records, for tests."""

from pathlib import Path

from scenarios.simulation.figures import Setup
from scenarios.simulation.recorded import Asked, Recording
from scenarios.simulation.run import Result, arrivals, simulate


def recorded(folder: Path, setup: Setup, people: int, drain_s: float | None = None) -> Result:
    """Play the first `people` arrivals uncompiled, and leave their record in `folder`, which must not be there."""
    curve = setup.night.curve.reading(setup.night.curve.default)
    due_us = arrivals(setup.night, curve, setup.seed, setup.factors, people)
    folder.mkdir(parents=True)
    recording = Recording(folder)
    played = simulate(setup, due_us, plain=True, drain_s=drain_s, recorder=recording.recorder)
    recording.write(setup, due_us, played, Asked(setup.night.default_set, setup.night.curve.default, drain_s, people))
    return played
