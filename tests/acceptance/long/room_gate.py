"""G1, G3 and G4 together: a million random commands, in the order and within the limits that the reference demands.

People join, claim at one of several replicas, claim again, open a second tab, vanish and come back; the share who come
at all jumps between all, 70 % and 40 %. In the second half of each stretch leaders are killed, or stopped and woken
while another one leads, and wall clocks are set five seconds forward or back. Each transaction is compared with the
reference model, every window of the log is counted. Then the controls: without the limit,
without the order and with a wall clock the same trial must find what is wrong.
"""

import math
import random
from collections import Counter
from typing import Any

import numpy as np

from service.domain import lottery
from tests.acceptance.long.room_goals import Figures, Finding, Invalid, Run
from tests.acceptance.long.room_model import Reference
from tests.acceptance.long.room_tables import Faults
from tests.acceptance.long.room_windows import most_in_window, share_used
from tests.acceptance.long.room_world import World

GOALS = ("G1", "G3", "G4")
SEEDS, QUICK = 50, 3

COMMANDS, QUICK_COMMANDS, CONTROL_COMMANDS = 1_000_000, 60_000, 30_000
CONTROL_TRIES = 8
"""Seeds until a fault is found that bites now and then: a wall clock that is set at a harmless moment harms nobody."""
RATES = (400.0, 150.0, 400.0, 400.0)
"""People a second; each seed takes one in turn."""
EARLY = 4000
"""Tickets that were drawn before the opening: their places are permuted."""
SHOW = (1.0, 0.7, 0.4, 1.0, 0.4, 0.7)
"""Share of tickets whose holders come, stretch by stretch: each jumps from the one before."""
SETTLE = 30.0
"""Seconds after a jump from which the use of the limit counts."""
AHEAD = 40.0
"""Seconds of the rate that wait in line at any time, as if everybody came."""
KILL, STEP = (8.0, 40.0), (5.0, 30.0)
"""Seconds between two kills of the leader, and between two settings of the wall clock."""


class Crowd:
    """Holders of tickets in one world, and the count of what they did."""

    def __init__(self, world: World, draw: random.Random, key: tuple[int, int]) -> None:
        self.world = world
        self.draw = draw
        self.show = 1.0
        self.did = Counter[str]()
        self.tickets = 0
        self.calm = True
        self.returned: dict[int, float] = {}
        """When those who were late, or away, claimed at last, while nothing was wrong."""
        self._at_place = {lottery.place_of(number, EARLY, *key): number for number in range(1, EARLY + 1)}
        self._place = {number: place for place, number in self._at_place.items()}
        world.place_of = lambda number: self._place.get(number, number)
        world.answered = self.answered
        world.room.moved = self.invited

    def join(self, count: int) -> None:
        self.tickets += count
        self.did["join"] += count
        self.world.room.last_ticket = self.tickets

    def invited(self, first: float, last: float) -> None:
        """Their holders see it within a poll and claim, if they come; some come much later, some with two tabs."""
        draw, world = self.draw, self.world
        for place in range(int(first) + 1, min(int(last), self.tickets) + 1):
            number = self._at_place.get(place, place)
            if draw.random() < self.show:
                world.after(1.0 + draw.random() * 2.0, self.claim, number, "claim")
                if draw.random() < 0.04:
                    world.after(1.0 + draw.random() * 2.0, self.claim, number, "second tab")
            elif draw.random() < 0.15:
                world.after(20.0 + draw.random() * 300.0, self.claim, number, "return")

    def claim(self, number: int, why: str) -> None:
        self.did[why] += 1
        if why == "return" and self.calm:
            self.returned.setdefault(number, self.world.now)
        self.world.claim(number)

    def answered(self, number: int, inside: bool, retry: float) -> None:
        draw, world = self.draw, self.world
        if inside:
            if draw.random() < 0.02:
                world.after(draw.random() * 100.0, self.claim, number, "claim again")
        elif draw.random() < 0.02:
            self.did["vanish"] += 1
            world.after(20.0 + draw.random() * 200.0, self.claim, number, "return")
        else:
            world.after(retry + draw.random() * 2.0, self.claim, number, "retry")

    def top_up(self) -> None:
        """Once a second newcomers: somebody waits at any time."""
        wanted = int(self.world.gate.frontier + AHEAD * self.world.rate / self.show)
        if wanted > self.tickets:
            self.join(wanted - self.tickets)
        self.world.after(1.0, self.top_up)

    @property
    def commands(self) -> int:
        return self.did.total()


