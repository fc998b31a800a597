"""Work that waits in queues: the quota of each partner, the calls at once that it bears, the inspectors of photos."""

from typing import Any

import numpy as np

from reports.resources import Resource, Watch, most
from reports.statistics import BoolArray, FloatArray, level
from reports.wording import N_, Said, count, number, say, seconds

LANES = {
    "email": ("email", N_("the quota of the e-mail provider")),
    "sms": ("sms", N_("the quota of the SMS provider")),
    "identity": ("civil_registry", N_("the quota of the civil registry")),
}
"""Queue -> the partner who limits it, and a name of that limit."""
CALLS = {
    "email": N_("the answers of the e-mail provider"),
    "sms": N_("the answers of the SMS provider"),
    "identity": N_("the answers of the civil registry"),
}
LATER = ("identity", "photo")
"""Queues whose answers nobody waits for: people go on meanwhile."""
OLD_S = 3.0
"""A job that has waited for so long waits for more than the next look of a worker, which comes within a quarter second
and keeps a call back for 0.2 s."""
ENOUGH_CALLS = 10.0
"""A rate is taken over the time of so many calls at least: one more or less is then a tenth."""
AGAIN = ("retried", "late")
"""Ends of a job after which it still waits."""
SOURCE = "#why"


def lanes(watch: Watch) -> list[Resource]:
    """Those that the record knows."""
    found = [make(watch, queue) for queue in LANES for make in (_quota, _calls)]
    return [each for each in (*found, _inspectors(watch)) if each is not None]


def _quota(watch: Watch, queue: str) -> Resource | None:
    partner, label = LANES[queue]
    limit = _agreed(watch, partner)
    slowest = float(np.nanmin(limit, initial=1.0, where=limit > 0))
    calls = watch.rate("registration_partner_calls_total", over_s=ENOUGH_CALLS / slowest, partner=partner)
    if not np.isfinite(limit).any() or not np.isfinite(calls).any():
        return None
    left = watch.mean("partner_allowance_left_requests") if queue == "identity" else watch.nothing
    spent = left < 1.0  # nan where nothing is allotted: not spent
    with np.errstate(divide="ignore", invalid="ignore"):
        use = np.where(spent, 1.0, np.where(limit > 0, np.minimum(1.0, calls / limit), np.nan))
        demand = np.fmax(use, np.where(limit > 0, _asked(watch, queue) / limit, np.nan) * _held_back(watch, queue))
    rate = say("{rate} a second", rate=number(most(limit, ~watch.never), source=SOURCE))
    return Resource(
        queue, say(label), rate, use, demand, _late(watch, queue), lambda chosen: _told(watch, queue, chosen),
        stages=(queue,), awaited=queue not in LATER,
    )  # fmt: skip


def _calls(watch: Watch, queue: str) -> Resource | None:
    """How many calls at once the partner bears: it is slow, or fails, when it is less than its quota."""
    partner = LANES[queue][0]
    limit = watch.mean("registration_partner_calls_limit", highest=True, job="worker", partner=partner)
    under_way = watch.mean("registration_partner_calls_in_flight", highest=True, job="worker", partner=partner)
    if not np.isfinite(limit).any():
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        use = np.where(limit > 0, under_way / limit, np.nan)
    most_calls = say("calls at once: {count}", count=number(most(limit, ~watch.never), source=SOURCE))
    return Resource(
        f"{queue}-calls", say(CALLS[queue]), most_calls, use, use, _late(watch, queue),
        lambda chosen: _told(watch, queue, chosen), behind=(queue, "worker", "machine"), stages=(queue,),
        awaited=queue not in LATER,
    )  # fmt: skip


def _inspectors(watch: Watch) -> Resource | None:
    """The processes that inspect photos, of all workers together."""
    jobs = [job for job in ("worker", "service", "all") if watch.has("registration_photo_inspectors_limit", job=job)]
    if not jobs:
        return None
    job = jobs[0]
    limit = watch.mean("registration_photo_inspectors_limit", job=job)
    busy = np.fmax(
        watch.rate("registration_photo_inspection_seconds_sum", job=job),
        watch.mean("registration_photo_inspectors_busy", job=job),
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        use = np.where(limit > 0, np.minimum(1.0, busy / limit), np.nan)
        done = watch.rate("registration_photo_inspections_total", job=job)
        demand = np.where(done > 0, use * np.fmax(1.0, _asked(watch, "photo") / done), use)
    processes = say("photos at once: {count}", count=number(most(limit, ~watch.never), source=SOURCE))
    return Resource(
        "photo", say("the inspectors of photos"), processes, use, np.fmax(use, demand), _late(watch, "photo"),
        lambda chosen: _told(watch, "photo", chosen), behind=("worker", "machine"),
        awaited=False,
    )  # fmt: skip


def _agreed(watch: Watch, partner: str) -> FloatArray:
    """Requests a second that the partner lets through: as it says, or as the night says."""
    name = "partner_rate_limit_requests_per_second"
    if watch.has(name, partner=partner):
        return watch.mean(name, highest=True, partner=partner)
    config = watch.facts.config
    figures: dict[str, Any] = config["night"].get("partners", {}).get(config["set"], {}).get(partner, {})
    if "rate_per_s" not in figures:
        return watch.nothing
    scale = float(watch.facts.share) * watch.facts.speed
    return np.full(len(watch.moments), float(figures["rate_per_s"]) * scale)


def _asked(watch: Watch, queue: str) -> FloatArray:
    """Jobs that came, per second: those that ended, and by how many more wait."""
    name = "registration_queue_jobs_total"
    ended = watch.rate(name, queue=queue) - np.nansum(
        [np.nan_to_num(watch.rate(name, queue=queue, outcome=outcome)) for outcome in AGAIN], axis=0
    )
    more = _depth(watch, queue, watch.moments) - _depth(watch, queue, watch.moments - watch.span_s)
    asked: FloatArray = np.fmax(0.0, ended + more / watch.span_s)
    return asked


def _held_back(watch: Watch, queue: str) -> FloatArray:
    """By how much more people came than the gate let in for this stage's sake; 1 where it was not the reason."""
    bound = watch.mean("registration_waiting_room_bound", highest=True, stage=queue) >= 0.5
    came, let_in = watch.people("started"), watch.people("admitted_at")
    with np.errstate(divide="ignore", invalid="ignore"):
        more = np.where(let_in > 0, came / let_in, 1.0)
    return np.where(bound, np.fmax(1.0, more), 1.0)


def _depth(watch: Watch, queue: str, moments: FloatArray) -> FloatArray:
    """Jobs in the queue at each of these moments; none before the first is known."""
    return np.nan_to_num(level(watch.facts.run.samples, "registration_queue_depth", moments, queue=queue))


def _late(watch: Watch, queue: str) -> BoolArray:
    age = watch.mean("registration_queue_oldest_age_seconds", highest=True, queue=queue)
    return np.nan_to_num(age) >= OLD_S


def _told(watch: Watch, queue: str, chosen: BoolArray) -> Said:
    depth = _depth(watch, queue, watch.moments)
    age = watch.mean("registration_queue_oldest_age_seconds", highest=True, queue=queue)
    return say(
        "Up to {jobs} jobs waited, {early} at the beginning of that time and {late} at its end, the oldest for {age}.",
        jobs=count(most(depth, chosen), source=SOURCE), early=count(depth[chosen][0], source=SOURCE),
        late=count(depth[chosen][-1], source=SOURCE), age=seconds(most(age, chosen), source=SOURCE),
    )  # fmt: skip
