"""Faults of the connections between applicants, service and database: fault proxies stand there and spoil them.

The proof is the proxy's own count of what it changed.
"""

from collections.abc import Callable, Mapping
from typing import Any

from loadtests.harness.faults import Facts
from scenarios.fault_checks import figures_of
from scenarios.faults import Fault

Ask = Callable[..., Any]


class LinkInjector:
    """Fulfils loadtests.harness.faults.Injector."""

    def __init__(self, controls: Mapping[str, str], ask: Ask) -> None:
        """controls: by link the address of its proxy's control; ask: as http_json.ask."""
        self._controls = controls
        self._ask = ask
        self._toxics: dict[Fault, str] = {}
        """The id of each that holds."""

    def begin(self, fault: Fault) -> Facts:
        wanted = {"kind": fault.kind, **{name: getattr(fault, name) for name in figures_of(fault.kind)}}
        toxic = self._ask("POST", f"{self._controls[fault.target]}/toxics", wanted)
        self._toxics[fault] = toxic["id"]
        return {"toxic": wanted}

    def end(self, fault: Fault) -> Facts:
        name = self._toxics.pop(fault)
        counted = self._ask("DELETE", f"{self._controls[fault.target]}/toxics/{name}")["bit"]
        # Nobody may have been connected when the port was closed; that it refuses was tried.
        bit = counted["connections"] > 0 or bool(counted.get("refuses"))
        facts: Facts = {"counted": counted, "bit": bit}
        return facts if bit else {**facts, "text": "no connection was touched"}