def trial(rate: float, seed: int, commands: int, faults: Faults) -> dict[str, Any]:
    """Figures of one world until so many commands were given."""
    draw = random.Random(seed)
    world = World(rate, draw, replicas=draw.choice((1, 2, 4, 8)), faults=faults)
    crowd = Crowd(world, draw, (draw.getrandbits(63), draw.getrandbits(63)))
    reference = Reference()
    world.gate.was_granted, world.gate.was_put = reference.granted, reference.claimed

    def watch(let_in: list[int]) -> None:
        if let_in or reference.allowed > 0:
            reference.admitted(let_in, 1 << 62)

    world.watch = watch
    crowd.join(EARLY)
    crowd.top_up()
    used: list[tuple[float, float]] = []
    stretch, trouble = 0, 0.0
    # Each stretch: half of it is judged for the use of the limit, the other half is troubled.
    share = commands / len(SHOW)
    while crowd.commands < commands:
        crowd.show = SHOW[stretch % len(SHOW)]
        begin = world.now
        goal = (stretch + 1) * share
        calm = 0.5 * (goal - crowd.commands)
        calm_until = crowd.commands + calm
        while crowd.commands < calm_until or world.now < begin + SETTLE + 60.0:
            world.run(world.now + 1.0)
        used.append((crowd.show, share_used(admitted_since(world, begin + SETTLE), begin + SETTLE, world.now, rate)))
        began, crowd.calm = world.now, False
        while crowd.commands < goal or world.now < began + KILL[1]:
            trouble_once(world, crowd)
            world.run(world.now + draw.uniform(*(KILL if draw.random() < 0.5 else STEP)) / 2.0)
        trouble += world.now - began
        stretch += 1
        world.wall_ahead, crowd.calm = 0.0, True
    entered = {number: moment for moment, number in world.admissions}
    late = [entered[number] - moment for number, moment in crowd.returned.items() if entered.get(number, 0.0) >= moment]
    instants = np.array([moment for moment, _ in world.admissions])
    return {
        "rate": rate,
        "commands": crowd.commands,
        "did": dict(crowd.did),
        "admitted": len(instants),
        "seconds": world.now,
        "troubled_s": trouble,
        "leaders": world.leaders,
        "inversions": reference.inversions,
        "doubled": reference.doubled,
        "over_grant": reference.excess,
        "most_1s": most_in_window(instants, 1.0),
        "most_60s": most_in_window(instants, 60.0),
        "limit_1s": max(math.ceil(1.1 * rate - 1e-6), 1),
        "limit_60s": max(math.floor(60.0 * rate + 1e-6), 1),
        "used": used,
        "late_p95_s": float(np.quantile(late, 0.95)) if late else 0.0,
        "late": len(late),
        "log": instants,
    }


def admitted_since(world: World, moment: float) -> list[float]:
    found = []
    for instant, _ in reversed(world.admissions):
        if instant < moment:
            break
        found.append(instant)
    return found


def trouble_once(world: World, crowd: Crowd) -> None:
    kind = world.draw.random()
    if kind < 0.4:
        crowd.did["kill the leader"] += 1
        world.kill_leader()
    elif kind < 0.6:
        crowd.did["stop the leader"] += 1
        world.stop_leader(world.draw.uniform(0.5, 12.0))
    else:
        crowd.did["set the clock"] += 1
        world.wall_ahead += world.draw.uniform(-5.0, 5.0)
        world.wall_ahead = max(-5.0, min(5.0, world.wall_ahead))


def wrong(found: dict[str, Any]) -> dict[str, int]:
    """What the trial finds wrong; all zero for a service that is right."""
    return {
        "inversions": found["inversions"],
        "doubled": found["doubled"],
        "excess": max(found["most_1s"] - found["limit_1s"], 0) + max(found["most_60s"] - found["limit_60s"], 0),
    }


CONTROLS = {
    "no limit at the claim": (Faults(no_limit=True), "excess"),
    "first to claim is first in": (Faults(no_order=True), "inversions"),
    "the wall's clock": (Faults(wall_clock=True), "excess"),
}


def measure(seed: int, run: Run) -> Figures:
    found = trial(RATES[seed % len(RATES)], seed, QUICK_COMMANDS if run.quick else COMMANDS, Faults())
    log = found.pop("log")
    micros = np.diff(np.round(log * 1e6).astype(np.int64), prepend=0)
    np.savez_compressed(run.folder / f"gate-admissions-{seed}.npz", micros_apart=micros)
    controls = {}
    if seed % 10 == 1:
        for name, (faults, what) in CONTROLS.items():
            tries = (wrong(trial(30.0, seed + more, CONTROL_COMMANDS, faults))[what] for more in range(CONTROL_TRIES))
            controls[name] = next(filter(None, tries), 0)
            if not controls[name]:
                raise Invalid(f"the control finds no {what}: {name}")
    return {**found, "wrong": wrong(found), "controls": controls}


def judge(figures: list[Figures]) -> list[Finding]:
    total = {key: sum(one["wrong"][key] for one in figures) for key in figures[0]["wrong"]}
    commands, leaders = sum(one["commands"] for one in figures), sum(one["leaders"] for one in figures)
    bitten: dict[str, list[int]] = {}
    for one in figures:
        for name, count in one["controls"].items():
            bitten.setdefault(name, []).append(count)
    text = f"{total['inversions']} inversions and {total['doubled']} doubled places in {commands:,} commands, "
    text += f"{len(figures)} seeds (0)"
    found = [Finding("G1", total["inversions"] == total["doubled"] == 0, text + control(bitten, "inversions"))]
    fullest = [max(one[f"most_{window}"] / one[f"limit_{window}"] for one in figures) for window in ("1s", "60s")]
    text = f"{total['excess']} too many in any sliding second or minute (0), over {leaders} leaders and clocks set "
    text += f"by up to 5 s; the fullest second held {fullest[0]:.1%} of its limit, the fullest minute {fullest[1]:.1%}"
    found.append(Finding("G3", total["excess"] == 0, text + control(bitten, "excess")))
    for show in sorted(set(SHOW), reverse=True):
        shares = [share for one in figures for here, share in one["used"] if here == show]
        text = f"{1 - show:.0%} no-show: {min(shares):.2%} of the limit used at least, from 30 s after the jump on "
        found.append(Finding("G4", min(shares) >= 0.97, text + f"(97 %; median {float(np.median(shares)):.2%})"))
    late = max(one["late_p95_s"] for one in figures)
    text = f"who comes late is in {late:.1f} s later at p95 (5), {sum(one['late'] for one in figures):,} of them"
    return [*found, Finding("G4", late <= 5.0, text)]


def control(bitten: dict[str, list[int]], what: str) -> str:
    words = [f"{name}: {min(bitten[name])} at least" for name, (_, of) in CONTROLS.items() if of == what and bitten]
    return f" [controls: {'; '.join(words)}]" if words else ""
