"""What a run came to, in so few numbers that hundreds of runs can be kept and judged by any objective afterwards."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.factors import scaled
from scenarios.fates import Fate, Furthest, Reason
from scenarios.journey_state import Action
from scenarios.journey_state import Result as Told
from scenarios.objectives import STAGES, UPLOADS
from scenarios.simulation.calibrated import ROUTES
from scenarios.simulation.figures import EMAIL, IDENTITY, SMS, Setup, filled
from scenarios.simulation.run import Result
from scenarios.simulation.tally import LEVELS
from scenarios.simulation.timeline import parts
from scenarios.simulation.world import DATABASE, INSPECTION, WEB
from service.domain import buckets

POINTS = 121
"""Of a curve over the night."""
IN_TIME_S, THINKING_S = 300.0, 2_400.0
"""Whoever comes later than so long before the close, thinking divided by the pace, has no time to join: as reports
judge people who are admitted."""
CALM_AFTER_S = 600.0
"""From the end of a trigger on: who comes later met what it left behind, not the trigger itself."""
API = "api"
"""All answers but those to uploads."""
_ACTIONS = {
    **{stage: [action for action, route in ROUTES.items() if route in routes] for stage, routes in STAGES.items()},
    API: [action for action, route in ROUTES.items() if route not in STAGES[UPLOADS]],
}
_MINUTE_S = 60.0


@dataclass(frozen=True)
class Outcome:
    """One run. Shares are made of counts when they are judged."""

    people: int
    events: int
    ended_s: float
    fates: dict[str, int]
    wanted: int
    """Of the people who came in time: those who were neither refused for what they are nor left out of other interest.
    Who left the line counts."""
    joined: int
    """Of these."""
    admitted_wanted: int
    admitted_joined: int
    """The same of those whom the waiting room let in and who did not leave by themselves."""
    began: dict[str, int]
    """By stage: people who had completed the one before, and neither left nor were refused in it."""
    completed: dict[str, int]
    took: dict[str, list[int]]
    """By stage, and api: answers by bucket (service.domain.buckets.DEFAULT), the last one open."""
    given_up: dict[str, int]
    """By stage, and api: requests whose client gave up waiting."""
    turned_away: int
    asked: int
    """Requests that were answered, turned away or given up."""
    codes_oldest_s: float
    """The oldest code that waited at any full minute."""
    inspection_wait_s: float
    """Mean wait of a photo for its inspection."""
    identity_asked: int
    identity_late: int
    """Checks that the registry cannot have answered when the wave closes."""
    line_most: int
    line_wait_s: float
    """How long the line of any full minute takes at most to pass the gate at that minute's rate; 0 where there is none.
    """
    busiest_s: dict[str, float]
    """Knob -> when most was asked of it."""
    after_wanted: int
    """As wanted, of those who came CALM_AFTER_S after the trigger; 0 without one."""
    after_joined: int
    step_s: float
    """Between two points of `curves`."""
    curves: dict[str, list[int]]
    """came, joined: until then; line, live: then."""
    broken_laws: tuple[str, ...]
    cpu_s: float

    def to_dict(self) -> dict[str, Any]:
        """JSON values; `from_dict` is the way back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> "Outcome":
        """Raises KeyError for one that lacks a figure."""
        found = {each.name: told[each.name] for each in fields(cls)}
        return cls(**{**found, "broken_laws": tuple(found["broken_laws"])})


def outcome(
    played: Result, setup: Setup, *, broken: list[str], cpu_s: float, trigger_end_s: float | None = None
) -> Outcome:
    """Out of a run; broken: laws that did not hold; trigger_end_s: of one that was played."""
    rows, world, tally = played.rows, played.world[0], played.tally
    wanted, joined = _wanted(played, setup)
    admitted = rows["furthest"] >= Furthest.ADMITTED
    stayed = wanted & ~_left_line(rows)
    after = np.zeros(len(rows), bool)
    if trigger_end_s is not None:
        after = wanted & (played.begins_us >= (trigger_end_s + CALM_AFTER_S) * 1e6)
    began, completed = _stages(rows)
    levels = {name: tally.levels[:, place] for place, name in enumerate(LEVELS)}
    codes_ms = max(int(levels["email_oldest_ms"].max()), int(levels["sms_oldest_ms"].max()))
    step_s, curves = _curves(played, levels)
    return Outcome(
        people=len(rows),
        events=played.events,
        ended_s=played.ended_us / 1e6,
        fates={fate.name.lower(): int(np.count_nonzero(rows["fate"] == fate)) for fate in Fate},
        wanted=int(wanted.sum()),
        joined=int(joined.sum()),
        admitted_wanted=int((stayed & admitted).sum()),
        admitted_joined=int((stayed & admitted & joined).sum()),
        began=began,
        completed=completed,
        took={name: tally.took[actions].sum(axis=0).tolist() for name, actions in _ACTIONS.items()},
        given_up={name: int(tally.answered[:, actions, Told.TIMEOUT].sum()) for name, actions in _ACTIONS.items()},
        turned_away=int(world["turned_away"].sum()),
        asked=int(tally.answered.sum()),
        codes_oldest_s=codes_ms / 1e3,
        inspection_wait_s=_mean_wait_s(world, INSPECTION),
        identity_asked=int(world["tail"][IDENTITY]),
        identity_late=_late_checks(played, setup),
        line_most=int(levels["line"].max()),
        line_wait_s=_line_wait_s(levels, setup),
        busiest_s=_busiest(played),
        after_wanted=int(after.sum()),
        after_joined=int((after & joined).sum()),
        step_s=step_s,
        curves=curves,
        broken_laws=tuple(broken),
        cpu_s=round(cpu_s, 3),
    )


