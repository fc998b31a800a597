"""What holds from when to when: the partners' figures, what faults make of them, and who is gone.

A run is cut where anything changes; in each part the figures are constant and compiled code reads one row of them.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.capacities import Gateway, PartnerSet, Registry
from scenarios.faults import Fault
from scenarios.simulation.figures import QUEUES, US
from scenarios.streams import normal
from service.domain.queues import GUARD_S, quota_window_s

_Z_99 = normal(0.99)
_WINDOW_PARTS = 20
STOPPED, REFUSING = 1, 2
"""Of the database: it does nothing and its askers wait; it is gone and they are refused."""
_TARGETS = {"email": "email", "sms": "sms", "civil_registry": "identity"}
_SIMULATED = {"web", "worker", "gatekeeper", "database", *_TARGETS}

PART = np.dtype(
    [
        ("start_us", np.int64),
        ("end_us", np.int64),
        ("rate_per_s", np.float64, (3,)),
        ("slot_us", np.int64, (3,)),
        ("median_s", np.float64, (3,)),
        ("sigma", np.float64, (3,)),
        ("loss", np.float64, (3,)),
        ("failing", np.float64, (3,)),
        ("silent", np.float64, (3,)),
        ("errors", np.float64, (3,)),
        *((name, np.int64) for name in ("web_down", "web_until_us", "database_down", "database_until_us")),
        *((name, np.int64) for name in ("workers_down", "gate_down", "web_gone", "database_gone", "allowance")),
    ],
    align=True,
)
"""By queue (email, sms, identity). rate_per_s: 0 = nothing is taken. slot_us: a twentieth of the quota's window.
loss: of messages accepted; errors: of checks answered by one. failing, silent: shares of requests met by an error or by
nothing. workers_down, gate_down, web_gone, database_gone: who is away in this part. allowance: checks that may be asked
from here on until it is set anew, -1 = any number, -2 = as before."""


def parts(partners: PartnerSet, faults: tuple[Fault, ...], speed: float) -> tuple[NDArray[Any], list[str]]:
    """The parts of a run in order, rows of PART, and a remark for each fault that is not simulated.

    partners: per real second. Faults are in seconds of the night's clock.
    """
    played = [fault for fault in faults if is_played(fault)]
    remarks = [f"{fault.kind} of {fault.target}: not simulated" for fault in faults if fault not in played]
    windows = {window.start_s: window for window in partners.civil_registry.windows()}
    edges = {0.0, *windows, *(window.end_s for window in windows.values())}
    edges |= {edge / speed for fault in played for edge in (fault.start_s, fault.end_s)}
    starts = sorted(edge for edge in edges if edge >= 0.0)
    table = np.zeros(len(starts), PART)
    ends = [*starts[1:], math.inf]
    within = False
    for row, start, end in zip(table, starts, ends, strict=True):
        active = [fault for fault in played if fault.start_s / speed <= start < fault.end_s / speed]
        row["start_us"] = round(start * US)
        row["end_us"] = round(end * US) if end < math.inf else 1 << 61
        row["allowance"] = -2
        if start in windows:
            row["allowance"], within = windows[start].count, True
        elif within and not any(each.start_s < start < each.end_s for each in windows.values()):
            row["allowance"], within = -1, False
        _fill(row, partners, active)
        _take_away(row, active, [fault for fault in active if fault.start_s / speed == start], speed)
    if table["allowance"][0] == -2:
        table["allowance"][0] = -1
    return table, remarks


def is_played(fault: Fault) -> bool:
    """Whether a simulation knows what the fault does."""
    return fault.target in _SIMULATED


def _fill(row: Any, partners: PartnerSet, active: list[Fault]) -> None:
    for queue, name in enumerate(QUEUES):
        target = "civil_registry" if name == "identity" else name
        here = [fault for fault in active if fault.target == target]
        figures: Gateway | Registry = getattr(partners, target)
        rate = figures.rate_per_s * math.prod(fault.factor for fault in here if fault.kind == "throttled")
        if any(fault.kind == "outage" for fault in here):
            rate = 0.0
        slow = math.prod(fault.factor for fault in here if fault.kind == "slow")
        erring = max((min(fault.factor, 1.0) for fault in here if fault.kind == "errors"), default=0.0)
        row["rate_per_s"][queue] = rate
        row["slot_us"][queue] = round((quota_window_s(rate) + GUARD_S) / _WINDOW_PARTS * US)
        row["failing"][queue] = max((fault.factor for fault in here if fault.kind == "failing"), default=0.0)
        row["silent"][queue] = max((fault.factor for fault in here if fault.kind == "silent"), default=0.0)
        if isinstance(figures, Registry):
            median, p99 = figures.latency_median_s, figures.latency_p99_s
            row["sigma"][queue] = math.log(max(p99, median) / median) / _Z_99 if median > 0.0 else 0.0
            row["median_s"][queue] = median * slow
            row["errors"][queue] = max(figures.error_ratio, erring)
        else:
            row["sigma"][queue] = figures.delay_sigma
            row["median_s"][queue] = figures.delay_median_s * slow
            row["loss"][queue] = max(figures.loss, erring)


def _take_away(row: Any, active: list[Fault], beginning: list[Fault], speed: float) -> None:
    """Who goes as this part begins, and who is gone in it: one process of a fault's role, the database's all."""
    row["workers_down"] = sum(fault.target == "worker" for fault in active)
    row["gate_down"] = any(fault.target == "gatekeeper" for fault in active)
    row["web_gone"] = sum(fault.target == "web" for fault in active)
    row["database_gone"] = any(fault.target == "database" for fault in active)
    for fault in beginning:
        until_us = round(fault.end_s / speed * US)
        if fault.target == "web":
            row["web_down"] += 1
            row["web_until_us"] = max(row["web_until_us"], until_us)
        elif fault.target == "database":
            row["database_down"] = REFUSING if fault.kind == "killed" else STOPPED
            row["database_until_us"] = max(row["database_until_us"], until_us)
