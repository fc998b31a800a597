"""One rehearsal from the first process to the last line of its record.

Phases: *prepare* (the stack and the swarm come up; the doors open a few seconds later), *arrivals*, *drain* (until no
applicant acts, or the limit), *audit* (what could still write is ended, then the ledgers are read).
Whatever happens, nothing of ours is left running and what was recorded is kept.
"""

import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from loadtests.faults.processes import ProcessFaults
from loadtests.harness import misses, prometheus, swarm
from loadtests.harness.audit import audit, audit_without_database
from loadtests.harness.cpu import CpuSampler
from loadtests.harness.disk import DiskGuard
from loadtests.harness.errors import Exit, HarnessError, NotReady, Refusal
from loadtests.harness.faults import FaultTimeline
from loadtests.harness.from_zero import FromZero
from loadtests.harness.http_json import ask
from loadtests.harness.order import Order
from loadtests.harness.own_metrics import OwnMetrics
from loadtests.harness.partner_faults import PartnerFaults
from loadtests.harness.processes import Child
from loadtests.harness.programs import Programs, kind_of, unexpected
from loadtests.harness.progress import SHOWN, Display, Reader
from loadtests.harness.run_folder import RunFolder
from loadtests.harness.running_stack import RunningStack
from loadtests.harness.samples import Source
from loadtests.harness.scraper import Scraper
from loadtests.harness.signals import Interrupted, Signals
from loadtests.harness.stack import OwnStack, Stack
from scenarios import record
from scenarios.factors import queue_limits, scaled
from scenarios.fates import Fate, Reason
from scenarios.faults import PARTNERS, Fault
from scenarios.objectives import demands

LOOK_EVERY = 0.25
SAMPLE_EVERY = 2.0
"""Seconds between looks at CPU, disk and children: as often as metrics are scraped."""
DRAIN_SLACK = 60.0
"""Seconds beyond the drain limit after which a swarm that has not cut itself off is ended."""
AFTERMATH = 5.0
"""Seconds that a run goes on after one of its programs died: long enough to see what it does to the others."""
SWARM_ENDS_WITHIN = 30.0
"""Seconds for a swarm told to end to write down everybody's fate."""
STOP_GRACE = 25.0
"""The service gives requests in flight 20 s."""
QUICK_GRACE = 8.0
"""Instead, when somebody waits for Ctrl-C."""


