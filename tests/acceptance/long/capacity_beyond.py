"""B12 on real processes: past its capacity a good service and a bad one rank right, in numbers.

`make acceptance NAME=capacity-beyond`: two counters with the same limit (tests/counter_target.py), one that turns away
whom it cannot serve in time, one whose clerks grow slower with the line, as services do that thrash. Played past the
limit as `launchnight capacity` does it: 2 and 4 times as many people, and a jump. Ends with 3 when they do not rank
right, with 5 when the generator was the limit.
"""

import argparse
import sys
from pathlib import Path

import reports
from loadtests.cli import parser as command_line
from loadtests.harness import beyond
from loadtests.harness.errors import Exit, HarnessError
from loadtests.harness.probing import Prober
from loadtests.harness.progress import display_for
from loadtests.harness.search import Course
from loadtests.harness.signals import Signals
from scenarios.capacity_record import Beyond, Outcome, Phase, Probe, Recovery
from scenarios.record import read_people
from tests.acceptance.long.capacity import NIGHT, WORKERS, counter
from tests.acceptance.long.swarm_runs import Bars, run_folder

LIMIT, CLERKS = 60.0, 6
"""People a second: four times as many, who all come again, are no work for the swarm."""
LENGTH = 16.0
TIMES = (0.8, 2.0, 4.0)
"""Of the limit; the first one for what is finished when all is well."""
KEPT, APART = 0.8, 0.2


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make acceptance NAME=capacity-beyond", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--seed", type=int, default=1, help="of the people and of what they take (%(default)s)")
    seed = parser.parse_args().seed
    bars = Bars()
    try:
        good, bad = (played(manner, seed) for manner in ("shedding", "thrashing"))
    except HarnessError as error:
        print(f"cannot prove: {error}", file=sys.stderr)
        return error.exit_code
    if any(None in kept(one).values() for one in (good, bad)):
        print("INVALID: the generator was the limit")
        return Exit.INVALID
    for times in TIMES[1:]:
        ours, theirs = kept(good)[times] or 0.0, kept(bad)[times] or 0.0
        text = f"at {times:g} times the limit the good one keeps {ours:.0%} of its goodput"
        bars.judge(ours >= KEPT, f"{text} ({KEPT:.0%} at least)")
        bars.judge(theirs <= ours - APART, f"and the bad one {theirs:.0%} ({APART:.0%} less at least)")
    soon, late = good[1].recovered_s, bad[1].recovered_s
    bars.judge(soon is not None, f"the good one recovers from a jump: {_seconds(soon)}")
    later = soon is not None and (late is None or late > soon)
    bars.judge(later, f"and the bad one later: {_seconds(late)}")
    print("met" if not bars.missed else "not met")
    return Exit.MISSED if bars.missed else Exit.OK


def played(manner: str, seed: int) -> tuple[Beyond, Recovery]:
    """What is seen of a counter past its limit; its figures in lines."""
    with (
        run_folder("capacity-beyond") as folder,
        counter(folder, LIMIT, CLERKS, seed=seed, manner=manner) as target,
        Signals() as signals,
        display_for(quiet=True) as display,
    ):
        asked = [
            "rehearse", NIGHT, *target, "--steps", "1", "--people", "1", "--workers", str(WORKERS),
            "--minutes", repr(LENGTH / 60.0), "--drain-minutes", "0.5", "--seed", str(seed),
            "--runs", str(folder / "runs"),
        ]  # fmt: skip
        prober = Prober(command_line().parse_args(asked), folder, judge, display, signals)
        course = Course(LIMIT, 0, LENGTH, seed, TIMES)
        probes: list[Probe] = []
        while (step := beyond.next_beyond(course, LIMIT, probes)) is not None:
            probes.append(prober.play(step, probes, jump_per_s=beyond.jump_rate(LIMIT)))
            print(f"        {manner}, {step.phase} at {step.per_s:g}/s: {_told(probes[-1])}", flush=True)
        jump = next(probe for probe in reversed(probes) if probe.phase is Phase.RECOVERY)
        people = read_people(folder / jump.folder)
        return beyond.beyond_of(course, LIMIT, probes), beyond.recovery_of(course, LIMIT, jump, people)


def judge(folder: Path) -> dict[str, object]:
    return reports.write(folder).to_dict()


def kept(seen: tuple[Beyond, Recovery]) -> dict[float, float | None]:
    """Share of the goodput by multiple of the limit."""
    return {point.times: point.kept for point in seen[0].points}


def _told(probe: Probe) -> str:
    finish = "" if probe.goodput_per_s is None else f"{probe.goodput_per_s:.1f}/s finish; "
    return finish + (probe.why if probe.outcome is Outcome.INVALID else str(probe.outcome))


def _seconds(value: float | None) -> str:
    return "not seen" if value is None else f"after {value:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
