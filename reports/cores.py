"""Processor time as a resource: the loop of each process, the database's processes, the machine's cores together.

A loop has one core at most. It wants one whenever it can run, so its use is what it ran and what it waited for a core
that others had: a loop whose core is taken by others is full while it hardly runs.
"""

import numpy as np

from reports.resources import SERVING, Resource, Watch, average, most
from reports.statistics import BoolArray, FloatArray
from reports.wording import N_, Said, number, percent, say, seconds

LOOPS = {
    "web": (N_("the loop of a web process"), ("steps", "assessment", "photo_intake")),
    "worker": (N_("the loop of a worker"), ("email", "sms", "identity")),
    "gatekeeper": (N_("the loop of the gatekeeper"), ()),
    "partners": (N_("the simulated partners' process"), ()),
}
"""By role: its name, and the stages at which the gate notices that it is late."""
LAGS = {"web": "registration_event_loop_lag_seconds", "worker": "registration_worker_lag_seconds"}
LOOP = "rehearsal_main_thread_seconds_total"
WAITED = "rehearsal_core_wait_seconds_total"
BUSY = "rehearsal_core_busy_seconds_total"
FULL = 0.9
"""Of the least busy core: above, nobody who wants one finds one free."""
FELT_LAG_S = 0.1
"""A loop that stands still for so long is felt in each answer that waits meanwhile."""
FELT_WAIT = 0.2
"""Share of the time: whoever wants a core waits a fifth as long again, and more at each of many steps."""
SOURCE = "#why"


def cores(watch: Watch) -> list[Resource]:
    """Every one that the record knows."""
    loops = [_loop(watch, role) for role in LOOPS]
    return [each for each in (*loops, _database(watch), _machine(watch)) if each is not None]


def _loop(watch: Watch, role: str) -> Resource | None:
    """The loop of the busiest process of a role."""
    label, stages = LOOPS[role]
    if watch.facts.is_simulated:
        return _pool(watch, role, say("the web processes")) if role == "web" else None
    programs = watch.instances(LOOP, "program", role=role)
    if not programs:
        return _loop_by_its_own_word(watch, role)
    each = {one: watch.rate(LOOP, role=role, program=one) for one in programs}
    program = max(each, key=lambda one: float(np.nanmean(each[one])))
    wanted = np.minimum(1.0, each[program])  # what it waited is told when the wait has ended
    waited = watch.rate(LOOP, role=role, program=program, state="waited")
    allowed = _latest(watch, "rehearsal_allowed_cores", program=program)
    lag = _lag(watch, role)

    def told(chosen: BoolArray) -> Said:
        return say(
            "It ran for {ran} of the time and waited for a core for {waited}; it may use {allowed} of the machine's "
            "{cpus}. The longest that it stood still was {lag}.",
            ran=percent(average(wanted - waited, chosen), source=SOURCE),
            waited=percent(average(waited, chosen), source=SOURCE),
            allowed=number(allowed, source=SOURCE), cpus=_cpus(watch),
            lag=seconds(most(lag, chosen), source=SOURCE),
        )  # fmt: skip

    felt = (np.nan_to_num(lag) >= FELT_LAG_S) | (waited >= FELT_WAIT)
    pinned = allowed < len(watch.instances(BUSY, "core"))  # then it is no comfort that others have room
    behind = () if pinned else ("machine",)
    return Resource(role, say(label), say("one core"), wanted, wanted, felt, told, behind=behind, stages=stages)


def _loop_by_its_own_word(watch: Watch, role: str) -> Resource | None:
    """Of processes that the harness did not start: what they say of their processor time."""
    name = "registration_process_cpu_seconds_total"
    jobs = SERVING if role == "web" else (role,)
    each = [watch.rate(name, job=job, instance=own) for job in jobs for own in watch.instances(name, job=job)]
    if not each:
        return None
    ran = max(each, key=lambda one: float(np.nanmean(one)))
    lag = _lag(watch, role)

    def told(chosen: BoolArray) -> Said:
        return say(
            "The longest that it stood still was {lag}; how long it waited for a core is not known of a process that "
            "ran before.",
            lag=seconds(most(lag, chosen), source=SOURCE),
        )

    label, stages = LOOPS[role]
    felt = np.nan_to_num(lag) >= FELT_LAG_S
    return Resource(role, say(label), say("one core"), ran, ran, felt, told, behind=("machine",), stages=stages)


def _database(watch: Watch) -> Resource | None:
    """All processes of PostgreSQL together."""
    return _pool(watch, "database", say("the cores of the database"))


def _pool(watch: Watch, role: str, label: Said) -> Resource | None:
    """All processes of a role, any of which may do any of its work: of PostgreSQL, and of a simulated web role."""
    allowed = _latest(watch, "rehearsal_allowed_cores", role=role)
    if not allowed > 0:
        return None
    used = watch.rate("rehearsal_cpu_seconds_total", role=role) / allowed
    waited = watch.rate(WAITED, role=role)

    def told(chosen: BoolArray) -> Said:
        if watch.facts.is_simulated:
            return say("{waiting} requests stood in its line at any moment.",
                       waiting=number(average(waited, chosen), source=SOURCE))  # fmt: skip
        return say(
            "{waiting} of its processes waited for a core at any moment.",
            waiting=number(average(waited, chosen), source=SOURCE),
        )

    limit = say("cores: {cores}", cores=number(allowed, source=SOURCE))
    demand = used + waited / allowed
    return Resource(
        role,
        label,
        limit,
        used,
        demand,
        waited >= FELT_WAIT,
        told,
        behind=("machine",),
        stages=("steps", "assessment"),
    )


def _machine(watch: Watch) -> Resource | None:
    """All cores of the machine, whoever has them: it has room as long as the least busy one has."""
    cores = watch.instances(BUSY, "core")
    count = len(cores)
    if not count:
        return None
    busy = np.min([watch.rate(BUSY, core=core) for core in cores], axis=0)
    ours = watch.rate("rehearsal_cpu_seconds_total") / count
    waited = watch.rate(WAITED)

    def told(chosen: BoolArray) -> Said:
        return say(
            "{ours} was the rehearsal's own, swarm and partners included; {waiting} processes waited for a core at any "
            "moment.",
            ours=percent(average(ours, chosen), source=SOURCE), waiting=number(average(waited, chosen), source=SOURCE),
        )  # fmt: skip

    limit = say("cores: {cores}", cores=number(count, source=SOURCE))
    label = say("the cores of the machine")
    demand = np.where(busy >= FULL, busy + waited / count, busy)
    return Resource("machine", label, limit, busy, demand, waited >= 1.0, told, full_at=FULL)


def _lag(watch: Watch, role: str) -> FloatArray:
    return watch.mean(LAGS[role], highest=True) if role in LAGS else watch.nothing


def _latest(watch: Watch, name: str, **labels: str) -> float:
    found = watch.facts.run.samples.select(name, **labels)
    return float(found[-1][2][-1]) if found else float("nan")


def _cpus(watch: Watch) -> object:
    cpus = watch.facts.config["machine"].get("cpus")
    return "?" if cpus is None else number(float(cpus), source=SOURCE)