def _wanted(played: Result, setup: Setup) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Who would have joined had nothing been scarce, as far as their ends tell; and who of them did."""
    rows, fate, reason = played.rows, played.rows["fate"], played.rows["reason"]
    refused = (fate == Fate.REFUSED) & (reason != Reason.WAVE_CLOSED)
    lost_interest = (fate == Fate.ABANDONED) & ~_left_line(rows)
    latest_s = setup.habits.closes_s - IN_TIME_S - THINKING_S / setup.factors.pace
    in_time = played.begins_us <= latest_s * 1e6
    wanted = (fate != 0) & ~refused & ~lost_interest & in_time
    return wanted, wanted & (fate == Fate.JOINED)


def _left_line(rows: NDArray[Any]) -> NDArray[np.bool_]:
    left: NDArray[np.bool_] = rows["reason"] == Reason.LEFT_THE_LINE
    return left


def _stages(rows: NDArray[Any]) -> tuple[dict[str, int], dict[str, int]]:
    ended_so = np.isin(rows["fate"], (Fate.ABANDONED, Fate.REFUSED))
    began, completed = {}, {}
    for stage, step in zip(STAGES, (step for step in Furthest if step > Furthest.TICKETED), strict=True):
        done = rows["furthest"] >= step
        began[stage] = int(((rows["furthest"] >= step - 1) & (done | ~ended_so)).sum())
        completed[stage] = int(done.sum())
    return began, completed


def _late_checks(played: Result, setup: Setup) -> int:
    """What is left in the registry's queue at the end, less what it can still do until the close."""
    world = played.world[0]
    left = int(world["tail"][IDENTITY] - world["head"][IDENTITY])
    now_s, close_s = played.ended_us / 1e6, setup.habits.closes_s
    if not left or now_s >= close_s:
        return left
    timeline = parts(scaled(setup.partners, setup.factors)[0], setup.night.faults, setup.factors.speed)[0]
    can, allowed = 0.0, -1.0
    for part in timeline:
        allowed = float(part["allowance"]) if part["allowance"] != -2 else allowed
        span_s = min(part["end_us"] / 1e6, close_s) - max(part["start_us"] / 1e6, now_s)
        if span_s > 0.0:
            done = float(part["rate_per_s"][IDENTITY]) * span_s
            can += done if allowed < 0.0 else min(done, allowed)
    return max(0, round(left - can))


def _line_wait_s(levels: Mapping[str, NDArray[np.int64]], setup: Setup) -> float:
    """Nobody who stands there leaves, for whoever asks how long it is."""
    if not filled(setup)["gated"][0]:
        return 0.0
    per_s = np.maximum(levels["gate_per_1000_s"], 1) / 1000.0
    return float((levels["line"] / per_s).max())


def _mean_wait_s(world: Any, station: int) -> float:
    return float(world["waited_us"][station]) / max(int(world["served"][station]), 1) / 1e6


def _busiest(played: Result) -> dict[str, float]:
    """The minute of the most requests, codes and identity data; photos for the inspectors, claims for the gate."""
    answered = played.tally.answered.sum(axis=2)
    asked = {
        "web": answered.sum(axis=1),
        "gate": answered[:, Action.CLAIM],
        "email": answered[:, [Action.CODE, Action.CODE_AGAIN]].sum(axis=1),
        "registry": answered[:, [Action.IDENTITY, Action.CORRECT]].sum(axis=1),
        "inspectors": answered[:, [Action.PHOTO_CREATE, Action.PHOTO_SEND]].sum(axis=1),
    }
    found = {name: float(np.argmax(each)) * _MINUTE_S for name, each in asked.items()}
    return {**found, "database": found["web"], "sms": found["email"]}


def _curves(played: Result, levels: Mapping[str, NDArray[np.int64]]) -> tuple[float, dict[str, list[int]]]:
    step_s = max(played.ended_us / 1e6, _MINUTE_S) / (POINTS - 1)
    moments = np.arange(POINTS) * step_s
    joined = np.sort(played.rows["moment_s"][played.rows["fate"] == Fate.JOINED])
    minutes = np.minimum((moments / _MINUTE_S).astype(np.int64), len(levels["line"]) - 1)
    moments[-1] = np.inf  # whoever ends the run ends it at its very end
    return step_s, {
        "came": np.searchsorted(np.sort(played.begins_us), moments * 1e6, side="right").tolist(),
        "joined": np.searchsorted(joined, moments, side="right").tolist(),
        "line": levels["line"][minutes].tolist(),
        "live": levels["live"][minutes].tolist(),
    }


EDGES_S = np.array(buckets.DEFAULT)
"""Upper edges of the buckets of `Outcome.took`, without the open one."""
MACHINES = {"web": WEB, "database": DATABASE, "inspectors": INSPECTION}
QUEUES = {"email": EMAIL, "sms": SMS, "registry": IDENTITY}
