"""The master's side of a run: leases the shards, compares the plans, opens the doors, keeps what the workers tell.

The messages are described in loadtests.station. When a worker is lost, its shards are dealt to the others, who go on
with whoever had not started; whoever was on her way ends there, because her phone died with the worker.
"""

import json
import logging
import secrets
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import gevent
import numpy as np
from gevent.event import Event

from loadtests import health, receipts
from loadtests.attendance import LOOK_EVERY, Attendance, Identity
from loadtests.book import Book
from loadtests.measured import Latency, Measured, show_latency
from loadtests.run_settings import RunSettings
from scenarios.arrivals import SHARDS, Plan
from scenarios.record import write_people, write_whole

LEAD = 2.0
"""Seconds between the agreement on the plan and the opening, when no opening was given."""
HAND_IN = 10.0
"""Seconds within which workers hand in their ledgers after a cut: half of what a stopped process is given."""

INVALID = 5
"""Exit code of a run in which the swarm itself was the limit."""

_log = logging.getLogger(__name__)

Send = Callable[[str, dict[str, Any], str], None]


@dataclass
class Worker:
    """One that plays in this run, and what it holds."""

    number: int
    client: str
    shards: list[int]
    agreed: bool = False
    handed_in: bool = False
    cpu_s: float = 0.0


@dataclass
class Takeover:
    """What became of a lost worker's share."""

    worker: int
    at_s: float
    """Since the opening: when its shards were dealt anew, or given up."""
    silent_s: float
    """From its last word until then."""
    shards: int
    cut: int
    """Its people who were on their way."""
    overdue: int
    """Those who should have started meanwhile."""
    takers: list[int] = field(default_factory=list)


