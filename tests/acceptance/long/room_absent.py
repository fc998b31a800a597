"""G5 and G6: what absent people cost those who are there, and what happens when all of them come back at once."""

import math
import random
from typing import Any

import numpy as np

from tests.acceptance.long.room_goals import Figures, Finding, Invalid, Run
from tests.acceptance.long.room_model import Reference
from tests.acceptance.long.room_people import People
from tests.acceptance.long.room_tables import Faults
from tests.acceptance.long.room_visitors import Visitors, play
from tests.acceptance.long.room_windows import most_in_window
from tests.acceptance.long.room_world import World

GOALS = ("G5", "G6")
SEEDS = QUICK = 1

RATE = 400.0
REAL, QUICK_REAL = 50_000, 10_000
ABSENT, QUICK_ABSENT = 100_000, 10_000
COMING = 300.0
"""Seconds in which everybody comes."""
EVENING = 900.0
"""The same where half of the tickets are absent: the line lasts a quarter of an hour, and more."""
SLOWER = 0.6
"""Of the rate at which real people come they may go in there."""
RETURN = 330.0
"""When the absent are back, all within a second."""


def mixed(real: int, others: int, draw: random.Random, back: float, seconds: float = COMING) -> People:
    """Real people, and others who take a ticket and leave, until they are back; all come in so many seconds."""
    came = np.sort(np.array([draw.random() * seconds for _ in range(real)]))
    theirs = np.sort(np.array([draw.random() * seconds for _ in range(others)]))
    both = np.concatenate([came, theirs])
    order = np.argsort(both, kind="stable")
    gone = np.concatenate([np.full(real, np.inf), theirs + 0.5])[order]
    return People(both[order], gone, np.where(np.isinf(gone), np.inf, back))


def beside_absent(seed: int, count: int) -> dict[str, Any]:
    """How much later the same real people are in when half of the tickets are nobody's."""
    rate = SLOWER * count / EVENING
    limit = EVENING / SLOWER + 120.0
    ends, waits = [], []
    for others in (0, count):
        people = mixed(count, others, random.Random(seed), math.inf, EVENING)
        played = play(people, rate, random.Random(seed), limit)
        admitted = played.admitted[people.stays]
        if np.isnan(admitted).any():
            raise Invalid("somebody real was never let in")
        ends.append(float(admitted.max()))
        waits.append(float(np.mean(admitted - people.came[people.stays])))
    return {"end_s": ends, "wait_s": waits, "slower": ends[1] / ends[0] - 1.0, "longer": waits[1] / waits[0] - 1.0}


def all_return(seed: int, absent: int, faults: Faults) -> dict[str, Any]:
    """Real people beside as many absent ones, all of whom are back within a second."""
    draw = random.Random(seed)
    real = absent // 2
    rate = RATE * absent / ABSENT
    people = mixed(real, absent, draw, math.inf)
    back = np.where(np.isinf(people.left), np.inf, RETURN + np.array([draw.random() for _ in range(len(people))]))
    people = People(people.came, people.left, back)
    world, reference = World(rate, draw, faults=faults), Reference()
    world.gate.was_granted, world.gate.was_put = reference.granted, reference.claimed

    def watch(let_in: list[int]) -> None:
        if let_in or reference.allowed > 0:
            reference.admitted(let_in, 1 << 62)

    world.watch = watch
    visitors = Visitors(people, world, draw)
    before = visitors.played(RETURN)
    invited = int(world.gate.frontier)
    played = visitors.played(RETURN + (absent + real) / rate * 1.2 + 60.0)
    instants = np.array([moment for moment, _ in world.admissions])
    returned = ~people.stays & (np.arange(len(people)) < invited)
    return {
        "returned_invited": int(returned.sum()),
        "inversions": reference.inversions,
        "doubled": reference.doubled,
        "most_1s": most_in_window(instants, 1.0),
        "most_60s": most_in_window(instants, 60.0),
        "limit_1s": math.ceil(1.1 * rate - 1e-6),
        "limit_60s": math.floor(60.0 * rate + 1e-6),
        "let_in": len(instants),
        "people": len(people),
        "waited_back_s": float(np.nanmax(played.admitted[returned]) - RETURN),
        "real_before": int(np.count_nonzero(~np.isnan(before.admitted))),
    }


def excess(one: dict[str, Any]) -> int:
    return int(max(one["most_1s"] - one["limit_1s"], 0) + max(one["most_60s"] - one["limit_60s"], 0))


def measure(seed: int, run: Run) -> Figures:
    absent = QUICK_ABSENT if run.quick else ABSENT
    back = all_return(seed, absent, Faults())
    control = all_return(seed, QUICK_ABSENT, Faults(no_limit=True))
    if not excess(control):
        raise Invalid("the control, no limit at the claim, passes no limit either")
    unordered = all_return(seed, QUICK_ABSENT, Faults(no_order=True))
    if not unordered["inversions"]:
        raise Invalid("the control, first to claim is first in, keeps the order as well")
    half = beside_absent(seed, QUICK_REAL if run.quick else REAL)
    return {"half": half, "back": back, "controls": [excess(control), unordered["inversions"]]}


def judge(figures: list[Figures]) -> list[Finding]:
    slower = max(max(one["half"]["slower"], one["half"]["longer"]) for one in figures)
    wait = figures[0]["half"]["wait_s"]
    text = (
        f"half of the tickets absent: real people are in {slower:+.2%} later (2 %), for example after {wait[1]:.1f} s "
    )
    found = [Finding("G5", slower <= 0.02, f"{text}instead of {wait[0]:.1f} s on average")]
    worst = max((one["back"] for one in figures), key=lambda one: (excess(one), one["inversions"]))
    kept = not any(excess(one["back"]) or one["back"]["inversions"] or one["back"]["doubled"] for one in figures)
    text = (
        f"{worst['people'] * 2 // 3:,} absentees are back within a second: {excess(worst)} too many in any second or "
    )
    text += f"minute (0), {worst['inversions']} out of order (0), the last of the {worst['returned_invited']:,} whose "
    text += f"turn had been is in {worst['waited_back_s']:.0f} s later"
    least = [min(one["controls"][place] for one in figures) for place in (0, 1)]
    text += f" [controls: {least[0]} too many without the limit, {least[1]} out of order by first come]"
    return [*found, Finding("G6", kept, text)]
