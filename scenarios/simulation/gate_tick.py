"""The waiting room in virtual time: tickets, the frontier, the gate, and the looks of those who stand in line.

Who stands in line has one timer, the end of her patience. Whoever moves the frontier sets the timers of those whose
places it passes to their next look, where that is sooner. The looks of all others are reckoned in closed form, from how
many wait how long, and cost the web processes what they cost. The gatekeeper looks twenty times a second and moves the
frontier once a second, by the rules of the service.
"""

import math
from typing import Any

from scenarios.simulation.compiled import shared, whole
from scenarios.simulation.rows import ACCOUNT, AT_GATE, HELD, INSIDE, KEPT, Phase, clear, has, set_flag
from scenarios.simulation.stations import spread
from scenarios.simulation.wheel import Wheel, arm
from scenarios.simulation.world import TICK_US, TICKS_A_SECOND, WEB
from scenarios.streams import Purpose, uniform
from service.domain import gate, promises, waiting_room
from service.domain.waiting_room import Show

SECOND_US = 1_000_000


@shared
def take_ticket(world: Any, row: Any, number: int, holders: Any) -> None:
    """The next place in line, unless her browser has one."""
    if has(row, HELD):
        return
    if world.tickets >= len(holders):
        world.overflown = 1
        return
    holders[world.tickets] = number
    _add_line_area(world, int(world.now_us))
    if world.tickets >= int(world.frontier):
        world.line_came_us += world.now_us
    world.tickets += 1
    row.place = world.tickets
    set_flag(row, HELD)


@shared
def in_line(world: Any) -> int:
    """Places that were given out and not invited to yet."""
    return int(max(world.tickets - int(world.frontier), 0))


@shared
def _add_line_area(world: Any, now_us: int) -> None:
    """People have stood in line since its length changed last; to be called before it does."""
    world.line_area_us += in_line(world) * (now_us - world.line_seen_us)
    world.line_seen_us = now_us


@shared
def is_invited(world: Any, figures: Any, row: Any) -> bool:
    """Whether she may claim; where there is no waiting room, everybody may."""
    return figures.gated == 0 or waiting_room.may_claim(int(row.place), world.frontier)


@shared
def poll_s(world: Any, figures: Any, row: Any, now_s: float) -> float:
    """When a person in line is told to look again."""
    ahead = max(int(row.place) - world.frontier, 0.0)
    rate = world.rate_per_s if world.rate_per_s > 0.0 else figures.hard_rate_per_s
    expected = promises.expected_wait_s(int(ahead), rate / max(world.came_share, waiting_room.LEAST_SHOW))
    return promises.poll_pause_s(int(row.place), promises.poll_interval_s(expected), now_s)


@shared
def claim_s(world: Any, figures: Any, row: Any, number: int, at_gate: Any, now_us: int) -> float:
    """-1: she is let in, with a pass; else when she is to claim again."""
    now_ms = now_us // 1000
    if not has(row, ACCOUNT) and row.since_ms >= 0 and now_ms - int(row.since_ms) < gate.PASS_LIFE * 1000.0:
        clear(row, AT_GATE)
        return -1.0
    clear(row, INSIDE)
    if figures.gated == 0:
        _let_in(world, row, now_ms)
        return -1.0
    if not has(row, AT_GATE):
        world.claimed += 1
        if world.gate_head == world.gate_tail and world.admitted < world.granted:
            _let_in(world, row, now_ms)
            return -1.0
        if world.gate_tail - world.gate_head >= len(at_gate):
            world.overflown = 1
            return gate.MOST_RETRY
        at_gate[world.gate_tail % len(at_gate)] = number
        world.gate_tail += 1
        set_flag(row, AT_GATE)
    before = int(world.gate_tail - world.gate_head)
    return gate.claim_retry_s(int(row.place), before, world.rate_per_s)


@shared
def _let_in(world: Any, row: Any, now_ms: int) -> None:
    if not has(row, ACCOUNT):  # then the field is when her test began, and she needs no pass but to sign in
        row.since_ms = now_ms
    world.admitted += 1
    set_flag(row, INSIDE)
    clear(row, AT_GATE)


