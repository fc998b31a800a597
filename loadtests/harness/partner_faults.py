"""Faults of partners: the simulated ones turn their figures and their conduct.

The proof is the figures that the partner answered with, and what its ledger counted while the fault lasted.
"""

from collections.abc import Callable, Sequence
from typing import Any

from loadtests.harness.faults import Facts
from scenarios.faults import Fault

Figures = dict[str, dict[str, Any]]
Ask = Callable[..., Any]

_BITES: dict[str, tuple[str, ...]] = {
    "outage": ("errors", "refused"),
    "failing": ("unserved",),
    "silent": ("unserved",),
}
"""By kind, the counts that show a bite; of the others every request meets the turned figures."""


def figures_under(base: dict[str, Any], target: str, active: Sequence[Fault]) -> dict[str, Any]:
    """The figures of `target` while the `active` faults last; only those that a fault can change.

    A registry that is down errs; a gateway that is down accepts nothing. Faults of different kinds add up.
    """
    registry = target == "civil_registry"
    changeable = (
        ("rate_per_s", "latency_median_s", "latency_p99_s", "error_ratio")
        if registry
        else ("rate_per_s", "delay_median_s", "loss")
    )
    figures = {name: base[name] for name in changeable}
    for fault in active:
        if fault.target != target:
            continue
        if fault.kind == "outage":
            figures.update({"error_ratio": 1.0} if registry else {"rate_per_s": 0.0})
        elif fault.kind == "throttled":
            figures["rate_per_s"] *= fault.factor
        elif fault.kind == "errors":
            name = "error_ratio" if registry else "loss"
            figures[name] = max(figures[name], min(1.0, fault.factor))
        elif fault.kind == "slow":
            for name in ("latency_median_s", "latency_p99_s") if registry else ("delay_median_s",):
                figures[name] *= fault.factor
    return figures


def misconduct_under(active: Sequence[Fault]) -> dict[str, dict[str, float]]:
    """By target, the shares of requests that are met by an error or by silence while the `active` faults last."""
    conduct: dict[str, dict[str, float]] = {}
    for name, kind in (("error", "failing"), ("hang", "silent")):
        for fault in active:
            if fault.kind == kind:
                shares = conduct.setdefault(fault.target, {})
                shares[name] = max(shares.get(name, 0.0), min(fault.factor, 1.0 - shares.get("error", 0.0)))
    return conduct


class PartnerFaults:
    """Fulfils loadtests.harness.faults.Injector for the simulated partners."""

    def __init__(self, url: str, ask: Ask) -> None:
        """ask: as http_json.ask; raises HarnessError when a partner does not answer or refuses."""
        self._url = url
        self._ask = ask
        self._active: list[Fault] = []
        self._counted: dict[Fault, dict[str, Any]] = {}
        self._conduct: dict[str, dict[str, float]] = {}
        self._base: Figures = {}
        """As they were before the first fault."""

    def begin(self, fault: Fault) -> Facts:
        self._base = self._base or self._ask("GET", f"{self._url}/settings")
        counted = self._ledger(fault)
        figures = self._turn(fault.target, [*self._active, fault])
        self._counted[fault] = counted
        self._active.append(fault)
        return {"figures": figures}

    def end(self, fault: Fault) -> Facts:
        self._active.remove(fault)
        before = self._counted.pop(fault)
        now = self._ledger(fault)
        figures = self._turn(fault.target, self._active)
        counted = {name: count - before[name] for name, count in now.items() if not name.startswith("most_")}
        proof: Facts = {"figures": figures, "counted": counted, "bit": _bit(fault.kind, counted)}
        return proof if proof["bit"] else {**proof, "text": f"{counted['asked']} requests came, and none was touched"}

    def _turn(self, target: str, active: Sequence[Fault]) -> Any:
        figures = figures_under(self._base[target], target, active)
        answered = self._ask("PATCH", f"{self._url}/settings", {target: figures})
        conduct = misconduct_under(active)
        if conduct != self._conduct:
            self._ask("PUT", f"{self._url}/misconduct", conduct)
            self._conduct = conduct
        return {name: answered[target][name] for name in figures} | conduct.get(target, {})

    def _ledger(self, fault: Fault) -> dict[str, Any]:
        ledger: dict[str, Any] = self._ask("GET", f"{self._url}/ledger")[fault.target]
        return ledger


def _bit(kind: str, counted: dict[str, int]) -> bool:
    return any(counted.get(name, 0) > 0 for name in _BITES.get(kind, ("asked",)))
