"""Small nights for the tests of the simulation, played uncompiled: what is compiled gives the same digits."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from typing import Any

from scenarios.behaviour import habits
from scenarios.catalogue import Night, load
from scenarios.factors import Factors
from scenarios.fates import Fate
from scenarios.faults import Fault
from scenarios.journey_state import Action
from scenarios.journey_state import Result as Told
from scenarios.simulation.costs import Costs, Resources
from scenarios.simulation.figures import Setup
from scenarios.simulation.run import Result, arrivals, simulate

SEED = 1
MACHINES, COSTS = Resources(), Costs()


def night_of(**changes: Any) -> Night:
    return replace(load("prakerja-wave-1"), **changes)


def setup_of(night: Night, resources: Resources = MACHINES, costs: Costs = COSTS, seed: int = SEED) -> Setup:
    return Setup(night, night.partners[night.default_set], resources, costs, habits(night, 1.0), seed, Factors())


def scarce(resources: Resources = MACHINES, faults: tuple[Fault, ...] = ()) -> Setup:
    """A hundredth of the night, whose e-mails go out at one in two seconds; two people a second want one."""
    setup = setup_of(night_of(faults=faults), resources)
    email = replace(setup.partners.email, rate_per_s=50.0)
    return setup._replace(partners=replace(setup.partners, email=email), factors=Factors(Fraction(1, 100)))


def played(setup: Setup, people: int, *, plain: bool = True) -> Result:
    curve = setup.night.curve.reading(setup.night.curve.default)
    return simulate(setup, arrivals(setup.night, curve, setup.seed, setup.factors, people), plain=plain)


def fates(result: Result) -> Counter[str]:
    """How many came to each fate, by its name."""
    return Counter(Fate(fate).name for fate in result.rows["fate"].tolist())


def reasons(result: Result) -> Counter[int]:
    return Counter(result.rows["reason"].tolist())


def answers(result: Result, action: Action, told: Told) -> int:
    """How many requests for `action` ended so."""
    return int(result.tally.answered[:, action, told].sum())
