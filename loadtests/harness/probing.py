"""Plays one probe of a search for capacity: an ordinary rehearsal with an even rate of people, judged as any other."""

import shutil
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from loadtests.harness import search
from loadtests.harness.errors import Exit, HarnessError
from loadtests.harness.flow import Flow, flow
from loadtests.harness.order import Order, order_of
from loadtests.harness.progress import Display
from loadtests.harness.rehearsal import Rehearsal
from loadtests.harness.run_folder import RunFolder
from loadtests.harness.search import Step
from loadtests.harness.signals import Signals
from scenarios.capacity_record import Outcome, Phase, Probe
from scenarios.factors import parse_people
from scenarios.record import RecordError, read_people

PROBES = "probes"
JUMP_SHARE, WATCHED = 0.25, 1.5
"""Of the length of a probe: how long a jump lasts, and how long people go on coming after it."""
FINDINGS_TOLD = 2

Verdict = dict[str, Any]
Judge = Callable[[Path], Verdict]
"""Judges a run folder and writes its report; answers as verdict.json."""


class Stopped(HarnessError):
    """A probe ended so that no other can follow; `exit_code` is that of its verdict."""

    def __init__(self, code: Exit, *faults: str) -> None:
        super().__init__(*faults)
        self.exit_code = code


class Prober:
    """Plays probes into `folder`, that of the search."""

    def __init__(self, options: Namespace, folder: Path, judge: Judge, display: Display, signals: Signals) -> None:
        """options: of a rehearsal, as on its command line; what is played is each probe's."""
        self._options = options
        self._folder = folder
        self._judge = judge
        self._display = display
        self._signals = signals

    def play(self, step: Step, before: Sequence[Probe], *, jump_per_s: float = 0.0) -> Probe:
        """Play the step after the probes `before`, judge it, write its report.

        jump_per_s: of a recovery the rate of its jump. Raises Stopped, or what a rehearsal raises; then the probe left
        nothing that counts.
        """
        if self._signals.asked:
            raise Stopped(Exit.INTERRUPTED, "interrupted")
        self._signals.gentle = False
        number = len(before) + 1
        name = f"{number:02d}"
        self._display.say(f"probe {number} ({step.phase}): {step.per_s:g} people a second")
        order = probe_order(self._options, step, jump_per_s)
        path = self._folder / PROBES / name
        shutil.rmtree(path, ignore_errors=True)  # of a probe that an interruption left unfinished
        rehearsal = Rehearsal(
            order, self._display, self._signals, RunFolder(order, run_id=f"{self._folder.name}-{name}", path=path)
        )
        rehearsal.run()
        try:
            verdict, seen = self._judge(path), flow(read_people(path), length_s(order), order.steps)
        except RecordError as fault:
            raise Stopped(Exit.CRASH, f"probe {number} recorded too little: {fault}") from None
        code = Exit(verdict["verdict"]["exit_code"])
        if code not in (Exit.OK, Exit.MISSED, Exit.LOST, Exit.INVALID):
            raise Stopped(code, f"probe {number} ended with {code + 0}: {told(verdict)}")
        outcome, why = judged(step, verdict, seen, before, length_s(order))
        even = outcome is not Outcome.INVALID and step.phase is not Phase.RECOVERY
        self._display.say(f"probe {number}: {outcome}: {why}")
        return Probe(
            number=number,
            phase=step.phase,
            offered_per_s=step.per_s,
            seed=step.seed,
            folder=f"{PROBES}/{name}",
            outcome=outcome,
            why=why,
            exit_code=code + 0,
            goodput_per_s=seen.goodput_per_s if even else None,
            grew_per_s=seen.grew_per_s if even else None,
        )


def probe_order(options: Namespace, step: Step, jump_per_s: float = 0.0) -> Order:
    """The order of a probe; the night's faults are left out of it. Raises Refusal with every fault."""
    try:
        minutes, speed, share = float(options.minutes), float(options.speed), float(parse_people(options.people))
        scale = 1.0 / (share * speed)  # a rate is named at full scale and by the night's clock
    except (ValueError, ZeroDivisionError):
        order_of(Namespace(**{**vars(options), "arrivals": "constant:1"}))  # refuses, with these and all other faults
        raise
    rate = plain(step.per_s * scale)
    given = {**vars(options), "seed": str(step.seed), "arrivals": f"constant:{rate}"}
    if step.phase is Phase.RECOVERY:
        calm, jump, watched = (minutes * 60.0 * part for part in (1.0, JUMP_SHARE, WATCHED))
        high = plain(jump_per_s * scale)
        given["arrivals"] = f"steps:{rate}x{plain(calm)},{high}x{plain(jump)},{rate}x{plain(watched)}"
        given["minutes"] = ""
    order = order_of(Namespace(**given))
    return replace(order, night=replace(order.night, faults=()))


def length_s(order: Order) -> float:
    """Real seconds in which the people of a run come."""
    return order.minutes * 60.0 / order.factors.speed


def judged(step: Step, verdict: Verdict, seen: Flow, before: Sequence[Probe], length: float) -> tuple[Outcome, str]:
    """How a probe ended, and why in a line. before: the probes before it; length: real seconds in which people came."""
    findings = verdict["verdict"]["findings"]
    code = verdict["verdict"]["exit_code"]
    if code == Exit.INVALID or {finding["subject"] for finding in findings} == {"evidence"}:
        return Outcome.INVALID, told(verdict)
    if findings:
        return Outcome.BROKE, told(verdict)
    if step.phase is Phase.RECOVERY:  # its rate is not even: nothing to keep up with
        return Outcome.HELD, "no objective is missed"
    done = f"{seen.goodput_per_s:.3g} of {step.per_s:g} a second finished"
    calm = search.calmest(before)
    if calm is None and search.grows(step.per_s, seen.grew_per_s, length):
        more = f"every second {seen.grew_per_s:.3g} more people were on their way"
        return Outcome.BROKE, f"{done}, {more}: too many, or too short a time for their journeys"
    if calm is not None and not search.keeps_up(step.per_s, seen.goodput_per_s, calm, length):
        share = (calm.goodput_per_s or 0.0) / calm.offered_per_s
        return Outcome.BROKE, f"{done}, of whom {share:.1%} do at {calm.offered_per_s:g}/s"
    if not seen.goodput_per_s:
        return Outcome.INVALID, "nobody finished while people came: journeys take longer, so take more --minutes"
    return Outcome.HELD, f"{done}; no objective is missed"


def told(verdict: Verdict) -> str:
    """What a verdict found, in a line."""
    texts = [finding["text"] for finding in verdict["verdict"]["findings"]]
    more = len(texts) - FINDINGS_TOLD
    return "; ".join(texts[:FINDINGS_TOLD]) + (f"; and {more} more" if more > 0 else "") or "nothing"


def plain(value: float) -> str:
    """A number as --arrivals takes it: no exponent, to a millionth."""
    return f"{value:.6f}".rstrip("0").rstrip(".")
