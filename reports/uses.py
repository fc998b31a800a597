"""What people took of each thing that is bought: codes, messages, identity checks, photos, bytes.

Counted over the whole run. The same counts, divided by those who were let in, give what the night's peak asks of each
partner (reports.needs); divided by those who joined, what a registration costs (reports.money): so whoever tried and
did not get through is paid for by those who did.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports import statistics
from reports.facts import Facts
from reports.statistics import BoolArray
from reports.wording import N_, Said, say
from scenarios.record import Fate

TWO_SIDED_95 = 1.96
"""Standard errors to each side of a mean that hold 95 % of it."""

ADMITTED = "(people:sum admitted_at) / (people:mean admitted_at)"
"""How many people were let in, in the grammar of sources: a sum over a mean counts what both have seen."""
JOINED = f"people:count fate={Fate.JOINED:d}"
HANDED_OVER = "registration_code_handover_seconds_bucket"


@dataclass(frozen=True)
class Use:
    """One thing and how much of it the run took. error: relative standard error of it for each person, nan: unknown."""

    id: str
    what: Said
    total: float
    source: str
    error: float

    def each(self, people: int) -> tuple[float, float, float]:
        """So much for each of `people` > 0, with its interval."""
        value = self.total / people
        spread = TWO_SIDED_95 * self.error * value if math.isfinite(self.error) else value
        return value, max(0.0, value - spread), value + spread


@dataclass(frozen=True)
class _Counter:
    """A use that counters of the record tell. column: of people.npz, whose spread is taken for that of the use."""

    what: str
    name: str
    labels: dict[str, str]
    column: str


_COUNTERS = {
    "sms_codes": _Counter(
        N_("codes by SMS"), HANDED_OVER, {"channel": "sms", "le": "+Inf"}, "codes_asked"
    ),
    "email_codes": _Counter(
        N_("codes by e-mail"), HANDED_OVER, {"channel": "email", "le": "+Inf"}, "codes_asked"
    ),
    "sms_messages": _Counter(
        N_("messages taken by the SMS gateway"), "partner_requests_total",
        {"partner": "sms", "outcome": "accepted"}, "codes_asked",
    ),
    "email_messages": _Counter(
        N_("messages taken by the e-mail gateway"), "partner_requests_total",
        {"partner": "email", "outcome": "accepted"}, "codes_asked",
    ),
    "photo_bytes": _Counter(N_("photo bytes stored"), "registration_upload_bytes_total", {}, "photos_stored"),
}  # fmt: skip


@dataclass(frozen=True)
class Taken:
    """All that people took, and how many they were."""

    planned: int
    admitted: int
    joined: int
    uses: dict[str, Use]
    """By id; none without anybody let in."""

    @classmethod
    def of(cls, facts: Facts) -> "Taken":
        let_in = np.isfinite(facts.people["admitted_at"])
        people = int(let_in.sum())
        return cls(facts.planned, people, facts.joined, _uses(facts, let_in) if people else {})


def _uses(facts: Facts, let_in: BoolArray) -> dict[str, Use]:
    found = {name: _counted(facts, let_in, name, counter) for name, counter in _COUNTERS.items()}
    found["identity_checks"] = _identity_checks(facts, let_in)
    sent = facts.people["bytes_sent"]
    found["bytes_sent"] = Use("bytes_sent", say("bytes sent by phones"), float(sent.sum()), "people:sum bytes_sent",
                              _error(sent[let_in]))  # fmt: skip
    return {name: use for name, use in found.items() if use is not None}


def _counted(facts: Facts, let_in: BoolArray, name: str, counter: _Counter) -> Use | None:
    samples = facts.run.samples
    if not samples.select(counter.name, **counter.labels):
        return None
    told = ",".join(f"{key}={value}" for key, value in counter.labels.items())
    source = f"samples:total {counter.name}" + (f"{{{told}}}" if told else "")
    total = statistics.total(samples, counter.name, (), **counter.labels)
    return Use(name, say(counter.what), total, source, _error(facts.people[counter.column][let_in]))


def _identity_checks(facts: Facts, let_in: BoolArray) -> Use | None:
    """Checks that people were promised: what is bought, though the registry may answer only after the run."""
    asked = ((facts.config["ledgers"] or {}).get("identity_checks") or {}).get("client")
    if asked is None:
        return None
    submitted = np.isfinite(facts.people["identity_submitted_at"][let_in])
    source = "config:ledgers.identity_checks.client"
    return Use("identity_checks", say("identity checks asked for"), float(asked), source, _error(submitted))


def _error(each: NDArray[Any]) -> float:
    """Relative standard error of the mean of `each`, a value a person; nan: not known."""
    mean = float(each.mean())
    if len(each) < 2 or mean <= 0:
        return math.nan
    return float(each.std(ddof=1)) / math.sqrt(len(each)) / mean
