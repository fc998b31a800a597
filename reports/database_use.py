"""The database as the service meets it: its connections, how long it takes to answer at all, and its disk.

A connection is held for as long as statements take. So connections that are all in use say little before it is known
how long the database needs for a statement that does nothing: the beginning of a transaction.
"""

import numpy as np

from reports.resources import SERVING, Resource, Watch, average, most
from reports.statistics import BoolArray, FloatArray
from reports.wording import Said, number, percent, say, seconds

SECONDS = "registration_database_seconds_total"
VISITS = "registration_database_visits_total"
LIMIT = "registration_database_connections_limit"
FAR_S = 0.02
"""An empty statement takes 0.3 ms beside the server, 2 ms across a city, and some more where both are busy."""
SLOW_FLUSH_S = 0.05
"""A commit waits for the disk: 1 to 5 ms on a sound one."""
FELT_WAITING = 0.2
"""Requests that wait for a connection at any moment: a burst leaves less."""
SLOW_STEP_S = 0.3
SOURCE = "#why"
STAGES = ("steps", "assessment")


def database(watch: Watch) -> list[Resource]:
    """Every resource of it that the record knows."""
    connections = _connections(watch)
    return [each for each in (connections, _answers(watch, connections), _disk(watch)) if each is not None]


def _connections(watch: Watch) -> Resource | None:
    """Those of the role that uses most of its own."""
    jobs = [job for job in (*SERVING, "worker") if watch.has(LIMIT, job=job)]
    if not jobs:
        return None
    limits = {job: watch.mean(LIMIT, job=job) for job in jobs}
    used = {job: _used(watch, job) / limits[job] for job in jobs}
    job = max(jobs, key=lambda one: average(used[one], ~watch.never))
    waiting = watch.rate(SECONDS, job=job, what="waited")
    limit = most(limits[job], ~watch.never)

    def told(chosen: BoolArray) -> Said:
        return say(
            "{waiting} requests waited for one at any moment, {each} each on average.",
            waiting=number(average(waiting, chosen), source=SOURCE),
            each=seconds(average(_each(watch, "waited", job), chosen), source=SOURCE),
        )

    known = np.isfinite(waiting).any()
    felt = waiting >= FELT_WAITING if known else used[job] >= 0.95
    return Resource(
        "pool", say("the database connections of the {role} role", role=job),
        say("connections: {count}", count=number(limit, source=SOURCE)), used[job],
        used[job] + np.nan_to_num(waiting) / limits[job], felt, told,
        behind=("answers", "web" if job in SERVING else job, "database", "disk", "machine"), stages=STAGES,
    )  # fmt: skip


def _used(watch: Watch, job: str) -> FloatArray:
    """Connections in use, the mean; of an older record as seen at the scrapes alone."""
    if watch.has(SECONDS, job=job, what="used"):
        return watch.rate(SECONDS, job=job, what="used")
    return watch.mean("registration_database_connections_used", job=job)


def _answers(watch: Watch, connections: Resource | None) -> Resource | None:
    """How long the database takes to answer at all. It has no limit of its own: what it fills is the connections."""
    if connections is None or not watch.has(SECONDS, what="round_trip"):
        return None
    trip = np.max([np.nan_to_num(_each(watch, "round_trip", job)) for job in (*SERVING, "worker")], axis=0)
    step = _mean_step(watch)

    def told(chosen: BoolArray) -> Said:
        return say(
            "A statement that does nothing took {trip} on average, {far} at most are usual; {used} of the connections "
            "were in use.",
            trip=seconds(average(trip, chosen), source=SOURCE), far=seconds(FAR_S, source=SOURCE),
            used=percent(average(connections.use, chosen), source=SOURCE),
        )  # fmt: skip

    use = np.minimum(1.0, trip / FAR_S)
    felt = connections.felt | (np.nan_to_num(step) >= SLOW_STEP_S)
    return Resource(
        "answers", say("the way to the database"), say("{far} for an empty statement", far=seconds(FAR_S)), use,
        np.where(use >= 1.0, np.fmax(1.0, connections.demand), use), felt, told,
        behind=("web", "database", "machine"), stages=STAGES,
    )  # fmt: skip


def _disk(watch: Watch) -> Resource | None:
    """The busiest disk. One that serves several at once may do more although it is never idle."""
    name = "rehearsal_disk_busy_seconds_total"
    disks = watch.instances(name, "disk")
    if not disks:
        return None
    busy = np.max([watch.rate(name, disk=disk) for disk in disks], axis=0)
    flush = np.max([np.nan_to_num(_each(watch, "commit", job)) for job in (*SERVING, "worker")], axis=0)

    def told(chosen: BoolArray) -> Said:
        return say("A commit took {flush} on average.", flush=seconds(average(flush, chosen), source=SOURCE))

    limit = say("all of the time")
    return Resource("disk", say("the disk"), limit, busy, busy, flush >= SLOW_FLUSH_S, told, stages=STAGES)


def _each(watch: Watch, what: str, job: str) -> FloatArray:
    """Mean seconds of one; nan where there was none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        mean: FloatArray = watch.rate(SECONDS, job=job, what=what) / watch.rate(VISITS, job=job, what=what)
    return np.where(np.isfinite(mean), mean, np.nan)


def _mean_step(watch: Watch) -> FloatArray:
    """Mean seconds of an answer to a step of the journey."""
    name = "registration_http_request_seconds"
    with np.errstate(divide="ignore", invalid="ignore"):
        mean: FloatArray = watch.rate(f"{name}_sum", route_class="step") / watch.rate(
            f"{name}_count", route_class="step"
        )
    return np.where(np.isfinite(mean), mean, np.nan)