class Rehearsal:
    """Plays one order. `folder.path` holds the record afterwards."""

    def __init__(self, order: Order, display: Display, signals: Signals, folder: RunFolder | None = None) -> None:
        self._order = order
        self._display = display
        self._signals = signals
        partners, rounded = scaled(order.partners, order.factors)
        limits, rounded_limits = queue_limits(order.partners, order.factors)
        self.folder = folder or RunFolder(order)
        self.folder.rounded = [*rounded, *rounded_limits]
        self._programs = Programs(self.folder.logs, order.pins.holding)
        self._stack: Stack
        if order.running is None:
            self._stack = OwnStack(order, self.folder, self._programs, partners, limits)
        else:
            self._stack = RunningStack(order.running, partners, logs=self.folder.logs)
            self.folder.rounded = rounded  # the queues there have whatever bounds they have
        self._cpu = CpuSampler()
        self._hands = ProcessFaults()
        faults = {(fault.kind, fault.target) for fault in order.night.faults}
        self._metrics = OwnMetrics(self._cpu, sorted(faults))
        self._source: Source | None = None
        self._timeline: FaultTimeline | None = None
        self._watch = _watch(order)
        self._phase = ""
        self._dead: list[Child] = []

    def run(self) -> None:
        """Play it all. The record is complete when this returns or raises.

        Raises Refusal or NotReady when it could not begin; of a Refusal nothing is kept.
        """
        folder = self.folder
        with ExitStack() as afterwards:
            afterwards.callback(self._metrics.close)
            afterwards.callback(self._clear_away)
            afterwards.callback(self._hands.close)
            afterwards.callback(self._order.pins.let_go_harness)
            try:
                self._prepare()
                self._signals.gentle = True
                self._play()
                self._audit()
            except Interrupted:
                folder.ended = "interrupted"
            except NotReady:
                folder.ended = "not-ready"
                raise
            except Refusal:
                afterwards.callback(folder.discard)
                raise
            except Exception:
                folder.ended = "crash"  # whatever it was before: the record says what the exit code says
                raise
            finally:
                self._signals.gentle = True
                self._end_everything()

    # Prepare

    def _prepare(self) -> None:
        order, folder, programs, stack = self._order, self.folder, self._programs, self._stack
        self._display.say(
            f"{order.night.title}: {order.plan.planned:,} applicants in {order.minutes:g} minutes "
            f"({order.arrivals or f'{order.reading} reading'}, {order.set_name} partners, "
            f"people {order.factors.people}, speed {order.factors.speed:g}, pace {order.factors.pace:g}, "
            f"seed {order.seed})"
        )
        for line in swarm.needed(order):
            self._display.say(line)
        self._enter("prepare")
        self._source = self._open_source()
        stack.start()
        folder.stack = stack.document()
        for remark in folder.stack["remarks"]:
            self._note(remark)
        swarm_targets = swarm.launch(programs, order, folder, url=stack.url, partners_url=stack.partners_url)
        self._source.watch([self._metrics.target, *programs.targets(), *stack.targets(), *swarm_targets])
        folder.opens_at = swarm.await_opening(programs)
        self._timeline = FaultTimeline(
            order.night.faults,
            speed=order.factors.speed,
            injectors={
                **dict.fromkeys(PARTNERS, PartnerFaults(stack.partners_url, ask)),
                **stack.injectors(self._hands, self._watch_cpu),
            },
            notice=self._notice_fault,
        )
        for child in programs.children.values():
            self._watch_cpu(child)
        order.pins.hold_harness()
        stack.open(folder.opens_at)
        folder.write_config()  # so that a run whose harness is killed can still be reported

    def _open_source(self) -> Source:
        asked = self._order.prometheus
        if asked is None:
            return Scraper()
        run = self.folder.id
        if asked == "auto":
            targets = self.folder.work / "prometheus" / "targets.json"
            url = prometheus.start(targets.parent, targets, logs=self.folder.logs, started=self._programs.adopt)
        else:
            url, targets = asked, self._order.work / "targets" / f"{run}.json"
            prometheus.check(url)
        shown = SHOWN if self._watch is None else (*SHOWN, *misses.WATCHED)
        return prometheus.PrometheusSource(url, targets, run, shown=shown)

    # Play

    def _play(self) -> None:
        assert self._source is not None and self._timeline is not None
        order, folder, swarm = self._order, self.folder, self._programs.children["swarm"]
        reader = Reader(self._source, order.plan.planned)
        guard = DiskGuard([folder.path, folder.work], cap_bytes=order.disk_cap_bytes)
        must_end = order.last_arrival_s + order.drain_limit_s + DRAIN_SLACK
        look_at = time.monotonic()
        while not self._signals.wait(LOOK_EVERY):
            t = folder.t()
            if self._phase == "prepare" and t >= 0:
                self._enter("arrivals", at=folder.opens_at)
            if self._phase == "arrivals" and t > order.last_arrival_s:
                self._enter("drain")
            self._timeline.play(t)
            if swarm.heard("done") or t > must_end:
                break
            if time.monotonic() >= look_at:
                look_at = time.monotonic() + SAMPLE_EVERY
                self._cpu.sample()
                self._display.show(reader.read(t))
                if fault := guard.fault():
                    self._end_for_disk(fault)
                    break
                if self._cannot_be_met(t):
                    break
            if died := self._newly_dead():
                must_end = min(must_end, t + AFTERMATH)
                for child in died:
                    self._note(f"{child.role} ended with code {child.code}; the run ends in {AFTERMATH:g} s")
        if self._signals.asked:
            folder.ended = "interrupted"
            self._note("interrupted: the play stops; auditing what there is")

    def _cannot_be_met(self, t: float) -> bool:
        """Whether an objective is out of reach, and somebody asked to end the run then."""
        assert self._source is not None and self._timeline is not None
        if self._watch is None:
            return False
        if self._timeline.active:
            self._watch.disturb(t)
        miss = self._watch.look(self._source, t)
        if miss is None:
            return False
        self.folder.ended, self.folder.missed = "missed", {"objective": miss.demand.id, "at_s": round(max(0.0, t), 3)}
        self._note(f"objective {miss.text}; the run ends")
        return True

    def _newly_dead(self) -> list[Child]:
        died = [child for child in self._programs.dead() if child not in self._dead]
        self._dead += died
        for child in died:
            self.folder.event("note", "exit", role=child.role, code=child.code)
        return died

    def _end_for_disk(self, fault: str) -> None:
        self.folder.ended = "disk"
        self._note(f"stopped: {fault}")

    # Audit

    def _audit(self) -> None:
        """Read the ledgers when nothing can write any more: swarm first, then service, then what it stood on."""
        folder, programs, stack = self.folder, self._programs, self._stack
        hurried = self._signals.asked
        grace = QUICK_GRACE if hurried else STOP_GRACE
        self._end_swarm()
        folder.swarm = swarm.account(programs)
        for text in swarm.losses(folder.swarm):
            self._note(text)
        self._enter("audit")
        for fault in self._timeline.end_all() if self._timeline is not None else ():
            self._note(f"{fault.kind} of {fault.target} at {fault.start_s:g} s was never due: the run ended before it")
        self._finish_samples()
        self._newly_dead()
        programs.stop([programs.children["swarm"]], grace=grace)
        if gone := stack.gone():
            folder.lost_target = True
            self._note(f"the target no longer answers: {gone}")
        stack.stop(grace=grace)
        for child in programs.all:
            if child not in self._dead and child.code is not None and unexpected(child):
                self._note(f"{child.role} did not end in order when told to: code {child.code}")
        read = folder.stack["ledger"]
        partners = self._ledger("partners'", stack.partners_ledger)
        database = self._ledger("database's", stack.database_ledger) if read else None
        receipts = folder.receipts()
        if read:
            folder.ledgers = dict(audit(receipts, database, partners))
        else:
            folder.ledgers = dict(audit_without_database(receipts, partners, most_codes=self._most_codes()))
        if failure := self._failure_of_swarm():
            if folder.ended != "interrupted":
                folder.ended = "crash"
            self._note(f"the swarm failed: {failure}")
            return
        if folder.ended != "crash":  # interrupted, or stopped for the disk or for an objective
            return
        unread = receipts is None or partners is None or (read and database is None)
        if unread and not (self._dead or folder.lost_target):
            raise HarnessError(f"the audit failed: see {folder.logs}")
        folder.ended = "limit" if self._anyone_cut() else "drained"

    def _failure_of_swarm(self) -> str:
        """Why what the swarm recorded is not to be judged; empty when it did its job."""
        swarm = self._programs.children["swarm"]
        done = swarm.heard("done") or {}
        if done.get("exit_code") not in (None, Exit.OK, Exit.INVALID):  # an invalid run is recorded, and judged so
            return str(done["defect"])
        in_order = swarm.ended_in_order or swarm.code == Exit.INVALID
        return "" if in_order else f"it ended with code {swarm.code}; its log: {swarm.log}"

    def _end_swarm(self) -> None:
        """Let the swarm write down everybody's fate; one that is still playing is cut."""
        swarm = self._programs.children["swarm"]
        if swarm.heard("done") or swarm.code is not None:
            return
        swarm.interrupt(signal.SIGINT)  # Locust without its web UI listens to Ctrl-C alone
        deadline = time.monotonic() + SWARM_ENDS_WITHIN
        while swarm.heard("done") is None and swarm.code is None and time.monotonic() < deadline:
            time.sleep(0.05)

    def _finish_samples(self) -> None:
        assert self._source is not None
        self._cpu.sample(look=True)
        self.folder.cpu_s = {role: round(seconds, 3) for role, seconds in self._cpu.seconds.items()}
        writer = FromZero([target.instance for target in self._stack.targets()])
        try:
            self._source.finish(writer, self.folder.opens_at or 0.0)
        except HarnessError as fault:
            self._note(f"samples were lost: {fault}")
        self._source = None
        writer.release()
        writer.write(self.folder.path)

    def _anyone_cut(self) -> bool:
        try:
            reasons = record.read_people(self.folder.path)["reason"]
        except record.RecordError:
            return True
        return bool((reasons == Reason.RUN_ENDED).any())

    def _ledger(self, whose: str, read: Callable[[], dict[str, Any] | None]) -> dict[str, Any] | None:
        try:
            return read()
        except HarnessError as fault:
            self._note(f"the {whose} ledger cannot be read: {fault}")
            return None

    def _most_codes(self) -> int | None:
        """Codes that the clients may have asked for: each request once, and one more of whoever was cut off.

        None when a worker was lost: how many its people had asked for, nobody knows.
        """
        try:
            people = record.read_people(self.folder.path)
        except record.RecordError:
            return None
        if (people["reason"] == Reason.WORKER_LOST).any():
            return None
        return int(people["codes_asked"].sum()) + int((people["fate"] == Fate.CUT).sum())

    # The end, whatever came before

    def _end_everything(self) -> None:
        """Leave no process; write down how each ended and all that is known."""
        try:
            if self._source is not None and self.folder.opens_at is not None:
                self._finish_samples()
            self._newly_dead()
            self._hands.close()  # what is stopped could not end in order
            self._programs.stop(list(self._programs.children.values()), grace=QUICK_GRACE)
        finally:
            self._programs.kill_all()
        if self.folder.opens_at is None:
            self.folder.opens_at = time.time()
        self._leave()
        self.folder.exits = [
            {"role": child.role, "code": child.code, "expected": not unexpected(child)} for child in self._programs.all
        ]
        if self.folder.lost_target:
            self.folder.exits.append({"role": "target", "code": None, "expected": False})
        self.folder.write_config()

    def _clear_away(self) -> None:
        database = self._programs.children.get("database")
        elsewhere = database.ready.get("data") if database is not None else None
        self.folder.discard_work(Path(elsewhere) if elsewhere else None)

    def _watch_cpu(self, child: Child) -> None:
        self._cpu.watch(kind_of(child.role), child.roots, child.role)

    # What happens, said everywhere it is heard

    def _enter(self, phase: str, *, at: float | None = None) -> None:
        self._leave(at=at)
        self._phase = phase
        self._metrics.phase(phase, True)
        self.folder.event("phase", phase, "start", at=at)
        self._display.say(PHASE_WORDS[phase])

    def _leave(self, *, at: float | None = None) -> None:
        if self._phase:
            self._metrics.phase(self._phase, False)
            self.folder.event("phase", self._phase, "end", at=at)
            self._phase = ""

    def _note(self, text: str) -> None:
        self.folder.event("note", "harness", text=text)
        self._display.say(text)

    def _notice_fault(self, fault: Fault, edge: str, **facts: Any) -> None:
        active = [(one.kind, one.target) for one in self._timeline.active] if self._timeline is not None else []
        self._metrics.fault(fault.kind, fault.target, (fault.kind, fault.target) in active)
        if self._watch is not None and self.folder.opens_at is not None:
            self._watch.disturb(self.folder.t())
        number = self._order.night.faults.index(fault)
        self.folder.event("fault", fault.kind, edge, target=fault.target, number=number, **facts)
        self._display.say(f"fault {fault.kind} on {fault.target}: {edge}")


def _watch(order: Order) -> misses.Watch | None:
    """Who looks whether objectives can still be met; nobody unless that is asked for."""
    if not order.abort_on_miss:
        return None
    night = order.night
    asked = demands(night.to_dict()["objectives"], night.objective_reasons)
    return misses.Watch(asked, planned=order.plan.planned, speed=order.factors.speed)


PHASE_WORDS = {
    "prepare": "preparing: the service and all around it, then the swarm",
    "arrivals": "the doors are open",
    "drain": "everybody has arrived; those inside finish",
    "audit": "auditing: clients, database, partners",
}
