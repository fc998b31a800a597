"""The master's side of a run: leases the shares, compares the plans, opens the doors, collects the ledgers.

The messages are described in loadtests.station.
"""

import json
import logging
import secrets
import sys
import time
from collections.abc import Callable, Iterable, Set
from contextlib import suppress
from typing import Any

from gevent.event import Event

from loadtests import receipts, roster
from loadtests.run_settings import RunSettings
from scenarios.arrivals import Plan
from scenarios.record import Column, write_people, write_whole

LEAD = 2.0
"""Seconds between the agreement on the plan and the opening, when no opening was given."""
HAND_IN = 10.0
"""Seconds within which workers hand in their ledgers after a cut: half of what a stopped process is given."""

_log = logging.getLogger(__name__)

Send = Callable[[str, dict[str, Any], str], None]


class Muster:
    """One run, led from here. `exit_code` is 0 until the swarm itself fails; verdicts are made elsewhere."""

    def __init__(self, send: Send, alive: Callable[[], Iterable[str]]) -> None:
        """send: a message to the client of that id; alive: ids of the clients that can play."""
        self._send = send
        self._alive = alive
        self.exit_code = 0
        self.defect = ""
        """Why `exit_code` is not 0."""
        self.finished = Event()
        """Set once the record is written, or the run has failed."""
        self._settings: RunSettings | None = None
        self._plan: Plan | None = None
        self._leases: dict[int, str] = {}
        self._agreed: set[int] = set()
        self._ledgers: dict[int, dict[str, Any]] = {}
        self._all_in = Event()
        self._opens_at = 0.0
        self._expected: Set[int] = set()
        self._opened = False
        self._interrupted = False

    @property
    def workers(self) -> int:
        return len(self._leases)

    def begin(self, settings: RunSettings) -> None:
        """Lease shares to all clients and have each compute the plan."""
        self._settings = settings
        self.exit_code, self.defect = 0, ""
        self._leases = dict(enumerate(self._alive()))
        self._agreed, self._ledgers, self._expected = set(), {}, self._leases.keys()
        self._opened = self._interrupted = False
        self.finished.clear()
        self._all_in.clear()
        try:
            self._plan = settings.plan()
        except ValueError as fault:
            self.fail(str(fault), 2)
            return
        for residue, client in self._leases.items():
            share = {"residue": residue, "modulus": self.workers, "settings": settings.message()}
            self._send("crowd_plan", share, client)

    def ready(self, data: dict[str, Any]) -> None:
        """crowd_ready: once all agree, open the doors."""
        if self._plan is None or self._settings is None:
            return
        if data["hash"] != self._plan.hash:
            self.fail(
                f"worker {data['residue']} has another plan ({data['hash']}) than the master ({self._plan.hash})", 1
            )
            return
        self._agreed.add(data["residue"])
        if len(self._agreed) < self.workers:
            return
        soonest = time.time() + LEAD
        self._opens_at = self._settings.opens_at or soonest
        if self._opens_at < time.time():
            _log.warning("the swarm is ready %.1f s after the opening", time.time() - self._opens_at)
        port = self._settings.metrics_port
        ports = [port + 1 + residue for residue in self._leases] if self._leases != {0: "local"} else [port]
        self._say(
            ready=True,
            role="swarm",
            planned=self._plan.planned,
            plan_hash=self._plan.hash,
            workers=self.workers,
            metrics_port=port or None,
            metrics_ports=ports if port else [],
            opens_at=self._opens_at,
        )
        self._opened = True
        run = secrets.token_hex(6)
        for client in self._leases.values():
            self._send("crowd_go", {"opens_at": self._opens_at, "run": run}, client)

    def take_ledger(self, data: dict[str, Any]) -> None:
        """crowd_ledger: once all are in, write the record."""
        self._ledgers[data["residue"]] = data
        if data["defect"]:
            self._blame(f"worker {data['residue']}: {data['defect'].strip().splitlines()[-1]}", 1)
            _log.error("worker %d: a fault of the swarm's own\n%s", data["residue"], data["defect"])
        if self._expected <= self._ledgers.keys():
            self._all_in.set()
            if not self._interrupted:
                self._close()

    def take_fault(self, data: dict[str, Any]) -> None:
        """crowd_fault: a worker cannot play."""
        self.fail(data["fault"], 2)

    def check_workers(self) -> None:
        """A share whose worker is gone ends the run: its people would be missing."""
        if self.finished.is_set():
            return
        alive = set(self._alive())
        for residue, client in self._leases.items():
            if client not in alive and residue not in self._ledgers:
                self.fail(f"worker {residue} ({client}) was lost with its share of the applicants", 1)
                return

    def stop(self) -> None:
        """Cut the run short: collect what the workers still hand in, write a partial record."""
        if self.finished.is_set() or self._interrupted or not self._leases:
            return
        self._interrupted = True
        if self._opened:
            alive = set(self._alive())
            reachable = {residue: client for residue, client in self._leases.items() if client in alive}
            self._expected = reachable.keys()
            for client in reachable.values():
                self._send("crowd_cut", {}, client)
            if not self._expected <= self._ledgers.keys():
                self._all_in.wait(HAND_IN)
        self._close()

    def fail(self, fault: str, exit_code: int) -> None:
        """The swarm cannot do its job: say why, once, and end."""
        if self.finished.is_set() or self._interrupted:
            return
        self._blame(fault, exit_code)
        print(f"swarm: {fault}", file=sys.stderr, flush=True)
        if self._opened:
            self.stop()
        self.finished.set()

    def _close(self) -> None:
        """Write the record of the ledgers that are in and say that it is done."""
        if self._plan is None or self._settings is None:
            self.finished.set()
            return
        people = roster.unpacked(ledger["people"] for ledger in self._ledgers.values()) if self._ledgers else {}
        people = roster.with_missing(people, self._plan.due)
        lost = sorted(self._leases.keys() - self._ledgers.keys()) if self._opened else []
        if lost:
            self._blame(f"no ledger of {', '.join(f'worker {residue}' for residue in lost)}", 1)
        # What the lost share was told nobody knows: the receipts of the others alone would prove doubled effects.
        told = None if lost else receipts.merged(ledger["receipts"] for ledger in self._ledgers.values())
        if self._settings.record is not None:
            try:
                self._write(people, told)
            except OSError as fault:
                self._blame(f"--record {self._settings.record}: {fault}", 2)
                print(f"swarm: --record {self._settings.record}: {fault}", file=sys.stderr, flush=True)
        self._say(
            done=True,
            exit_code=self.exit_code,
            defect=self.defect,
            ended="interrupted" if self._interrupted else "limit" if roster.was_cut(people) else "drained",
            planned=self._plan.planned,
            plan_hash=self._plan.hash,
            fates=roster.fates(people),
            lateness_ms=roster.lateness_ms(people),
            requests=int(people["requests"].sum()),
            cpu_s=round(sum(ledger["cpu_s"] for ledger in self._ledgers.values()), 3),
            last_arrival_s=float(self._plan.due[-1]) if self._plan.planned else 0.0,
            played_s=round(max(0.0, time.time() - self._opens_at), 3),
        )
        self.finished.set()

    def _blame(self, defect: str, exit_code: int) -> None:
        """The swarm itself failed; what was first said of it stays."""
        self.exit_code = self.exit_code or exit_code
        self.defect = self.defect or defect

    def _write(self, people: dict[str, Column], told: receipts.Packed | None) -> None:
        """told: None = not known of everybody; then there is no file of receipts, nor one of an earlier run."""
        assert self._settings is not None and self._settings.record is not None
        folder = self._settings.record
        folder.mkdir(parents=True, exist_ok=True)
        write_people(folder, people)
        path = folder / "receipts.json"
        if told is None:
            path.unlink(missing_ok=True)
        else:
            write_whole(path, lambda file: file.write(receipts.text(told)))

    @staticmethod
    def _say(**facts: object) -> None:
        """One JSON line on standard output, for whoever started the swarm."""
        with suppress(BrokenPipeError):  # that one may have been killed; the swarm still ends in order
            print(json.dumps(facts), flush=True)
