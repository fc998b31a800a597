"""A stack that runs already, containers for example: the rehearsal sends its swarm there and reads the ledgers.

It may have served before, so its counters are taken as differences from the start. Its settings and figures are its
own; where they are not those of the night, that is a remark in the record.
"""

import json
import math
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from loadtests.faults.processes import ProcessFaults
from loadtests.harness import ledgers
from loadtests.harness.errors import HarnessError, NotReady, Refusal
from loadtests.harness.faults import Injector
from loadtests.harness.http_json import Unanswered, ask
from loadtests.harness.order import Running
from loadtests.harness.processes import Child, once
from loadtests.harness.samples import Target
from scenarios.capacities import PartnerSet

READY_WITHIN = 30.0
"""Seconds for a target that answers to find its database."""
LEDGER_WITHIN = 300.0
"""Longer than at home: the command may start a container first."""
ASK_EVERY = 0.2
BOARD_LAG = 2.5
"""Seconds after which the board shows what was: replicas renew it once a second, a proxy may keep it for one more."""
SAME_CLOCK = 0.01
"""Seconds by which the partners' opening may differ from ours and still be ours."""
COMPARED = {
    "civil_registry": ("rate_per_s", "latency_median_s", "latency_p99_s", "error_ratio"),
    "email": ("rate_per_s", "delay_median_s", "delay_sigma", "loss"),
    "sms": ("rate_per_s", "delay_median_s", "delay_sigma", "loss"),
}


