"""Where requests wait for work to be done: c servers, one line, first come first served, and no events of its own.

With known service times the line is its servers' instants: when each has done what it was given (Lindley's recursion).
A request that comes at t starts at max(t, the least instant) and ends `work` later. Servers go on working for those who
have left, because nobody tells them: what was given stays given.

A request is served by a web process and then by the database. What this approximates: it comes to the database when its
web work ends, but requests are lined up there in the order in which they came to the web; requests of one web process
share its core in turns, while here each has it to itself until done; and one line serves all web processes, as a
balancer would that knows which is free.
"""

from typing import Any, NamedTuple

from scenarios.simulation import places, shared_core
from scenarios.simulation.compiled import inlined, shared
from scenarios.simulation.figures import POINTS
from scenarios.simulation.stage_counts import count_answer
from scenarios.simulation.world import DATABASE, INSPECTION, MOST_SERVERS, WEB
from scenarios.streams import Purpose, uniform
from service.domain import overload

DOOR_PERIOD_US = 900_000_000
LATE_US = int(overload.PATIENCE_S * 1e6)
STORM_US = int(overload.STORM_PATIENCE_S * 1e6)

shared(overload.next_share)
shared(overload.retry_after_s)


class Entry(NamedTuple):
    """What became of a request at the door."""

    done_us: int
    """When it is answered."""
    is_let_in: bool


@inlined
def give(world: Any, station: int, ready_us: int, work_us: int) -> int:
    """When `work_us` of work is done that comes to a station at `ready_us`."""
    free = world.free
    base = station * MOST_SERVERS
    least = free[base]
    start = least
    if ready_us > least:
        start = ready_us
        world.idle_us[station] += ready_us - least
    world.busy_us[station] += work_us
    world.served[station] += 1
    world.waited_us[station] += start - ready_us
    world.came_us[station] += ready_us
    world.left_us[station] += start + work_us
    _replace_least(free, base, world.servers[station], start + work_us)
    return int(start + work_us)


@inlined
def _replace_least(free: Any, base: int, servers: int, instant: int) -> None:
    place = 0
    while True:
        below = 2 * place + 1
        if below >= servers:
            break
        if below + 1 < servers and free[base + below + 1] < free[base + below]:
            below += 1
        if free[base + below] >= instant:
            break
        free[base + place] = free[base + below]
        place = below
    free[base + place] = instant


@shared
def spread(world: Any, station: int, now_us: int, work_us: int) -> None:
    """Work that comes in so many small pieces that each server has its part; the least instant stays the least."""
    if world.shares_core == 1:
        shared_core.work(world, shared_core.WEB_ROLE, now_us, work_us)
        return
    free = world.free
    base = station * MOST_SERVERS
    servers = world.servers[station]
    each = work_us // servers
    if each <= 0:
        return
    for place in range(base, base + servers):
        if free[place] < now_us:
            world.idle_us[station] += now_us - free[place]
            free[place] = now_us
        free[place] += each
        world.spread_us[station] += each


@shared
def wait_us(world: Any, station: int, now_us: int) -> int:
    """How long a request that comes now waits there."""
    if world.shares_core == 1:
        return int(shared_core.takes_us(world, now_us, 0.0))
    least = world.free[station * MOST_SERVERS]
    if least > now_us:
        return int(least - now_us)
    return 0


@shared
def take_away(world: Any, station: int, servers: int, until_us: int) -> None:
    """So many servers of a station do nothing until then; they go when all is done that is in line by now."""
    if world.shares_core == 1:
        if servers >= world.servers[station]:
            shared_core.stall(world, until_us)
        return
    free = world.free
    base = station * MOST_SERVERS
    for _ in range(min(servers, world.servers[station])):
        if free[base] < until_us:
            world.idle_us[station] += until_us - free[base]
            _replace_least(free, base, world.servers[station], until_us)


