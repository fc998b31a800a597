"""What the night needs at its peak, at full scale: people a second by each reading, and what of each partner.

The busiest minute is that of the night file's curve times its demand factor. A waiting room levels it: behind the gate
the service needs to carry no more than the gate lets in. Rates are per second of the night.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.drawing import Table
from reports.facts import Facts
from reports.names import READINGS, named
from reports.stated import Stated, confidence, not_known
from reports.statistics import FloatArray
from reports.uses import ADMITTED, TWO_SIDED_95, Taken, Use
from reports.wording import Said, Told, count, number, say
from scenarios.catalogue import Night, NightError

ID = "#needs"
PEOPLE_OF_A_REPEAT = 30
"""So many people's means are spread like a bell; fewer may all be alike by chance."""
_MINUTE_S = 60.0


@dataclass(frozen=True)
class Needs:
    """What one night asks of a service, in people per second of the night."""

    reading: str
    peaks: dict[str, float]
    """The busiest minute by reading of the curve."""
    gate: float | None
    """What the waiting room lets in; None without one."""
    people: float
    """All who come, from the opening to the close."""
    open_s: float
    """From the opening to the close."""

    @property
    def peak(self) -> float:
        return self.peaks[self.reading]

    @property
    def behind_the_gate(self) -> float:
        return self.peak if self.gate is None else min(self.peak, self.gate)


def of_night(facts: Facts) -> Needs | None:
    """The needs of the night that was played; None where the record does not hold its curve."""
    try:
        night = Night.from_dict(facts.config["night"])
        night.curve.reading(facts.config["reading"])
        gate = night.partners[facts.config["set"]].gate_per_s
    except (NightError, KeyError, ValueError):
        return None
    peaks = {name: _busiest_minute(night, name) for name in night.curve.readings}
    total = night.curve.reading(facts.config["reading"]).total * night.demand_factor
    open_s = (night.closes_at - night.opens_at).total_seconds()
    return Needs(facts.config["reading"], peaks, gate if gate >= 0 else None, total, open_s)


def _busiest_minute(night: Night, reading: str) -> float:
    """Most people in any 60 s that begin on a whole second of the first block, or in a minute of a later block."""
    curve = night.curve.reading(reading)
    seconds = np.arange(0.0, curve.edges[1])
    burst = float((curve.cumulatives(seconds + _MINUTE_S) - curve.cumulatives(seconds)).max()) / _MINUTE_S
    later = max(map(curve.rate, curve.edges[1:-1]), default=0.0)
    return max(burst, later) * night.demand_factor


def peak(needs: Needs | None) -> Stated:
    """People a second who come in the busiest minute; the interval is what chance does to the count of a minute."""
    what = say("the night's busiest minute brings")
    if needs is None:
        return not_known("peak", what, "people/s", _no_curve(), ID)
    low, high = _by_chance(needs.peak)
    sure = confidence(needs.peak, low, high, assumed=1)
    return Stated("peak", what, needs.peak, low, high, "people/s", "scaled", sure, ID)


def behind_the_gate(needs: Needs | None) -> Stated:
    """Registrations a second that the service must carry at the night's peak: who comes, or who is let in."""
    what = say("the night needs, at its peak")
    if needs is None:
        return not_known("needs", what, "registrations/s", _no_curve(), ID)
    value = needs.behind_the_gate
    low, high = _by_chance(value) if value == needs.peak else (value, value)
    sure = confidence(value, low, high, assumed=1)
    return Stated("needs", what, value, low, high, "registrations/s", "scaled", sure, ID)


def codes(taken: Taken, needs: Needs | None) -> Stated:
    """One-time codes a minute at the night's peak, by every channel."""
    what = say("one-time codes at the peak")
    if needs is None:
        return not_known("codes", what, "codes/min", _no_curve(), ID)
    ways = [taken.uses[name] for name in ("sms_codes", "email_codes") if name in taken.uses]
    if not sum(way.total for way in ways):
        return not_known("codes", what, "codes/min", say("no code was handed over in this run"), ID)
    each = np.sum([way.each(taken.admitted) for way in ways], axis=0)
    return _scaled("codes", what, 60.0 * needs.behind_the_gate * each, "codes/min", taken.admitted)


