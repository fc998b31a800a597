"""Injects the faults of a night's timeline, by turning the simulated partners' figures and their conduct.

Every fault leaves two events, with proof that it bit: the figures the partner answered with, and what its ledger
counted while the fault lasted. One that the partner did not take leaves the event "failed" instead, with the reason.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from loadtests.harness.errors import HarnessError
from scenarios.faults import Fault

Figures = dict[str, dict[str, Any]]
Ask = Callable[..., Any]


class Notice(Protocol):
    """How the rehearsal hears of a fault's edges."""

    def __call__(self, fault: Fault, edge: str, **facts: object) -> None: ...


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


class FaultTimeline:
    """Starts and ends each fault at its moment."""

    def __init__(self, faults: Sequence[Fault], *, speed: float, partners_url: str, ask: Ask, notice: Notice) -> None:
        """Times of faults are of the night's clock, which runs `speed` times as fast as ours.

        ask: as http_json.ask; raises HarnessError when a partner does not answer or refuses.
        """
        self._edges = sorted(
            [(fault.start_s / speed, True, fault) for fault in faults]
            + [(fault.end_s / speed, False, fault) for fault in faults],
            key=lambda edge: (edge[0], edge[1]),
        )
        self._url = partners_url
        self._ask = ask
        self._notice = notice
        self._active: list[Fault] = []
        self._counted: dict[Fault, dict[str, Any]] = {}
        self._conduct: dict[str, dict[str, float]] = {}
        self._base: Figures = ask("GET", f"{partners_url}/settings") if faults else {}

    @property
    def active(self) -> list[Fault]:
        return list(self._active)

    def play(self, t: float) -> None:
        """Bring about every edge due by `t`, real seconds since the doors opened."""
        while self._edges and self._edges[0][0] <= t:
            _, begins, fault = self._edges.pop(0)
            (self._begin if begins else self._end)(fault)

    def end_all(self) -> None:
        """End what is still active, at the end of the run."""
        self._edges.clear()
        for fault in self.active:
            self._end(fault)

    def _begin(self, fault: Fault) -> None:
        try:
            counted = self._ledger(fault)
            figures = self._turn(fault.target, [*self._active, fault])
        except HarnessError as error:
            self._notice(fault, "failed", text=f"it could not be injected: {error}")
            return
        self._counted[fault] = counted
        self._active.append(fault)
        self._notice(fault, "start", figures=figures)

    def _end(self, fault: Fault) -> None:
        if fault not in self._active:
            return  # it never began
        self._active.remove(fault)
        before = self._counted.pop(fault)
        try:
            now = self._ledger(fault)
            figures = self._turn(fault.target, self._active)
        except HarnessError as error:
            self._notice(fault, "failed", text=f"it could not be ended: {error}")
            return
        proof = {name: count - before[name] for name, count in now.items() if not name.startswith("most_")}
        self._notice(fault, "end", figures=figures, counted=proof)

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
