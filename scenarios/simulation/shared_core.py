"""One core that web processes, database, workers and gatekeeper share: a machine whose programs are held to it.

Requests and jobs go through one line, first come first served, in which each stands with all that its roles do for it;
photos are inspected behind them, in the part of the core that inspectors get while others want it. What has not been
done yet is two amounts of work, in front and behind, that fall as time passes, so nothing here needs a timer:

    while both are there    front falls by 1 - s of the core, behind by s of it
    else                    the one that is there has all of it

and a request that comes with work w, when F is in front of it and B behind, is done after

    min((F + w) / (1 - s), F + w + B)

of the core's time: what is left behind is served before it, or lasts longer than it. The door lets so many in as its
limit says (scenarios.simulation.places); the rest waits before it, and is judged there. What the roles use whether or
not anybody asks is taken off the core first. Photos that come after a request do not hold it up any more: the least
that this leaves out.
"""

from typing import Any

from scenarios.calibration_file import ROLES
from scenarios.simulation.compiled import shared
from scenarios.simulation.costs import Costs
from scenarios.simulation.figures import POINTS
from scenarios.streams import Purpose, uniform

WEB_ROLE, WORKER_ROLE, GATEKEEPER_ROLE, DATABASE_ROLE = range(4)
"""As scenarios.calibration_file.ROLES has them."""
PHOTO = 3
"""After the three queues: the jobs of photos."""
UNSEEN = 0.6
"""Of what stands before a request on the core, what the event loop waits for until it sees it: the web process's own
part, and what others take from it meanwhile. Told by rehearsals at 90 and 110 % of what a core can do, in which half of
the answers took 6 to 9 ms and the slowest twentieth 35 to 50."""
_ANOTHER = 1 << 40
"""Added to an occasion: the draw of a pause is none of the draws of work."""


def put_together(world: Any, costs: Costs) -> None:
    """From now on all roles share one core. Raises ValueError where they idle it away, or inspectors have it all."""
    left = 1.0 - sum(costs.idle.get(role, 0.0) for role in ROLES)
    if left <= 0.0 or not 0.0 <= costs.behind_share < 1.0:
        raise ValueError("one core is less than what its roles use when nobody asks, or inspectors have all of it")
    world["shares_core"] = 1
    world["core_left"] = left
    world["behind_share"] = costs.behind_share


def go_on(world: Any, now_us: int, left: float) -> None:
    """From now on the core has so much of each second for requests and jobs. Raises ValueError for none of it."""
    if left <= 0.0:
        raise ValueError("nothing of the core is left for requests and jobs")
    catch_up(world, now_us)
    world.core_left = left


@shared
def catch_up(world: Any, now_us: int) -> None:
    """What the core has done since it was looked at."""
    since_us = int(world.core_at_us)
    if now_us <= since_us:
        return
    world.core_at_us = now_us
    world.core_given_us += (now_us - since_us) * world.core_left
    stood_us = min(stands_us(world, since_us), now_us - since_us)
    room = stood_us * world.core_left
    inspected = min(world.behind_us, room)  # while the others stand still
    world.behind_us -= inspected
    world.core_idle_us += room - inspected
    room = (now_us - since_us - stood_us) * world.core_left
    if world.front_us > 0.0 and world.behind_us > 0.0:
        behind = world.behind_share
        both = min(room, world.front_us / (1.0 - behind))
        if behind > 0.0:
            both = min(both, world.behind_us / behind)
        world.front_us = max(world.front_us - both * (1.0 - behind), 0.0)
        world.behind_us = max(world.behind_us - both * behind, 0.0)
        room -= both
    done = min(room, world.front_us)
    world.front_us -= done
    room -= done
    done = min(room, world.behind_us)
    world.behind_us -= done
    world.core_idle_us += room - done


@shared
def takes_us(world: Any, now_us: int, work_us: float) -> float:
    """How long it would take until `work_us` more is done in front; 0 more: how long a request waits."""
    catch_up(world, now_us)
    ahead = world.front_us + work_us
    core_us = min(ahead / (1.0 - world.behind_share), ahead + world.behind_us) / world.core_left
    return float(core_us) + stands_us(world, now_us)


