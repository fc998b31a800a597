"""G24: the same people before three rooms: ours, groups of one minute, and a public serving number.

Twice as many come as may go in; of the second third of them 30 % are gone at their turn, of the last third 60 %, and
at 13 minutes all who are gone come back within a second. Then once more with everybody present beside as many tickets
whose holders never were, for what those take from real people.
"""

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.acceptance.long import room_counter, room_minutes, room_picture, room_visitors
from tests.acceptance.long.room_goals import Figures, Finding, Run
from tests.acceptance.long.room_people import People, Played, absent, arrivals, returning, staying
from tests.acceptance.long.room_windows import most_in_window, overtaken_by, share_used

GOALS = ("G24",)
SEEDS, QUICK = 2, 1

RATE, COMING = 20.0, 40.0
MINUTES, QUICK_MINUTES = 10.0, 3.0
RETURN = 1.3
"""Of the time in which people come: when the absent are back."""
LIMIT = 3600.0
SECOND, MINUTE = math.ceil(1.1 * RATE), math.floor(60.0 * RATE)
"""People who may come in within any second and any minute."""

ROOMS: dict[str, Callable[[People, float, random.Random, float], Played]] = {
    "launchnight": room_visitors.play,
    "minutes": room_minutes.play,
    "counter": room_counter.play,
}
WORDS = {
    "launchnight": "launchnight",
    "minutes": "groups of a minute (rules of Cloudflare's)",
    "counter": "serving number (rules of AWS's)",
}


def evening(draw: random.Random, seconds: float) -> People:
    came = arrivals(COMING, seconds, draw)
    third = len(came) // 3
    people = absent(staying(came), 0.3, draw, third, 2 * third)
    people = absent(people, 0.6, draw, 2 * third)
    return returning(people, RETURN * seconds, 1.0, draw)


def half_absent(draw: random.Random, seconds: float) -> tuple[People, People]:
    """Real people alone, and the same ones with as many absent tickets between them."""
    came = arrivals(COMING / 1.6, seconds, draw)
    others = arrivals(COMING / 1.6, seconds, draw)
    both = np.concatenate([came, others])
    order = np.argsort(both, kind="stable")
    left = np.concatenate([np.full(len(came), np.inf), others + 1.0])[order]
    return staying(came), People(both[order], left, np.full(len(both), np.inf))


def figures_of(people: People, played: Played, seconds: float) -> dict[str, Any]:
    inside = played.admitted[~np.isnan(played.admitted)]
    stays = people.stays & ~np.isnan(played.admitted)
    entered = np.where(np.isnan(played.admitted), LIMIT * 2, played.admitted)
    overtaken = overtaken_by(people.came, entered)[stays]
    last = float(np.nanmax(played.admitted[people.stays]))
    return {
        "let_in": len(inside),
        "used": share_used(inside, 60.0, min(last, RETURN * seconds), RATE),
        "most_1s": most_in_window(inside, 1.0),
        "most_60s": most_in_window(inside, 60.0),
        "overtaken_p99_s": float(np.quantile(overtaken, 0.99)),
        "overtaken_most_s": float(overtaken.max()),
        "polls": float(played.asked[people.stays].mean()),
        "last_s": last,
    }


def measure(seed: int, run: Run) -> Figures:
    seconds = 60.0 * (QUICK_MINUTES if run.quick else MINUTES)
    people = evening(random.Random(seed), seconds)
    alone, between = half_absent(random.Random(seed + 1000), seconds)
    figures: dict[str, Any] = {"people": len(people), "limit_1s": SECOND, "limit_60s": MINUTE}
    played = {}
    for name, room in ROOMS.items():
        played[name] = room(people, RATE, random.Random(seed), LIMIT)
        found = figures_of(people, played[name], seconds)
        ends = [
            float(np.nanmax(room(crowd, RATE, random.Random(seed), LIMIT).admitted[crowd.stays]))
            for crowd in (alone, between)
        ]
        figures[name] = found | {"slower": ends[1] / ends[0] - 1.0}
    marks = {"30 % gone": seconds / 3, "60 % gone": 2 * seconds / 3, "all are back": RETURN * seconds}
    room_picture.draw(people, played, RATE, marks, Path(run.folder) / f"rooms-{seed}.svg")
    return figures


def judge(figures: list[Figures]) -> list[Finding]:
    found = []
    for name, words in WORDS.items():
        worst = {key: max(one[name][key] for one in figures) for key in figures[0][name]}
        used = min(one[name]["used"] for one in figures)
        text = f"{words}: {used:.1%} of the limit used, at most {worst['most_60s']} of {MINUTE} in a minute and "
        text += f"{worst['most_1s']} of {SECOND} in a second; overtaken by {worst['overtaken_most_s']:.0f} s at most; "
        text += f"half of the tickets absent: {worst['slower']:+.1%} for real people; "
        text += f"{worst['polls']:.0f} polls a person"
        kept = used >= 0.97 and worst["most_60s"] <= MINUTE and worst["most_1s"] <= SECOND
        # Of the others only that they were run: what they do is no bar of ours.
        found.append(Finding("G24", kept if name == "launchnight" else True, text))
    return found
