"""Was the generator the limit? What the swarm's own audits found, and how late it started people."""

from dataclasses import dataclass

import numpy as np

from reports.facts import Facts
from reports.wording import count

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
    nothing of it and shows nothing either."""
    own = facts.config.get("swarm", {}).get("health")
    found = [Audit(**{name: one[name] for name in Audit.__annotations__}) for one in own or ()]
    named = {audit.id for audit in found}
    shown = [audit for audit in _shown(facts) if audit.id not in named]
    return [*shown, *found] if shown or own is not None else None


def lateness_ms(facts: Facts) -> dict[str, float | None]:
    """p50, p99 and max in milliseconds over everybody who was started by the worker that was to do so."""
    late = facts.lateness * 1000
    if not len(late):
        return {"p50": None, "p99": None, "max": None}
    p50, p99 = np.quantile(late, (0.5, 0.99), method="inverted_cdf")
    return {name: round(float(value), 3) for name, value in (("p50", p50), ("p99", p99), ("max", late.max()))}


def _shown(facts: Facts) -> list[Audit]:
    """What the rows of people show, whatever the swarm says."""
    advice = "give the swarm more workers or another machine and run it again"
    if facts.never_started:
        text = f"{count(facts.never_started)} of {count(facts.planned)} applicants were due and never started"
        return [Audit("never-started", True, text, advice, float(facts.never_started))]
    p99 = lateness_ms(facts)["p99"]
    if p99 is None or p99 <= LATENESS_LIMIT_MS:
        return []
    text = f"1 in 100 applicants was started more than {p99:.1f} ms late; {LATENESS_LIMIT_MS:g} allowed"
    return [Audit("lateness", True, text, advice, p99)]
