"""G18 with two million people: the whole registration of the night in virtual time, with one stage that is too narrow.

The night is prakerja-wave-1 as prepared, but for its e-mails: they go out at the rate of that April, so codes are what
binds, far below what the gate may let in. Nights of the same people, each in a process of its own: with the room, whose
rate follows the stages and begins where a rehearsal found them (twice, for the digest); the same begun at its limit, as
when nobody rehearsed; with a room that only keeps its limit; with the room off; and one with e-mails enough, which
tells how many e-mails a registration needs.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.behaviour import habits
from scenarios.catalogue import load
from scenarios.factors import Factors
from scenarios.fates import Fate, Furthest, Reason
from scenarios.journey_state import Action
from scenarios.journey_state import Result as Told
from scenarios.simulation import invariants
from scenarios.simulation.costs import Costs, Resources
from scenarios.simulation.figures import EMAIL, Setup
from scenarios.simulation.run import Result, arrivals, simulate
from scenarios.simulation.simulate import document_of
from scenarios.simulation.tally import LEVELS
from service.domain.queues import GUARD_S, quota_window_s
from tests.acceptance.long.room_goals import Figures, Finding, Invalid

GOALS = ("G18",)
NIGHT = "prakerja-wave-1"
SEED = 1
EMAILS_PER_S = 56.0
"""As the night has it for that April."""
STAGE_PER_S = EMAILS_PER_S * quota_window_s(EMAILS_PER_S) / (quota_window_s(EMAILS_PER_S) + GUARD_S)
"""What the service sends of that: it keeps a guard around each window of a quota."""
PLANNED_PER_S = 70.0
"""People: some 5 % less than such e-mails keep up with, as a rehearsal would have found."""
ROOM, UNPLANNED, LIMIT, OFF, PLENTY = "room", "unplanned", "limit", "off", "plenty"
NIGHTS: dict[str, Resources] = {
    ROOM: Resources(planned_per_s=PLANNED_PER_S),
    UNPLANNED: Resources(),
    LIMIT: Resources(follows_stages=False),
    OFF: Resources(waiting_room=False),
    PLENTY: Resources(follows_stages=False),
}
WORDS = {
    ROOM: "with the room, begun as planned",
    UNPLANNED: "with the room, begun at its limit",
    LIMIT: "with a room that only keeps its limit",
    OFF: "with the room off",
}

SHORT_LINE = 1_000
"""People: where fewer stand at a full minute there is no line to speak of."""
FOUND_MIN = 10
"""Minutes after which the rate is found."""
USED = FINISH = 0.95
WORSE = 0.02
"""By so much a control must be worse at either figure, or it says nothing."""


class Span(NamedTuple):
    """Minutes of the night."""

    first: int
    last: int


def setup(name: str) -> Setup:
    night = load(NIGHT)
    partners = night.partners["prepared"]
    if name != PLENTY:
        partners = replace(partners, email=replace(partners.email, rate_per_s=EMAILS_PER_S))
    return Setup(night, partners, NIGHTS[name], Costs(), habits(night, 1.0), SEED, Factors())


def played(name: str, people: int) -> Figures:
    """One night in this process, as JSON values."""
    began = time.process_time()
    asked = setup(name)
    curve = asked.night.curve.reading(asked.night.curve.default)
    result = simulate(asked, arrivals(asked.night, curve, SEED, asked.factors, people))
    told = document_of(asked.night, SEED, result, time.process_time() - began, invariants.violations(result))
    return {**told, **_by_minute(result)}


def _by_minute(result: Result) -> Figures:
    tally, rows = result.tally, result.rows
    levels = {name: tally.levels[:, place] for place, name in enumerate(LEVELS)}
    stayed = (rows["furthest"] >= Furthest.ADMITTED) & ~np.isin(rows["fate"], (Fate.ABANDONED, Fate.REFUSED))
    stayed |= (rows["furthest"] >= Furthest.ADMITTED) & (rows["reason"] == Reason.LEFT_THE_LINE)
    minutes = (result.begins_us // 60_000_000).astype(np.int64)
    joined = stayed & (rows["fate"] == Fate.JOINED)
    return {
        "joined": tally.answered[:, Action.JOIN, Told.OK].tolist(),
        "line": levels["line"].tolist() if result.world["beat_us"][0] >= 0 else [0] * len(tally.levels),
        "rate": (levels["gate_per_1000_s"] / 1000.0).tolist(),
        "codes_waiting": levels["email_depth"].tolist(),
        "stayed_from": _counts(minutes[stayed], len(tally.levels)),
        "finished_from": _counts(minutes[joined], len(tally.levels)),
        "handed": int(result.world["handed"][0][EMAIL]),
        "took_min": _minutes_to_finish(rows, result.begins_us),
    }


def _counts(minutes: NDArray[np.int64], length: int) -> list[int]:
    counts: list[int] = np.bincount(minutes, minlength=length).tolist()
    return counts


def _minutes_to_finish(rows: NDArray[Any], begins_us: NDArray[np.int64]) -> float:
    """From coming to joining, of half of them."""
    joined = rows["fate"] == Fate.JOINED
    return float(np.median(rows["moment_s"][joined] - begins_us[joined] / 1e6)) / 60.0


def measure(people: int) -> Figures:
    """Every night; the first one twice. Raises Invalid when a law is broken, or the two differ."""
    found = {name: _in_a_process(name, people) for name in NIGHTS}
    again = _in_a_process(ROOM, people)
    for name, each in found.items():
        if each["broken_laws"]:
            raise Invalid(f"{name}: {'; '.join(each['broken_laws'])}")
    if again["digest"] != found[ROOM]["digest"]:
        raise Invalid(f"the same night gave {found[ROOM]['digest']} and {again['digest']}")
    return {**found, ROOM: again}  # the first one may have compiled the kernel, which takes time and memory


def _in_a_process(name: str, people: int) -> Figures:
    began = time.monotonic()
    command = [sys.executable, "-m", "tests.acceptance.long.room_night", name, str(people)]
    told: Figures = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    print(f"        {name}: {told['cpu_s']:.1f} s of CPU, {told['peak_rss_mb']} MB, {told['digest'][:12]}, "
          f"{time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)  # fmt: skip
    return told


def line_of(night: Figures) -> Span:
    """The longest time for which people stood in line without a break. Raises Invalid where nobody did."""
    longest, first = Span(0, 0), -1
    for minute, waiting in enumerate([*night["line"], 0]):
        if waiting >= SHORT_LINE and first < 0:
            first = minute
        elif waiting < SHORT_LINE and first >= 0:
            longest, first = max(longest, Span(first, minute), key=lambda each: each.last - each.first), -1
    if longest.last - longest.first < 2 * FOUND_MIN:
        raise Invalid("there was no line to speak of, so nothing bound")
    return longest


def shares(found: Figures) -> Figures:
    """By night: what finished of what the bottleneck can do, and of those let in who did not leave by themselves."""
    line = line_of(found[ROOM])
    plenty = found[PLENTY]
    per_email = sum(plenty["joined"]) / plenty["handed"]
    later = round(plenty["took_min"])
    window = Span(line.first + FOUND_MIN + later, line.last + later)
    can = STAGE_PER_S * 60.0 * per_email * (window.last - window.first)
    told: Figures = {"line": line, "window": window, "per_s": STAGE_PER_S * per_email}
    for name in WORDS:
        one, until = found[name], line.last
        used = sum(one["joined"][window.first : window.last]) / can
        finish = sum(one["finished_from"][:until]) / max(sum(one["stayed_from"][:until]), 1)
        told[name] = {"used": used, "finish": finish}
    return told


def findings(found: Figures) -> list[Finding]:
    """Raises Invalid where a control is not worse."""
    told = shares(found)
    for name in (LIMIT, OFF):
        if all(told[name][figure] > told[ROOM][figure] - WORSE for figure in ("used", "finish")):
            raise Invalid(f"{WORDS[name]} as many could finish, so nothing was protected")
    used, finish = ({name: told[name][figure] for name in WORDS} for figure in ("used", "finish"))
    hours = (told["window"].last - told["window"].first) / 60.0
    return [
        Finding("G18", used[ROOM] >= USED,
                f"e-mails at {EMAILS_PER_S:g}/s bind, {told['per_s']:.1f} registrations a second; in {hours:.1f} hours "
                f"with the room {used[ROOM]:.1%} of that finished (at least {USED:.0%}), with a fixed limit "
                f"{used[LIMIT]:.1%}, with the room off {used[OFF]:.1%}"),
        Finding("G18", finish[ROOM] >= FINISH,
                f"of those let in until then who did not leave by themselves {finish[ROOM]:.1%} finished (at least "
                f"{FINISH:.0%}), with a fixed limit {finish[LIMIT]:.1%}, with the room off {finish[OFF]:.1%}"),
    ]  # fmt: skip


def page(found: Figures) -> str:
    """What stands in docs/waiting-room.md."""
    told = shares(found)
    lines = [
        "| night | finished, of what e-mails allow | let in and stayed: finished | joined in all | most in line "
        "| lowest rate | CPU | memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, words in WORDS.items():
        one = found[name]
        lines.append(
            f"| {words} | {told[name]['used']:.1%} | {told[name]['finish']:.1%} | {sum(one['joined']):,} "
            f"| {max(one['line']):,} | {one['gate']['lowest_per_s']:.0f}/s | {one['cpu_s']:.0f} s "
            f"| {one['peak_rss_mb']} MB |"
        )
    bound_h = found[ROOM]["gate"]["bound_s"].get("email", 0.0) / 3600.0
    lines.append(
        f"\n{found[ROOM]['people']:,} people; e-mails bound the rate for {bound_h:.1f} hours; digest "
        f"`{found[ROOM]['digest'][:16]}`, twice the same."
    )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="One night of the proof, as JSON.")
    parser.add_argument("night", choices=NIGHTS)
    parser.add_argument("people", type=int)
    options = parser.parse_args(arguments)
    print(json.dumps(played(options.night, options.people)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
