"""What does not change in a run, in one record that compiled code reads through one pointer.

A tuple of sixty numbers would be copied at each call; a record is not. numba reads its fields by the same names.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.capacities import PartnerSet
from scenarios.catalogue import Night
from scenarios.factors import Factors, queue_limits, scaled
from scenarios.journey_state import Action, Habits
from scenarios.population import Photos
from scenarios.simulation.costs import Costs, Resources
from scenarios.simulation.people import think_factors
from scenarios.simulation.rows import MOST_CLASSES
from scenarios.streams import log_normal, normal
from service.domain.overload import Progress

ACTIONS = max(Action) + 1
POINTS = 4096
"""Points of the table that service times are drawn from."""
MOST_PICTURES = 256
MOST_STEPS = 9
"""Before the photos, whose field in the row counts the answers."""
EMAIL, SMS, IDENTITY = range(3)
"""Queues."""
QUEUES = ("email", "sms", "identity")
US = 1_000_000.0

FIGURES = np.dtype(
    [
        *((name, np.int64) for name in ("seed", "pictures", "refresh_us", "gated", "door", "bounded", "drops")),
        *((name, np.int64) for name in ("paced", "workers", "steps", "follows")),
        *((name, np.float64) for name in ("closes_s", "hard_rate_per_s", "refresh_share", "refusal_us", "poll_us")),
        *((name, np.float64) for name in ("photo_us_per_byte", "inspection_us", "turns", "pause_us", "turn_us")),
        ("web_us", np.float64, (ACTIONS,)),
        ("database_us", np.float64, (ACTIONS,)),
        ("ranks", np.int64, (ACTIONS,)),
        ("kinds", np.int64, (ACTIONS,)),
        ("quantiles", np.float64, (POINTS,)),
        ("tries", np.int64, (MOST_CLASSES,)),
        ("visits", np.int64, (MOST_CLASSES,)),
        ("think_factor", np.float64, (4,)),
        ("bytes_per_s", np.float64, (MOST_CLASSES,)),
        ("round_trip_s", np.float64, (MOST_CLASSES,)),
        ("cuts_per_min", np.float64, (MOST_CLASSES,)),
        ("photo_bytes", np.int64, (MOST_PICTURES,)),
        ("limits", np.int64, (3,)),
        ("rates", np.float64, (3,)),
        ("pauses", np.float64, (POINTS,)),
        ("gate_us", np.float64, (ACTIONS,)),
        ("job_worker_us", np.float64, (4,)),
        ("job_database_us", np.float64, (4,)),
    ],
    align=True,
)
"""refresh_us: silence after which a page is refreshed. gated, door, bounded, drops, paced: protections, 0 or 1.
follows: the gate's rate follows the stages; kinds: by action, what counts for that (STEP and so on).
web_us, database_us: means by action. quantiles: of a request's costs around their mean of 1.
ranks: service.domain.overload.Progress by action, -1: never held up. limits, rates: by queue, jobs that may wait
and jobs a second as agreed. steps: answers that worked after which people leave, 0: none.
turn_us: of a request, web and database together. pauses: around their mean of 1. These, turns, pause_us and what begins
with gate or job are those of scenarios.simulation.shared_core; jobs by queue, photos last."""

HABITS = np.dtype(
    [
        (name, np.float64, (24,)) if name == "hours" else (name, np.int64 if name.endswith("_limit") else np.float64)
        for name in Habits._fields
    ],
    align=True,
)  # fmt: skip

_RANKS = {
    Action.PLACE: -1,
    Action.TICKET: Progress.BROWSING,
    **dict.fromkeys((Action.CLAIM, Action.ACCOUNT, Action.CODE, Action.CODE_AGAIN, Action.SESSION), Progress.ENTERING),
    **dict.fromkeys((Action.IDENTITY, Action.CORRECT, Action.PERSONAL, Action.WORK), Progress.CONTINUING),
    **dict.fromkeys((Action.PROGRAM, Action.PHOTO_CREATE, Action.PHONE, Action.LOOK), Progress.CONTINUING),
    **dict.fromkeys((Action.LAST_LOOK, Action.REOPEN), Progress.CONTINUING),
    **dict.fromkeys((Action.PHOTO_SEND, Action.PHOTO_HEAD, Action.ASSESSMENT, Action.ANSWER), Progress.FINISHING),
    **dict.fromkeys((Action.SUBMIT, Action.JOIN), Progress.FINISHING),
}
"""As service/web/progress.py sorts the routes of these actions."""
STEP, ANSWER, UPLOAD, OTHER = range(4)
KINDS = {
    **dict.fromkeys((Action.ACCOUNT, Action.CODE, Action.CODE_AGAIN, Action.SESSION, Action.IDENTITY), STEP),
    **dict.fromkeys((Action.CORRECT, Action.PERSONAL, Action.WORK, Action.PROGRAM, Action.PHONE), STEP),
    **dict.fromkeys((Action.ASSESSMENT, Action.SUBMIT, Action.JOIN), STEP),
    Action.ANSWER: ANSWER,
    **dict.fromkeys((Action.PHOTO_CREATE, Action.PHOTO_SEND, Action.PHOTO_HEAD), UPLOAD),
}
"""Classes of route, as service/web/middleware.py has them; a test compares."""


class NotSimulated(ValueError):
    """The simulation cannot play this night; says why."""


class Setup(NamedTuple):
    """All that a run begins with, beside its people."""

    night: Night
    partners: PartnerSet
    """As the night has it, unscaled."""
    resources: Resources
    costs: Costs
    habits: Habits
    seed: int
    factors: Factors
    steps: int = 0
    """Answers that worked after which people leave, as with `rehearse --steps`; 0 = the whole journey."""


def filled(setup: Setup) -> NDArray[Any]:
    """One record of FIGURES. Raises NotSimulated where a table of the night is too long."""
    night, resources, costs = setup.night, setup.resources, setup.costs
    people = night.population
    if max(len(night.networks), len(people.patience)) > MOST_CLASSES or people.photos.count > MOST_PICTURES:
        raise NotSimulated(f"at most {MOST_CLASSES} networks and classes of patience, and {MOST_PICTURES} pictures")
    if not 0 <= setup.steps <= MOST_STEPS:
        raise NotSimulated(f"people may leave after {MOST_STEPS} answers at most: beyond they send photos")
    partners, _ = scaled(setup.partners, setup.factors)
    gate_per_s = partners.gate_per_s if resources.gate_per_s is None else resources.gate_per_s
    record = np.zeros(1, FIGURES)
    values: dict[str, Any] = {
        "seed": (setup.seed + 2**63) % 2**64 - 2**63,
        "pictures": people.photos.count,
        "refresh_us": round(setup.habits.refresh_after_s * US),
        "refresh_share": setup.habits.refresh_share,
        "gated": resources.waiting_room and gate_per_s > 0.0,
        "follows": resources.follows_stages and resources.waiting_room and gate_per_s > 0.0,
        "hard_rate_per_s": gate_per_s,
        "door": resources.overload_limit,
        "bounded": resources.bounded_queues,
        "paced": resources.partner_pacing,
        "drops": resources.drop_abandoned_work,
        "workers": resources.workers,
        "closes_s": setup.habits.closes_s,
        "refusal_us": costs.refusal_web_s * US,
        "poll_us": costs.poll_web_s * US,
        "photo_us_per_byte": costs.photo_web_s_per_mb,  # seconds per MB are microseconds per byte
        "inspection_us": costs.inspection_s * US,
        "think_factor": (*think_factors(people), 1.0),
        "quantiles": _quantiles(costs.sigma),
        "turns": costs.turns,
        "pause_us": costs.pause_s * US,
        "pauses": _quantiles(costs.pause_sigma),
        "turn_us": (costs.request_web_s + costs.request_database_s) * US,
        "steps": setup.steps,
    }
    for name, value in values.items():
        record[name] = value
    for action in Action:
        record["web_us"][0, action] = costs.web(action) * US
        record["database_us"][0, action] = costs.database(action) * US
        record["gate_us"][0, action] = costs.gate_s.get(action, 0.0) * US
        record["ranks"][0, action] = _RANKS.get(action, -1)
        record["kinds"][0, action] = KINDS.get(action, OTHER)
    _fill(record, "tries", [each.tries for each in people.patience.values()])
    _fill(record, "visits", [each.sessions for each in people.patience.values()])
    _fill(record, "bytes_per_s", [each.up_mbps * 125_000.0 for each in night.networks.values()])
    _fill(record, "round_trip_s", [each.round_trip_s for each in night.networks.values()])
    _fill(record, "cuts_per_min", [each.cuts_per_min for each in night.networks.values()])
    _fill(record, "photo_bytes", photo_bytes(people.photos))
    limits, _ = queue_limits(setup.partners, setup.factors)
    _fill(record, "limits", [limits[name] for name in QUEUES])
    for role, each in (("worker", costs.job_worker_s), ("database", costs.job_database_s)):
        _fill(record, f"job_{role}_us", [each.get(name, 0.0) * US for name in (*QUEUES, "photo")])
    _fill(record, "rates", [partners.email.rate_per_s, partners.sms.rate_per_s, partners.civil_registry.rate_per_s])
    return record


def habits_record(habits: Habits) -> NDArray[Any]:
    """`habits` as one record of HABITS."""
    record = np.zeros(1, HABITS)
    for name, value in habits._asdict().items():
        record[name] = value
    return record


def photo_bytes(photos: Photos) -> list[int]:
    """Bytes of each picture that the swarm would make: evenly spread quantiles of the two distributions."""
    raw = round(photos.count * photos.raw_share)
    small = photos.count - raw
    return [
        *(round(log_normal((i + 0.5) / small, photos.median_bytes, photos.sigma)) for i in range(small)),
        *(round(log_normal((i + 0.5) / raw, photos.raw_median_bytes, photos.raw_sigma)) for i in range(raw)),
    ]


def _quantiles(sigma: float) -> NDArray[np.float64]:
    """Log-normal, in the middle of 4096 equal parts, scaled to a mean of exactly 1."""
    found = np.array([math.exp(sigma * normal((i + 0.5) / POINTS)) for i in range(POINTS)])
    return found / float(found.mean())


def _fill(record: NDArray[Any], name: str, values: list[Any]) -> None:
    record[name][0, : len(values)] = values
