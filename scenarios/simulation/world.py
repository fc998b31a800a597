"""What changes in a run and is nobody's own: the line, the gate, the servers, the queues; one record for all of it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.simulation.figures import ACTIONS, US
from service.domain import buckets
from service.domain.overload import LEAST, MOST, MOST_WAITING, Progress
from service.domain.slow_loop import WAITED_AT

TICK_US = 50_000
"""As the gatekeeper looks (service.domain.gate.TICK), and as workers claim."""
TICKS_A_SECOND = 20
MINUTE_US = 60_000_000
MOST_SERVERS = 1024
WEB, DATABASE, INSPECTION = range(3)
"""Stations."""
SLOTS = 32
"""A partner's quota is remembered in so many parts of its window, of which 20 fill it."""
RANKS = len(Progress)
MOST_INSIDE = int(MOST) + MOST_WAITING
"""Of one process, at work and in line."""
ENDS, ENDS_S = 5, 64
"""What ends in a second, by kind (scenarios.simulation.stage_counts), for so many seconds ahead."""
STAGES = len(WAITED_AT)
HANDOVER_MS = tuple(round(edge * 1000.0) for edge in buckets.DEFAULT)
"""Edges of the histogram of hand-overs, the last bucket is open."""

WORLD = np.dtype(
    [
        *(
            (name, np.int64)
            for name in ("now_us", "tick_us", "is_asleep", "minute", "part", "expected", "arrived", "ended", "timers")
        ),
        *((name, np.int64) for name in ("answers", "overflown", "tickets", "admitted", "granted", "known", "claimed")),
        *((name, np.int64) for name in ("invited", "gate_head", "gate_tail", "beat_us", "looked_us", "claimed_before")),
        *((name, np.int64) for name in ("web_down", "database_down", "worker_down", "gate_down", "allowance")),
        *((name, np.float64) for name in ("frontier", "credit", "rate_per_s", "polls", "live_area_us")),
        *((name, np.float64) for name in ("noticed_per_s", "invited_per_s", "came_per_s", "came_share")),
        ("free", np.int64, (3 * MOST_SERVERS,)),
        ("servers", np.int64, (3,)),
        ("busy_us", np.int64, (3,)),
        ("idle_us", np.int64, (3,)),
        ("spread_us", np.int64, (3,)),
        ("served", np.int64, (3,)),
        ("waited_us", np.int64, (3,)),
        ("share", np.float64, (RANKS,)),
        ("asked_in", np.int64, (RANKS,)),
        ("late", np.int64, (RANKS,)),
        ("kept_out", np.int64, (RANKS,)),
        ("barred", np.int64, (RANKS,)),
        ("barred_from", np.int64),
        ("turned_away", np.int64, (RANKS,)),
        ("second_marks", np.int64, (TICKS_A_SECOND,)),
        ("minute_marks", np.int64, (61,)),
        ("head", np.int64, (3,)),
        ("tail", np.int64, (3,)),
        ("debt", np.int64, (3,)),
        ("handed", np.int64, (3,)),
        ("lost", np.int64, (3,)),
        ("failed", np.int64, (3,)),
        ("expired", np.int64, (3,)),
        ("dropped", np.int64, (3,)),
        ("refused", np.int64, (3,)),
        ("waited_ms", np.int64, (3,)),
        ("slot", np.int64, (3,)),
        ("slot_us", np.int64, (3,)),
        ("taken", np.int64, (3 * SLOTS,)),
        ("came_us", np.int64, (3,)),
        ("left_us", np.int64, (3,)),
        ("queue_seen_ms", np.int64, (3,)),
        ("queue_area_ms", np.int64, (3,)),
        ("queue_since_ms", np.int64, (3,)),
        *((name, np.int64) for name in ("line_seen_us", "line_area_us", "line_came_us", "line_left_us")),
        *((name, np.int64) for name in ("photo_sent", "photo_taken", "photo_stored", "matched")),
        ("exhausted_ms", np.int64, (3,)),
        ("handed_over", np.int64, (4 * (len(HANDOVER_MS) + 1),)),
        ("handover_ms", np.int64, (4,)),
        ("web_work_us", np.int64, (ACTIONS,)),
        ("door_work_us", np.int64, (ACTIONS,)),
        ("kept_back", np.int64, (ACTIONS,)),
        *((name, np.int64) for name in ("shares_core", "core_at_us", "stalled_until_us", "loop_until_us")),
        *((name, np.float64) for name in ("front_us", "behind_us", "behind_share", "core_left", "core_idle_us")),
        ("core_given_us", np.float64),
        ("role_us", np.float64, (4,)),
        *((name, np.int64, (RANKS,)) for name in ("line_from_us", "line_until_us")),
        ("leaves_us", np.int64, (MOST_INSIDE,)),
        ("enters_us", np.int64, (RANKS * MOST_INSIDE,)),
        ("in_line", np.int64, (RANKS,)),
        *((name, np.float64, (RANKS,)) for name in ("window_held_s", "held_share")),
        *((name, np.int64) for name in ("inside", "window_us", "window_answers", "window_peak", "window_dropped")),
        *((name, np.float64) for name in ("limit", "window_took_s", "window_allowed_s")),
        *((name, np.float64, (ACTIONS,)) for name in ("usual_s", "usual_took_s")),
        *((name, np.int64, (ACTIONS,)) for name in ("usual_us", "usual_answers")),
        ("ends", np.int64, (ENDS_S * ENDS,)),
        ("ended_in", np.int64, (ENDS,)),
        *((name, np.int64) for name in ("counted_s", "told", "sending", "leaders")),
        *((name, np.int64) for name in ("loop_rests", "loop_called", "called_s", "bound")),
        ("chosen_per_s", np.float64),
        ("strain", np.float64, (STAGES,)),
    ],
    align=True,
)
"""tick_us: when the next tick is. part: of the timeline. expected: so many have a timer or had one: who is due after
the time that is played has none yet. timers, answers: events, each counted once.
tickets: places given out. claimed: people who have come to the gate; invited: places that were invited to.
free: by station MOST_SERVERS instants, a heap of when each server has done what it was given.
busy_us, idle_us, spread_us: work given to servers; time between two works; work spread over all of them.
share, asked_in, late, kept_out, barred, barred_from: the door's ranks, as service.domain.door has them. head, tail: of
the queues' rings.
shares_core and what follows it: scenarios.simulation.shared_core; core_given_us: what the core could have done by
core_at_us, core_idle_us: what of that nobody wanted; role_us: work given to each role there. line_from_us,
line_until_us: by rank, since when and until when somebody stands in line. leaves_us and what follows it:
scenarios.simulation.places; of the first `inside`, ascending, when each leaves who is inside or in line. enters_us: by
rank MOST_INSIDE instants, of which the first `in_line` are when those in line come in; held_share: of the places.
loop_until_us: until when the event loop is held.
taken: by queue SLOTS counts of what was claimed lately, in slots of `slot_us`.
live_area_us: microseconds that people were here, all together.

For the laws: came_us, left_us: by station, the instants at which requests came and were done, added up (they wrap at
2**64, their difference does not). queue_area_ms: jobs in a queue over time, up to queue_seen_ms; queue_since_ms: when
those came that wait, added up. line_area_us, line_came_us, line_left_us: the same of the line, up to line_seen_us.
For a record: photo_sent, photo_taken, photo_stored: bytes. matched: identities. exhausted_ms: when a quota last left
jobs waiting. handed_over: codes by channel, whether a quota held them, and bucket of HANDOVER_MS; handover_ms: their
times added up. web_work_us, door_work_us: by action, of requests let in and of the kept_back ones.
For the slow loop: ends: by second and kind, what ends in it; ended_in: up to second `counted_s`. told: rows written of
scenarios.simulation.stage_counts. sending: uploads on their way. leaders: that came after a gatekeeper that was gone.
loop_rests: it does nothing while all is calm; loop_called: it is to look now; called_s: when that was asked last.
chosen_per_s: its rate, which holds from the next beat on. bound: from 1, the stage of WAITED_AT that bounds it; strain:
of each of them.
"""


def made(web: int, database: int, inspectors: int, rate_per_s: float) -> NDArray[Any]:
    """The world before the doors open. Raises ValueError for more servers than MOST_SERVERS."""
    servers = (web, database, inspectors)
    if not all(0 < each <= MOST_SERVERS for each in servers):
        raise ValueError(f"a station has 1 to {MOST_SERVERS} servers, not {servers}")
    world = np.zeros(1, WORLD)
    world["servers"] = servers
    world["share"] = 1.0
    world["barred_from"] = RANKS
    world["limit"] = LEAST
    world["usual_s"] = np.nan
    world["came_share"] = 1.0
    world["rate_per_s"] = world["chosen_per_s"] = rate_per_s
    world["tick_us"] = TICK_US
    world["beat_us"] = -US
    world["looked_us"] = -TICK_US
    world["part"] = -1
    world["allowance"] = -1
    world["exhausted_ms"] = -1
    return world