@shared
def look(world: Any, figures: Any, rows: Any, at_gate: Any, now_us: int) -> None:
    """Grant what may come in now, let in who waits for it, and reckon what the line looks at."""
    elapsed_s = (now_us - world.looked_us) / SECOND_US
    second = (now_us // TICK_US) % TICKS_A_SECOND
    minute = (now_us // SECOND_US) % len(world.minute_marks)
    _mark_missed_looks(world, int(world.looked_us), now_us)
    world.looked_us = now_us
    spent = int(world.admitted - world.known)
    world.credit = gate.credit_after(world.credit, spent, elapsed_s, world.rate_per_s)
    world.known = world.admitted
    a_minute_ago = (minute + 1) % len(world.minute_marks)
    limit = gate.ceiling(
        int(world.known), world.credit, int(world.second_marks[second]), int(world.minute_marks[a_minute_ago]),
        figures.hard_rate_per_s, 0, 0,
    )  # fmt: skip
    if limit > world.granted:
        world.granted = limit
    while world.gate_head < world.gate_tail and world.admitted < world.granted:
        row = rows[at_gate[world.gate_head % len(at_gate)]]
        world.gate_head += 1
        if has(row, AT_GATE) and row.phase != Phase.GONE:
            _let_in(world, row, now_us // 1000)
    world.second_marks[second] = world.admitted
    if second == 0:
        world.minute_marks[minute] = world.admitted
    # Each twentieth of a second its own: those of a second at once would shut the door for a tenth of it.
    _charge_looks(world, figures, now_us, min(elapsed_s, waiting_room.MOST_STANDSTILL))


@shared
def _mark_missed_looks(world: Any, looked_us: int, now_us: int) -> None:
    """Nobody has been let in since the last look, as far as the gatekeeper knows: the marks between say so, too."""
    last = looked_us // TICK_US
    reached = world.second_marks[last % TICKS_A_SECOND]
    for tick in range(max(last + 1, now_us // TICK_US - TICKS_A_SECOND), now_us // TICK_US):
        world.second_marks[tick % TICKS_A_SECOND] = reached
    marks, end = len(world.minute_marks), (now_us - TICK_US) // SECOND_US
    for second in range(max(looked_us // SECOND_US, end - marks) + 1, end + 1):
        world.minute_marks[second % marks] = reached


@shared
def beat(world: Any, figures: Any, rows: Any, wheel: Wheel, holders: Any, now_us: int) -> None:
    """Move the frontier, and call those it passes."""
    world.rate_per_s = world.chosen_per_s
    elapsed_s = min((now_us - world.beat_us) / SECOND_US, waiting_room.MOST_STANDSTILL)
    world.beat_us = now_us
    invited = min(int(world.frontier), int(world.tickets))
    if elapsed_s > 0.0:
        before = Show(world.noticed_per_s, world.invited_per_s, world.came_per_s, world.came_share)
        came = (world.claimed - world.claimed_before) / elapsed_s
        asked = (invited - world.invited) / elapsed_s
        after = waiting_room.show_after(before, asked, came, elapsed_s, world.rate_per_s)
        world.noticed_per_s, world.invited_per_s = after.noticed_per_s, after.invited_per_s
        world.came_per_s, world.came_share = after.came_per_s, after.share
    world.invited, world.claimed_before = invited, world.claimed
    pending = int(world.gate_tail - world.gate_head)
    frontier = waiting_room.frontier_after(
        world.frontier, int(world.tickets), elapsed_s, world.rate_per_s, pending, world.came_share
    )
    first = min(int(world.frontier), int(world.tickets))
    _add_line_area(world, now_us)
    world.frontier = frontier
    world.line_left_us += (min(int(frontier), int(world.tickets)) - first) * now_us
    for place in range(first, min(int(frontier), int(world.tickets))):
        number = whole(holders[place])
        row = rows[number]
        if row.phase == Phase.IN_LINE and row.place == place + 1:
            _call(figures, row, wheel, number, now_us)


@shared
def _call(figures: Any, row: Any, wheel: Wheel, number: int, now_us: int) -> None:
    """Set her timer to her next look, unless her patience ends before."""
    pause = promises.jittered_poll_s(int(row.place), promises.POLL_LEAST)
    due_us = now_us + int(pause * uniform(figures.seed, number, Purpose.POLL, whole(row.visits)) * SECOND_US)
    if row.moment_s * SECOND_US <= due_us:
        return
    row.phase = Phase.THINKING + 0
    clear(row, KEPT)
    arm(wheel, number, due_us)


@shared
def looks_per_s(waiting: float, pending: int, rate_per_s: float) -> float:
    """How often a line of so many live people looks that ends at a gate where `pending` wait.

    As `rate` people pass in a second, they look so often, times what one of them does between the end of the line and
    her turn. Half a look less: she is told how long to wait when she comes, and goes on from there.
    tests/acceptance/long/room_crowd.py has it beside looks one by one.
    """
    if waiting <= 0.0 or rate_per_s <= 0.0:
        return 0.0
    first = promises.expected_wait_s(int(waiting) + pending, rate_per_s)
    last = promises.expected_wait_s(pending, rate_per_s)
    return max(_looks_within(first) - _looks_within(last) - 0.5, 0.0) * rate_per_s


@shared
def _looks_within(expected_s: float) -> float:
    """Looks of somebody who is told to wait so long, until told 0: every POLL_MOST far from the turn, every POLL_LEAST
    near it; between, each time when (1 - POLL_SHARE) of the wait before is left."""
    near, far = promises.POLL_LEAST / promises.POLL_SHARE, promises.POLL_MOST / promises.POLL_SHARE
    looks = min(expected_s, near) / promises.POLL_LEAST
    if expected_s > near:
        looks += math.log(min(expected_s, far) / near) / -math.log(1.0 - promises.POLL_SHARE)
    if expected_s > far:
        looks += (expected_s - far) / promises.POLL_MOST
    return looks


@shared
def _charge_looks(world: Any, figures: Any, now_us: int, elapsed_s: float) -> None:
    """What the looks of a line cost."""
    waiting, pending = (world.tickets - world.frontier) * world.came_share, int(world.gate_tail - world.gate_head)
    looks = looks_per_s(waiting, pending, world.rate_per_s) * elapsed_s
    if looks <= 0.0:
        return
    world.polls += looks
    spread(world, WEB, now_us, int(looks * figures.poll_us))