@shared
def unseen_us(world: Any, now_us: int) -> int:
    """How long the web process's event loop does not come to what is asked now: it has to do what stands before it.

    Who waits at the door does not hold it up, nor does a database that stands still.
    """
    held_us = max(int(world.loop_until_us) - now_us, 0)
    stalled_us = stands_us(world, now_us)
    if stalled_us > held_us:
        return held_us
    waiting = 0
    for rank in range(len(world.in_line)):
        waiting += world.in_line[rank]
    inside = max(world.inside - waiting, 1) / max(world.inside, 1)
    return held_us + int(UNSEEN * inside * (takes_us(world, now_us, 0.0) - stalled_us))


@shared
def stands_us(world: Any, now_us: int) -> int:
    """How long nothing in front is worked on from now on."""
    return max(int(world.stalled_until_us) - now_us, 0)


@shared
def work(world: Any, role: int, now_us: int, work_us: float) -> None:
    """A role has so much more to do, in front."""
    catch_up(world, now_us)
    world.front_us += work_us
    world.role_us[role] += work_us


@shared
def work_behind(world: Any, role: int, now_us: int, work_us: float) -> None:
    """The same behind all requests and jobs."""
    catch_up(world, now_us)
    world.behind_us += work_us
    world.role_us[role] += work_us


@shared
def serve(
    world: Any, figures: Any, action: int, web_us: float, database_us: float, number: int, occasion: int, now_us: int,
    unseen_us: int, at_door_us: int,
) -> int:  # fmt: skip
    """When a request is answered that comes now, and waits so long before the door sees it, and so long there.

    A request goes through the line more than once (to the door, to the database and back, commit by commit), so others
    come between: what it waits for them counts `turns` times, UNSEEN before the door and the rest inside. `pause_us`
    is what it takes without any core, on average.
    """
    once_us = max(at_door_us, stands_us(world, now_us))
    inside_us = (figures.turns - UNSEEN) * max(takes_us(world, now_us, 0.0) - once_us, 0.0)
    waits_us = unseen_us + once_us + inside_us
    work(world, WEB_ROLE, now_us, web_us)
    work(world, DATABASE_ROLE, now_us, database_us)
    own_us = (web_us + database_us) / world.core_left
    work(world, GATEKEEPER_ROLE, now_us, figures.gate_us[action])
    drawn = uniform(figures.seed, number, Purpose.SERVICE, occasion + _ANOTHER)
    pause_us = figures.pause_us * figures.pauses[int(drawn * POINTS)]
    return now_us + int(waits_us + own_us + pause_us) + 1


@shared
def job(world: Any, figures: Any, queue: int, now_us: int) -> None:
    """A job of a partner's queue is worked on."""
    if world.shares_core == 1:
        work(world, WORKER_ROLE, now_us, figures.job_worker_us[queue])
        work(world, DATABASE_ROLE, now_us, figures.job_database_us[queue])


@shared
def look_at(world: Any, figures: Any) -> None:
    """A photo is given to the inspectors: its answer is read ahead of time, so it counts from now on."""
    now_us = int(world.now_us)
    work_behind(world, WORKER_ROLE, now_us, figures.inspection_us)
    work(world, DATABASE_ROLE, now_us, figures.job_database_us[PHOTO])


@shared
def hold_loop(world: Any, now_us: int, work_us: float) -> None:
    """The event loop of the web process does this alone from now on: who comes meanwhile is before the door unseen."""
    work_behind(world, WEB_ROLE, now_us, work_us)
    world.loop_until_us = now_us + int(work_us / world.core_left)
    world.stalled_until_us = max(world.stalled_until_us, world.loop_until_us)


@shared
def stall(world: Any, until_us: int) -> None:
    """Nothing in front is worked on until then."""
    catch_up(world, int(world.now_us))
    if until_us > world.stalled_until_us:
        world.stalled_until_us = until_us
