"""Was the generator the limit? What the swarm's own audits found, and how late it started people."""

from dataclasses import dataclass

import numpy as np

from reports import little
from reports.facts import Facts
from reports.wording import count, number, recorded, say

LATENESS_LIMIT_MS = 10.0
"""More than this at p99 and response times measure the generator; a clean clock stays below 5 ms."""


@dataclass(frozen=True)
class Audit:
    """Something of the generator that was at or near its end. invalid: the figures are not to be trusted for it."""

    id: str
    invalid: bool
    cause: str
    advice: str
    figure: float


def audits(facts: Facts) -> list[Audit] | None:
    """What the swarm found of itself, as run.json says it, and what its rows show beside; None of a record that says
    nothing of it and shows nothing either, and of a simulated night, which has no generator."""
    if facts.is_simulated:
        return None
    own = facts.config.get("swarm", {}).get("health")
    found = [
        Audit(one["id"], one["invalid"], recorded(one["cause"]), recorded(one["advice"]), one["figure"])
        for one in own or ()
    ]
    named = {audit.id for audit in found}
    shown = [audit for audit in _shown(facts) if audit.id not in named]
    return [*shown, *found] if shown or own is not None else None


def lateness_ms(facts: Facts) -> dict[str, float | None]:
    """p50, p99 and max in milliseconds over everybody who was started by the worker that was to do so.

    None of a simulated night: nobody can be late there.
    """
    late = facts.lateness * 1000
    if not len(late) or facts.is_simulated:
        return {"p50": None, "p99": None, "max": None}
    p50, p99 = np.quantile(late, (0.5, 0.99), method="inverted_cdf")
    return {name: round(float(value), 3) for name, value in (("p50", p50), ("p99", p99), ("max", late.max()))}


def _shown(facts: Facts) -> list[Audit]:
    """What rows and samples show, whatever the swarm says."""
    apart = little.broken(facts.run.samples)
    clocks = [] if apart is None else [Audit("little", True, *apart)]
    return [*_late(facts), *clocks]


def _late(facts: Facts) -> list[Audit]:
    advice = say("give the swarm more workers or another machine and run it again")
    if facts.never_started:
        never, planned = count(facts.never_started), count(facts.planned, source="config:planned")
        text = say("{never} of {planned} applicants were due and never started", never=never, planned=planned)
        return [Audit("never-started", True, text, advice, float(facts.never_started))]
    p99 = lateness_ms(facts)["p99"]
    if p99 is None or p99 <= LATENESS_LIMIT_MS:
        return []
    text = say(
        "1 in 100 applicants was started more than {late} ms late; {allowed} allowed",
        late=number(p99),
        allowed=number(LATENESS_LIMIT_MS),
    )
    return [Audit("lateness", True, text, advice, p99)]