@inlined
def enter(world: Any, figures: Any, action: int, size: int, number: int, occasion: int, now_us: int) -> Entry:
    """A request comes to the door, and to its work if it is let in.

    size: bytes of a photo that came with it. occasion: different for each request of an applicant. What it needs is
    known when it comes, so the door can tell at once how long it would wait, where the real one finds out by waiting.
    On a shared core it is not there before the event loop sees it: that time is no waiting at the door.
    """
    came_us = now_us
    if world.shares_core == 1:
        came_us += shared_core.unseen_us(world, now_us)
    rank = figures.ranks[action]
    at_door = figures.door == 1 and rank >= 0
    wait = 0
    if at_door:
        is_barred = rank >= world.barred_from
        wait = _door_us(world, rank, is_barred, came_us)
        if is_barred or wait > 0:
            patience = _patience_us(world, figures, rank, number, wait, came_us)
            if wait > patience:
                if world.shares_core == 1:
                    shared_core.work(world, shared_core.WEB_ROLE, now_us, figures.refusal_us)
                else:
                    give(world, WEB, now_us, int(figures.refusal_us))
                world.turned_away[rank] += 1
                world.kept_back[action] += 1
                world.door_work_us[action] += int(figures.refusal_us)
                return Entry(came_us + max(patience, 0), False)
    place = uniform(figures.seed, number, Purpose.SERVICE, occasion) * POINTS
    point = int(place)
    web_us = figures.web_us[action] * figures.quantiles[point] + figures.photo_us_per_byte * size
    database_us = figures.database_us[action] * figures.quantiles[int((place - point) * POINTS)]
    world.web_work_us[action] += int(web_us) + 1
    if world.shares_core == 1:
        done_us = shared_core.serve(
            world, figures, action, web_us, database_us, number, occasion, now_us, came_us - now_us, wait
        )  # fmt: skip
        if at_door:
            places.take(world, action, rank, came_us, wait, done_us)
    else:
        done_us = give(world, WEB, now_us, int(web_us) + 1)
        if database_us > 0.0:
            done_us = give(world, DATABASE, done_us, int(database_us) + 1)
    if figures.follows == 1:
        count_answer(world, figures, action, now_us, done_us)
    return Entry(done_us, True)


@shared
def _patience_us(world: Any, figures: Any, rank: int, number: int, wait: int, now_us: int) -> int:
    """How long a request of this rank may wait now; -1: others of its rank go first. wait: how long it would."""
    world.asked_in[rank] = 1
    drawn = uniform(figures.seed, number, Purpose.DOOR_PLACE, now_us // DOOR_PERIOD_US)
    if drawn >= world.share[rank]:
        world.kept_out[rank] = 1
        return -1
    stormy = world.share[0] < 1.0 or world.share[1] < 1.0 or world.share[2] < 1.0 or world.share[3] < 1.0
    patience = STORM_US if stormy else LATE_US
    if world.shares_core == 1:
        patience = places.patience_us(world, figures, rank, wait, now_us, stormy)
    if wait > patience:
        world.late[rank] = 1
    return patience


@shared
def _door_us(world: Any, rank: int, is_barred: bool, now_us: int) -> int:
    """How long a request that comes now waits at the door. is_barred: a place is kept free of its rank."""
    if world.shares_core == 1:
        return places.wait_us(world, rank, overload.KEPT_FREE if is_barred else 0, now_us)
    return max(wait_us(world, WEB, now_us), wait_us(world, DATABASE, now_us))


@shared
def share_out(world: Any, elapsed_s: float) -> None:
    """Close a window of the door: who was turned away costs the lower ranks a part of their shares, as Door does."""
    pressed = False
    world.barred_from = len(world.share)
    for rank in range(len(world.share)):
        others_give = False
        for other in range(rank + 1, len(world.share)):
            if world.asked_in[other] == 1 and world.share[other] > overload.SMALL_SHARE:
                others_give = True
        late = world.late[rank] == 1
        world.share[rank] = overload.next_share(
            world.share[rank], pressed or (late and not others_give), elapsed_s
        )  # fmt: skip
        world.barred[rank] = overload.BARRED_WINDOWS if pressed else max(0, world.barred[rank] - 1)
        if world.barred[rank] > 0:
            world.barred_from = min(world.barred_from, rank)
        pressed = pressed or late or world.kept_out[rank] == 1
        world.late[rank] = 0
        world.kept_out[rank] = 0
        world.asked_in[rank] = 0


@shared
def inspect(world: Any, figures: Any, now_us: int) -> None:
    """A photo is given to the inspectors; nobody waits for them."""
    if world.shares_core == 1:
        shared_core.look_at(world, figures)
        return
    give(world, INSPECTION, now_us, int(figures.inspection_us))