def identity_checks(taken: Taken, needs: Needs | None) -> Stated:
    """Identity checks a second that keep up with the night's peak."""
    what = say("identity checks that keep up with the peak")
    if needs is None:
        return not_known("identity_checks", what, "checks/s", _no_curve(), ID)
    asked = taken.uses.get("identity_checks")
    if asked is None or not asked.total:
        return not_known("identity_checks", what, "checks/s", _no_checks(), ID)
    each = np.array(asked.each(taken.admitted))
    return _scaled("identity_checks", what, needs.behind_the_gate * each, "checks/s", taken.admitted)


def identity_by_close(taken: Taken, needs: Needs | None) -> Stated:
    """The least rate of checks with which everybody's is done when the wave closes: people go on meanwhile."""
    what = say("identity checks that are done by the close")
    if needs is None:
        return not_known("identity_by_close", what, "checks/s", _no_curve(), ID)
    asked = taken.uses.get("identity_checks")
    if asked is None or not asked.total or not taken.planned:
        return not_known("identity_by_close", what, "checks/s", _no_checks(), ID)
    each = np.array(asked.each(taken.planned))
    return _scaled("identity_by_close", what, needs.people / needs.open_s * each, "checks/s", taken.planned)


def _scaled(name: str, what: Said, interval: FloatArray, unit: str, people: int) -> Stated:
    """A count for each of `people` times people of the night: the count is measured, the night an assumption."""
    value, low, high = map(float, interval)
    sure = confidence(value, low, high, repeats=people // PEOPLE_OF_A_REPEAT, assumed=1)
    return Stated(name, what, value, low, high, unit, "scaled", sure, ID)


def _by_chance(rate: float) -> tuple[float, float]:
    """What chance does to the count of a minute of such a rate, 95 % of it."""
    off = TWO_SIDED_95 * math.sqrt(rate / _MINUTE_S)
    return max(0.0, rate - off), rate + off


def _no_curve() -> Said:
    return say("the record does not hold the curve of its night")


def _no_checks() -> Said:
    return say("nobody submitted an identity in this run, or the audit did not come to it")


# ---------------------------------------------------------------- tables


def view(facts: Facts, taken: Taken, needs: Needs | None) -> dict[str, Any]:
    """What the template of the section is filled with."""
    if needs is None:
        return {"readings": None, "bill": None}
    return {"readings": readings(needs), "bill": bill(facts, taken, needs)}


def readings(needs: Needs) -> Table:
    """Each reading of the curve with its busiest minute and what comes behind the gate."""
    rows = []
    for name, rate in needs.peaks.items():
        let_in = rate if needs.gate is None else min(rate, needs.gate)
        played = say("this one") if name == needs.reading else say("not played")
        rows.append([named(name, READINGS), number(rate, source=ID), number(let_in, source=ID), played])
    return Table([say("reading"), say("people/s, busiest minute"), say("behind the gate"), say("played")], rows)


PARTNERS = {"sms_codes": "sms", "email_codes": "email", "identity_checks": "civil_registry"}
"""Whose rate in the night file bounds a use."""


def bill(facts: Facts, taken: Taken, needs: Needs) -> Table | None:
    """What was counted of each thing, for each who was let in, at the night's peak, and what the set allows."""
    rows = []
    for use in taken.uses.values():
        each, low, high = use.each(taken.admitted)
        at_peak = needs.behind_the_gate * each
        interval = say("{low} to {high}", low=number(low, source=ID), high=number(high, source=ID))
        rows.append(
            [
                use.what,
                count(use.total, source=use.source),
                number(each, source=f"({use.source}) / ({ADMITTED})"),
                interval if math.isfinite(use.error) else say("not known"),
                number(at_peak, source=ID),
                _allowed(facts, use),
            ]
        )
    head = [say("of what"), say("in this run"), say("for each let in"), say("interval"), say("a second, at the peak"),
            say("the night's set allows")]  # fmt: skip
    return Table(head, rows) if rows else None


def _allowed(facts: Facts, use: Use) -> Told:
    partner, chosen = PARTNERS.get(use.id), facts.config["set"]
    rate = facts.config["night"]["partners"][chosen][partner]["rate_per_s"] if partner else None
    return number(rate, source=f"config:night.partners.{chosen}.{partner}.rate_per_s")