class RunningStack:
    """Somebody else's processes. Fulfils loadtests.harness.stack.Stack."""

    def __init__(self, running: Running, partners: PartnerSet, *, logs: Path) -> None:
        """partners: what the order's night and factors ask for, per real second."""
        self.url = running.target
        self.partners_url = running.partners
        self._running = running
        self._figures = partners
        self._logs = logs
        self._remarks: list[str] = []
        self._database: dict[str, Any] | None = None
        """As it was at the start."""
        self._partners: dict[str, Any] = {}
        self._opens_at = 0.0

    def start(self) -> None:
        self._check_target()
        self._check_partners()
        self._check_board()
        if self._running.ledger:
            self._database = self._read_database(Refusal)
            if accounts := len(self._database["accounts"]["ids"]):
                raise Refusal(
                    f"the target holds {accounts:,} accounts already, whose addresses would be taken: "
                    "empty its database, or start a fresh stack"
                )
        self._partners = self._read_partners()  # after the database: see loadtests.harness.ledgers

    def open(self, opens_at: float) -> None:
        ask("PUT", f"{self.partners_url}/clock", {"opens_at": opens_at})
        self._opens_at = opens_at

    def targets(self) -> list[Target]:
        return [*self._running.metrics, *_partners_target(self.partners_url)]

    def stop(self, *, grace: float) -> None:
        """Nothing here is ours to end."""

    def gone(self) -> str:
        try:
            ask("GET", f"{self.url}/health/live")
        except Unanswered as fault:
            return str(fault)
        return ""

    def partners_ledger(self) -> dict[str, Any]:
        opens_at = ask("GET", f"{self.partners_url}/clock")["opens_at"]
        if abs(opens_at - self._opens_at) > SAME_CLOCK:
            raise HarnessError("the partners were started anew, or another rehearsal used them at the same time")
        return ledgers.partners_since(self._partners, self._read_partners())

    def database_ledger(self) -> dict[str, Any] | None:
        if self._database is None:
            return None
        return ledgers.database_since(self._database, self._read_database(HarnessError))

    def injectors(self, hands: ProcessFaults, came_back: Callable[[Child], None]) -> dict[str, Injector]:
        """None: its processes are not ours, and the order has been refused when the night wanted them broken."""
        return {}

    def document(self) -> dict[str, Any]:
        return {
            "started": False,
            "replicas": None,
            "proxy": None,
            "target": self.url,
            "partners": self.partners_url,
            "ledger": bool(self._running.ledger),
            "remarks": self._remarks,
        }

    # What is found there

    def _check_target(self) -> None:
        """Raises Refusal when nothing of ours answers, NotReady when it does and does not become ready."""
        try:
            alive = ask("GET", f"{self.url}/health/live")
        except Unanswered as fault:
            raise Refusal(f"no registration answers at --target {self.url} ({fault}): start it first") from None
        if alive != {"status": "live"}:
            raise Refusal(f"what answers at --target {self.url} is no registration of ours")
        deadline = time.monotonic() + READY_WITHIN
        while True:
            try:
                ask("GET", f"{self.url}/health/ready")
                return
            except Unanswered as fault:
                if time.monotonic() > deadline:
                    raise NotReady(f"the target did not become ready within {READY_WITHIN:g} s: {fault}") from None
            time.sleep(ASK_EVERY)

    def _check_partners(self) -> None:
        try:
            settings = ask("GET", f"{self.partners_url}/settings")
            faults = ledgers.faults_of_partners(ask("GET", f"{self.partners_url}/ledger"))
        except Unanswered as fault:
            raise Refusal(
                f"no simulated partners answer at --partners {self.partners_url} ({fault}): "
                "start them with python -m scenarios.partners, and the target with their address"
            ) from None
        if faults or not isinstance(settings, dict) or not settings.keys() >= COMPARED.keys():
            raise Refusal(f"what answers at --partners {self.partners_url} is not the simulated partners")
        self._remarks += _unlike(self._figures, settings)

    def _check_board(self) -> None:
        time.sleep(BOARD_LAG)
        board = ask("GET", f"{self.url}/board")
        if board["last_ticket"]:
            self._remarks.append(
                f"the target has given tickets before ({board['last_ticket']:,}): people who registered there already "
                "find their addresses taken"
            )
        wanted = self._figures.gate_per_s
        if not board["rate_per_s"]:
            self._remarks.append("the target's gate stands still: its gatekeeper has not moved it yet")
        elif wanted >= 0 and not _about(board["rate_per_s"], wanted):
            self._remarks.append(f"the gate admits {board['rate_per_s']:g} people/s, the night asks for {wanted:g}")

    def _read_partners(self) -> dict[str, Any]:
        ledger: dict[str, Any] = ask("GET", f"{self.partners_url}/ledger")
        return ledger

    def _read_database(self, failure: type[HarnessError]) -> dict[str, Any]:
        """What --ledger prints. Raises `failure`; of a Refusal no log is kept that could be named."""
        program = self._running.ledger[0]  # the rest may hold passwords, and what is said here is recorded
        own = {name: value for name, value in os.environ.items() if name.startswith("REGISTRATION_")}
        try:
            text = once(
                "ledger",
                self._running.ledger,
                settings=own,
                logs=self._logs,
                within=LEDGER_WITHIN,
                names_log=failure is not Refusal,
            )
            ledger = json.loads(text)
        except OSError as fault:
            raise failure(f"--ledger {program}: {fault.strerror}: {fault.filename}") from None
        except HarnessError as fault:
            raise failure(f"--ledger {program}: {fault}") from None
        except (ValueError, RecursionError):
            raise failure(f"--ledger {program}: it printed no JSON") from None
        if faults := ledgers.faults_of_database(ledger):
            raise failure(
                f"--ledger {program}: it must print what python -m service ledger --json prints: {'; '.join(faults)}"
            )
        checked: dict[str, Any] = ledger
        return checked


def _partners_target(url: str) -> list[Target]:
    """Where the partners' metrics are; nowhere behind TLS, which the scraper does not speak."""
    parts = urlsplit(url)
    return [] if parts.scheme == "https" else [Target("partners", str(parts.hostname), parts.port or 80)]


def _unlike(wanted: PartnerSet, found: Mapping[str, Any]) -> list[str]:
    """A remark for each figure of the partners that is not the order's."""
    remarks = []
    for partner, names in COMPARED.items():
        for name in names:
            here, there = getattr(getattr(wanted, partner), name), found[partner].get(name)
            if not isinstance(there, int | float) or not _about(there, here):
                remarks.append(f"{name} of {partner} is {there} at these partners, the night asks for {here:g}")
    return remarks


def _about(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-3, abs_tol=1e-9)
