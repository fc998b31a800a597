"""The places behind the door of one shared core: the service's own limit of how much is worked on at once.

service.domain.door counts who is inside and moves its limit by windows of what answers took and what they usually take.
Here a request is told when it is done as it comes, so who is inside is known by the instants at which they leave, and
what an answer took is learned as it begins: earlier than in the service by the answer itself, a tenth of a window.

Higher ranks go first. So who comes waits for the places of those who are inside, or wait and are of her rank or above;
and as many come before her later as there come of higher ranks while she waits, which makes her wait 1 / (1 - h) times
as long where these hold a share h of the places (Cobham 1954). Whom they overtake has been told when she enters, and
stays told: what she waits more is in her own wait, on average.

The limits of classes of routes are left out, for the house's binds before them, and so are answers that were refused by
what they asked for.
"""

import math
from typing import Any

from scenarios.simulation.compiled import shared
from scenarios.simulation.world import MOST_INSIDE
from service.domain import overload

shared(overload.usual_after)
shared(overload.allowed_s)
shared(overload.next_limit)
shared(overload.is_quiet)
shared(overload.patience_s)

_US = 1e6
MOST_HELD = 0.9
"""Of the places, by higher ranks: whoever would have to wait more than ten times as long is turned away anyway."""


@shared
def wait_us(world: Any, rank: int, kept_free: int, now_us: int) -> int:
    """How long somebody who comes now waits for a place; kept_free: so many are not for such people."""
    _forget(world, now_us)
    overtaken = 0
    for lower in range(rank + 1, len(world.in_line)):
        overtaken += world.in_line[lower]
    after = world.inside - overtaken - math.ceil(world.limit - kept_free)
    if after < 0:
        return 0
    held = 0.0
    for higher in range(rank):
        held += world.held_share[higher]
    return int((world.leaves_us[after] - now_us) / (1.0 - min(held, MOST_HELD)))


@shared
def _forget(world: Any, now_us: int) -> None:
    """Whoever has left by now is not inside, and whoever has entered waits no more."""
    gone = 0
    while gone < world.inside and world.leaves_us[gone] <= now_us:
        gone += 1
    if gone > 0:
        world.inside -= gone
        for place in range(world.inside):
            world.leaves_us[place] = world.leaves_us[place + gone]
    for rank in range(len(world.in_line)):
        base, wait = rank * MOST_INSIDE, 0
        for place in range(world.in_line[rank]):
            if world.enters_us[base + place] > now_us:
                world.enters_us[base + wait] = world.enters_us[base + place]
                wait += 1
        world.in_line[rank] = wait


@shared
def patience_us(world: Any, figures: Any, rank: int, would_wait_us: int, now_us: int, stormy: bool) -> int:
    """How long somebody may wait who would wait so long.

    Less in a line of her rank that has not been empty for too long; -1 where there are as many inside and in line as
    the service bears.
    """
    if world.inside >= len(world.leaves_us):
        return -1
    if now_us >= world.line_until_us[rank]:
        world.line_from_us[rank] = now_us
    late = now_us - world.line_from_us[rank] >= overload.PATIENCE_S * _US
    turn_s = figures.turn_us / world.core_left / _US
    most_us = int(overload.patience_s(late, stormy, turn_s) * _US)
    world.line_until_us[rank] = max(world.line_until_us[rank], now_us + min(would_wait_us, most_us))
    return most_us


@shared
def take(world: Any, action: int, rank: int, now_us: int, waits_us: int, done_us: int) -> None:
    """Somebody comes in after so long, and leaves at done_us; the limit learns from that."""
    if waits_us > 0:
        world.enters_us[rank * MOST_INSIDE + world.in_line[rank]] = now_us + waits_us
        world.in_line[rank] += 1
    place = world.inside
    world.inside += 1
    while place > 0 and world.leaves_us[place - 1] > done_us:
        world.leaves_us[place] = world.leaves_us[place - 1]
        place -= 1
    world.leaves_us[place] = done_us
    full = math.ceil(world.limit)
    at_once = full if waits_us > 0 else min(world.inside, full)
    world.window_peak = max(world.window_peak, at_once)
    took_s = (done_us - now_us - waits_us) / _US
    usual_s = world.usual_s[action]
    unknown = math.isnan(usual_s)
    world.window_answers += 1
    world.window_took_s += took_s
    world.window_held_s[rank] += took_s
    world.window_allowed_s += took_s if unknown else overload.allowed_s(usual_s)
    if took_s >= overload.DROP_AFTER_S:
        world.window_dropped = 1
    if unknown or overload.is_quiet(at_once, world.limit):
        _learn(world, action, now_us, took_s)
    open_s = (now_us - world.window_us) / _US
    enough = world.window_answers >= overload.ENOUGH_ANSWERS or open_s >= overload.LONGEST_WINDOW_S
    if open_s >= overload.WINDOW_S and enough:
        _adapt(world, now_us, open_s, at_once)


@shared
def _learn(world: Any, action: int, now_us: int, took_s: float) -> None:
    """What an answer took while there was room."""
    if world.usual_answers[action] == 0 and math.isnan(world.usual_s[action]):
        world.usual_us[action] = now_us
    world.usual_answers[action] += 1
    world.usual_took_s[action] += took_s
    since_s = (now_us - world.usual_us[action]) / _US
    if world.usual_answers[action] >= overload.ENOUGH_ANSWERS and since_s >= overload.WINDOW_S:
        mean_s = world.usual_took_s[action] / world.usual_answers[action]
        at_least = world.limit < overload.LEAST + 1.0
        world.usual_s[action] = overload.usual_after(world.usual_s[action], mean_s, since_s, at_least)
        world.usual_answers[action] = 0
        world.usual_took_s[action] = 0.0
        world.usual_us[action] = now_us


@shared
def _adapt(world: Any, now_us: int, open_s: float, at_once: int) -> None:
    """Close the window."""
    for rank in range(len(world.held_share)):
        share = world.window_held_s[rank] / (open_s * world.limit)
        world.held_share[rank] += (share - world.held_share[rank]) * overload.SMOOTHING
        world.window_held_s[rank] = 0.0
    world.limit = overload.next_limit(
        world.limit, world.window_took_s, world.window_allowed_s, world.window_peak, world.window_dropped == 1
    )
    world.window_us = now_us
    world.window_answers = 0
    world.window_took_s = 0.0
    world.window_allowed_s = 0.0
    world.window_peak = at_once
    world.window_dropped = 0