class Muster:
    """One run, led from here. `exit_code` is 0 until the swarm itself fails; verdicts are made elsewhere."""

    def __init__(
        self, send: Send, alive: Callable[[], Iterable[str]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """send: a message to the client of that id; alive: ids of the clients that can play; clock: monotonic."""
        self._send = send
        self._alive = alive
        self._clock = clock
        self.exit_code = 0
        self.defect = ""
        """Why `exit_code` is not 0."""
        self.finished = Event()
        """Set once the record is written, or the run has failed."""
        self.book = Book(np.zeros(0))
        self.measured = Measured()
        self.takeovers: list[Takeover] = []
        self._settings: RunSettings | None = None
        self._plan: Plan | None = None
        self._run = ""
        self._workers: dict[int, Worker] = {}
        """By number; lost ones are not here any more."""
        self._attendance = Attendance([], 0.0)
        self._told = receipts.Collected()
        self._cpu_lost = 0.0
        self._all_in = Event()
        self._opens_at = 0.0
        self._opened = self._interrupted = self._closing = False

    @property
    def workers(self) -> int:
        """Workers of this run that are not lost."""
        return len(self._workers)

    @property
    def has_begun(self) -> bool:
        return bool(self._run)

    def begin(self, settings: RunSettings) -> None:
        """Lease the shards to all clients and have each compute the plan."""
        self._settings, self._plan = settings, None
        self.exit_code, self.defect = 0, ""
        self._run = secrets.token_hex(6)
        clients = list(self._alive())
        self._workers = {
            number: Worker(number, client, shards)
            for number, (client, shards) in enumerate(zip(clients, dealt(range(SHARDS), len(clients)), strict=True))
        }
        self._attendance = Attendance(self._workers.keys(), self._clock())
        self._told, self._cpu_lost, self.takeovers = receipts.Collected(), 0.0, []
        self._opened = self._interrupted = self._closing = False
        self.finished.clear()
        self._all_in.clear()
        try:
            self._plan = settings.plan()
        except ValueError as fault:
            self.fail(str(fault), 2)
            return
        self.book, self.measured = Book(self._plan.due), Measured()
        for worker in self._workers.values():
            share = {"worker": worker.number, "shards": worker.shards, "settings": settings.message()}
            self._tell(worker, "crowd_plan", share)

    # ------------------------------------------------------------ messages of the workers

    def here(self, data: dict[str, Any]) -> None:
        """crowd_here: a worker has begun to make ready."""
        worker = self._sender(data)
        if worker is not None:
            self._attendance.introduce(worker.number, Identity(*data["process"]), self._clock())

    def ready(self, data: dict[str, Any]) -> None:
        """crowd_ready: once all agree, open the doors."""
        worker = self._sender(data)
        if worker is None or self._plan is None or self._settings is None:
            return
        if data["hash"] != self._plan.hash:
            theirs = f"worker {worker.number} has another plan ({data['hash']})"
            self.fail(f"{theirs} than the master ({self._plan.hash})", 1)
            return
        worker.agreed = True
        if all(each.agreed for each in self._workers.values()):
            self._open(self._settings, self._plan)

    def take_news(self, data: dict[str, Any]) -> None:
        """crowd_news: what became of a worker's people since it last said so."""
        worker = self._sender(data)
        if worker is None or self.finished.is_set():
            return
        self._attendance.heard(worker.number, self._clock())
        self.book.take(data["started"], data["ended"], worker.shards)
        self._told.take(worker.number, data["acknowledged"], data["unanswered"])
        worker.cpu_s = data["cpu_s"]
        if data["figures"] is not None:
            self.measured.take(_name(worker), data["figures"], time.time() - self._opens_at)
        if data["defect"]:
            self._blame(f"worker {worker.number}: {data['defect'].strip().splitlines()[-1]}", 1)
        self._check_end()

    def take_ledger(self, data: dict[str, Any]) -> None:
        """crowd_ledger: the last news of a worker; once all are in, write the record."""
        worker = self._sender(data)
        if worker is None or worker.handed_in or self.finished.is_set():
            return
        worker.handed_in = True
        self.take_news(data)
        if data["defect"]:
            _log.error("worker %d: a fault of the swarm's own\n%s", worker.number, data["defect"])
        if data["left"] and not self._closing and not self._interrupted:
            self._lose(worker)
        self._check_all_in()

    def take_fault(self, data: dict[str, Any]) -> None:
        """crowd_fault: a worker cannot play."""
        if self._sender(data) is not None:
            self.fail(data["fault"], 2)

    # ------------------------------------------------------------ lost workers

    def watch(self) -> None:
        """Look after the workers, for ever: run it in a greenlet of its own."""
        while True:
            gevent.sleep(LOOK_EVERY)
            self.look()

    def look(self) -> None:
        """Deal the shards of workers that are lost by now to the others."""
        if self.finished.is_set() or not self._workers:
            return
        alive = set(self._alive())
        known = [worker.number for worker in self._workers.values() if worker.client in alive]
        for number in self._attendance.lost(known, self._clock(), preparing=not self._opened):
            worker = self._workers.get(number)  # another one's loss may have waited until this one had left
            if worker is not None and not worker.handed_in:
                self._lose(worker)

    def _lose(self, lost: Worker) -> None:
        if not self._opened:
            self.fail(f"worker {lost.number} ({lost.client}) was lost before the doors opened", 1)
            return
        silent = self._attendance.silent(lost.number, self._clock())
        if not lost.handed_in:
            self._attendance.kill(lost.number)
        takeover = self._give_up(lost, silent)
        if not lost.handed_in:
            self._tell(lost, "crowd_cut")  # one elsewhere may still play, and is not listened to any more
        takers = [] if self._interrupted else [each for each in self._workers.values() if not each.handed_in]
        rows = self.book.unstarted(lost.shards)
        for taker, shards in zip(takers, dealt(lost.shards, len(takers)), strict=True):
            taker.shards = sorted(taker.shards + shards)
            takeover.takers.append(taker.number)
            self._tell(taker, "crowd_take", {"shards": [[shard, rows[shard]] for shard in shards]})
        _log.warning(
            "worker %d (%s) was lost: %d of its people are cut, the others go on with the rest",
            lost.number, lost.client, takeover.cut,
        )  # fmt: skip
        if not self._workers and not self._interrupted:
            self.fail("every worker was lost", 1)
        self._check_end()
        self._check_all_in()

    def _give_up(self, lost: Worker, silent: float) -> Takeover:
        """Whoever was on the way there is cut; what they were told last, nobody knows unless it was handed in."""
        del self._workers[lost.number]
        self._attendance.dismiss(lost.number)
        self.measured.lose(_name(lost))
        self._cpu_lost += lost.cpu_s
        now = max(0.0, time.time() - self._opens_at)
        overdue = self.book.overdue(lost.shards, now)
        cut = self.book.give_up(lost.shards, now)
        if not lost.handed_in:
            self._told.give_up(cut + overdue)
        self.takeovers.append(Takeover(lost.number, round(now, 3), round(silent, 3), len(lost.shards), cut, overdue))
        return self.takeovers[-1]

    # ------------------------------------------------------------ beginning and end

    def _open(self, settings: RunSettings, plan: Plan) -> None:
        """All agree: say when the doors open, to the workers and to whoever started the swarm."""
        soonest = time.time() + LEAD
        self._opens_at = settings.opens_at or soonest
        if self._opens_at < time.time():
            _log.warning("the swarm is ready %.1f s after the opening", time.time() - self._opens_at)
        port = settings.metrics_port
        alone = [worker.client for worker in self._workers.values()] == ["local"]
        ports = [port] if alone else [port + 1 + number for number in self._workers]
        self._say(
            ready=True,
            role="swarm",
            planned=plan.planned,
            plan_hash=plan.hash,
            workers=self.workers,
            metrics_port=port or None,
            metrics_ports=ports if port else [],
            opens_at=self._opens_at,
        )
        self._opened = True
        for worker in list(self._workers.values()):
            self._attendance.heard(worker.number, self._clock())
            self._tell(worker, "crowd_go", {"opens_at": self._opens_at})
        self._check_end()  # nobody may be planned at all

    def _check_end(self) -> None:
        """Once everybody has ended there is nothing left to play."""
        if self.book.left or not self._opened or self._closing or self._interrupted:
            return
        self._closing = True
        for worker in list(self._workers.values()):
            self._tell(worker, "crowd_cut")

    def _check_all_in(self) -> None:
        if all(worker.handed_in for worker in self._workers.values()):
            self._all_in.set()
            if not self._interrupted:
                self._close()

    def stop(self) -> None:
        """Cut the run short: collect what the workers still hand in, write a partial record."""
        if self.finished.is_set() or self._interrupted or not self._run:
            return
        self._interrupted = True
        if self._opened:
            alive = set(self._alive())
            for worker in list(self._workers.values()):
                if worker.client in alive:
                    self._tell(worker, "crowd_cut")
                else:
                    self._give_up(worker, self._attendance.silent(worker.number, self._clock()))
            self._check_all_in()
            self._all_in.wait(HAND_IN)
            for worker in [each for each in self._workers.values() if not each.handed_in]:
                self._give_up(worker, self._attendance.silent(worker.number, self._clock()))
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
        """Write the record of what was told and say that it is done."""
        if self.finished.is_set():
            return
        if self._plan is None or self._settings is None:
            self.finished.set()
            return
        latency, audits = self.measured.latency(), self.audits(self.book.lateness_ms)
        if not self._interrupted and any(audit.invalid for audit in audits):
            self.exit_code = self.exit_code or INVALID
        if self._settings.record is not None:
            try:
                self._write(self._settings.record, latency)
            except OSError as fault:
                self._blame(f"--record {self._settings.record}: {fault}", 2)
                print(f"swarm: --record {self._settings.record}: {fault}", file=sys.stderr, flush=True)
        cpu_s = self._cpu_lost + sum(worker.cpu_s for worker in self._workers.values())
        self._say(
            done=True,
            exit_code=self.exit_code,
            defect=self.defect,
            ended="interrupted" if self._interrupted else "limit" if self.book.was_cut else "drained",
            planned=self._plan.planned,
            plan_hash=self._plan.hash,
            fates=self.book.fates,
            lateness_ms=self.book.lateness_ms,
            requests=self.book.requests,
            cpu_s=round(cpu_s, 3),
            last_arrival_s=float(self._plan.due[-1]) if self._plan.planned else 0.0,
            played_s=round(max(0.0, time.time() - self._opens_at), 3),
            takeovers=[asdict(takeover) for takeover in self.takeovers],
            taken_over=self.book.taken_over,
            onlookers=self.measured.onlookers(),
            health=[audit.to_dict() for audit in audits],
        )
        show_latency(latency)
        health.show(audits)
        self.finished.set()

    def audits(self, lateness_ms: dict[str, float] | None = None) -> list[health.Audit]:
        """Whether the swarm itself was the limit, by all that is known now; lateness within 1 % unless it is given."""
        measured = self.measured
        return health.audits(
            measured.lateness_ms() if lateness_ms is None else lateness_ms,
            measured.signs(),
            blocked_p99_s=measured.blocked_p99_s(),
            lost_share=sum(each.cut for each in self.takeovers) / max(1, self._plan.planned if self._plan else 0),
        )

    def _write(self, folder: Path, latency: Latency) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / "latency.json", lambda file: file.write(json.dumps(latency, indent=1).encode()))
        write_people(folder, self.book.columns)
        write_whole(folder / "receipts.json", self._told.write)

    def _blame(self, defect: str, exit_code: int) -> None:
        """The swarm itself failed; what was first said of it stays."""
        self.exit_code = self.exit_code or exit_code
        self.defect = self.defect or defect

    def _sender(self, data: dict[str, Any]) -> Worker | None:
        """The worker of this run that sent it; None for one that was given up, or of an earlier run."""
        return self._workers.get(data["worker"]) if data["run"] == self._run else None

    def _tell(self, worker: Worker, kind: str, facts: dict[str, Any] | None = None) -> None:
        self._send(kind, {"run": self._run, **(facts or {})}, worker.client)

    @staticmethod
    def _say(**facts: object) -> None:
        """One JSON line on standard output, for whoever started the swarm."""
        with suppress(BrokenPipeError):  # that one may have been killed; the swarm still ends in order
            print(json.dumps(facts), flush=True)


def _name(worker: Worker) -> str:
    """What a worker is called where people read of it."""
    return f"worker {worker.number}"


def dealt(shards: Sequence[int], holders: int) -> list[list[int]]:
    """Shards for each of so many holders, evenly."""
    return [list(shards[holder::holders]) for holder in range(holders)]
