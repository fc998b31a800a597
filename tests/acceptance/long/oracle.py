"""Thousands of people by the kernel, compiled, and by the oracle in SimPy: everybody ends alike, to the microsecond.

`make acceptance NAME=oracle`, some five minutes. Ends with 3 when a bar is missed. Nights: one in which everything
binds, with and without protection, one in which all is well, one with the allowances of that April, one in which people
leave the line again and again; and the first of them with a rule changed in the oracle alone, which must be found.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace

from scenarios.faults import Fault
from scenarios.journey_state import Result as Told
from scenarios.simulation.costs import Resources
from scenarios.simulation.figures import EMAIL, IDENTITY, SMS, Setup
from scenarios.simulation.run import Result
from tests.acceptance.long.simulated_night import Bar, compiled, judged
from tests.simpy_oracle.comparing import by_oracle, differences
from tests.simpy_oracle.nights import impatient, troubled, unprotected
from tests.simpy_oracle.plants import PLANTS, UNPROTECTED, Plants
from tests.unit.simulated_nights import night_of, setup_of

PEOPLE, FEW = 2000, 300
FIXED = Resources(follows_stages=False)
"""The oracle's gate keeps its rate."""
SHOWN = 5
"""Differences that are shown where there are any."""


def alike(name: str, setup: Setup, kernel: Result) -> Bar:
    """Everybody's fate, reason, furthest stage, instant of leaving, visits and retries; and all answers by kind."""
    found = differences(kernel, by_oracle(setup, len(kernel.rows)))
    for line in found[:SHOWN]:
        print(f"          {line}", file=sys.stderr)
    return Bar(f"{name}: {len(found)} of {len(kernel.rows)} people and kinds of answers differ", not found)


def planted(plants: Plants, setup: Setup) -> Iterator[Bar]:
    """The negative controls: an oracle with one other rule disagrees."""
    kernel = compiled(setup, FEW)
    for text, plant in plants.items():
        with plant():
            found = differences(kernel, by_oracle(setup, FEW))
        yield Bar(f"found: {text} ({len(found)} differences)", bool(found))


def everything_binds() -> Iterator[Bar]:
    setup = troubled(PEOPLE)
    kernel = compiled(setup, PEOPLE)
    world, levels = kernel.world[0], kernel.tally.levels
    refused, expired = world["refused"], world["expired"]
    late = int(expired[EMAIL] + expired[SMS])
    yield Bar(f"the outage makes {late} codes come too late", late > 0)
    yield Bar(f"full queues refuse {int(refused.sum())} jobs", int(refused[[EMAIL, SMS]].sum()) > 0)
    waited_s = levels[:, 5].max() / 1000
    yield Bar(f"the registry's quota keeps checks waiting for up to {waited_s:.0f} s", waited_s > 60)
    yield Bar(f"{int(world['failed'][IDENTITY])} calls fail", world["failed"][IDENTITY] > 0)
    yield Bar(f"up to {levels[:, 6].max()} stand in line", levels[:, 6].max() > PEOPLE / 4)
    yield Bar(f"the door turns {int(world['turned_away'].sum())} away", world["turned_away"].sum() > 0)
    yield alike("a night in which everything binds", setup, kernel)
    yield from planted(PLANTS, troubled(FEW))


def without_protection() -> Iterator[Bar]:
    setup = unprotected(PEOPLE)
    kernel = compiled(setup, PEOPLE)
    late = int(kernel.tally.answered[:, :, Told.TIMEOUT].sum())
    yield Bar(f"{late} requests time out", late > PEOPLE / 4)
    yield alike("the same without any protection", setup, kernel)
    yield from planted(UNPROTECTED, unprotected(FEW))


def all_is_well() -> Iterator[Bar]:
    setup = setup_of(night_of(), FIXED, seed=7)
    yield alike("a night in which all is well", setup, compiled(setup, PEOPLE))


def as_launched() -> Iterator[Bar]:
    """The partners of that night, scaled to so few people, whose registry runs out of its allowance."""
    night = night_of(faults=(Fault("outage", "civil_registry", 400.0, 900.0),))
    partners = night.partners["as-launched"]
    registry = replace(partners.civil_registry, rate_per_s=3.0)
    spans = tuple(replace(span, start_s=span.start_s / 50, end_s=span.end_s / 50,
                          count=None if span.count is None else 300, per_day=None if span.per_day is None else 40_000)
                  for span in registry.allowance)  # fmt: skip
    partners = replace(partners, gate_per_s=5.0, civil_registry=replace(registry, allowance=spans))
    setup = setup_of(night, FIXED)._replace(partners=partners)
    kernel = compiled(setup, PEOPLE)
    waited_s = kernel.tally.levels[:, 5].max() / 1000
    yield Bar(f"checks wait for up to {waited_s:.0f} s for their allowance", waited_s > 600)
    yield alike("the partners as launched", setup, kernel)


def impatience() -> Iterator[Bar]:
    setup = impatient(PEOPLE)
    kernel = compiled(setup, PEOPLE)
    visits, tickets = int(kernel.rows["visits"].sum()), int(kernel.world["tickets"][0])
    yield Bar(f"{visits} visits end in the line, {tickets} tickets are taken", visits > PEOPLE / 2 and tickets > PEOPLE)
    yield alike("a line that nobody stands in for long", setup, kernel)


PROOFS = (everything_binds, without_protection, all_is_well, as_launched, impatience)


if __name__ == "__main__":
    sys.exit(judged(PROOFS))
