"""What the probes of a search say of the capacity: both knee methods, and the call they agree on."""

from collections.abc import Sequence

from reports import knee
from reports.scalability import Estimate, Refusal
from scenarios.capacity_record import Outcome, Probe, Search


def called(probes: Sequence[Probe]) -> Search:
    """`methods`, `call` and `no_call_because` of a search; its bracket is not known here.

    probes: of ramp, bracket and confirmation, in any order; those without a goodput say nothing.
    """
    valid = [probe for probe in probes if probe.outcome is not Outcome.INVALID and probe.goodput_per_s is not None]
    if not valid:
        return Search(no_call_because="no probe was valid")
    found = knee.call(
        [probe.offered_per_s for probe in valid],
        [probe.goodput_per_s or 0.0 for probe in valid],
        [probe.outcome is Outcome.BROKE for probe in valid],
    )
    return Search(
        methods={"goodput": _value(found.goodput), "objectives": _value(found.objectives)},
        call=_value(found.rate),
        no_call_because=str(found.rate.reason) if isinstance(found.rate, Refusal) else "",
    )


def _value(told: Estimate | Refusal) -> float | None:
    return None if isinstance(told, Refusal) else told.value
