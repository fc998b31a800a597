"""What the work of a simulated service costs, out of a calibration instead of the defaults of `costs`."""

from collections.abc import Iterable
from dataclasses import replace

from scenarios.calibration_file import JOB, REQUEST, Calibration, Cost, Estimate
from scenarios.journey_state import Action
from scenarios.simulation.costs import Costs

ROUTES: dict[Action, str] = {
    Action.TICKET: "tickets",
    Action.PLACE: "place",
    Action.CLAIM: "claims",
    Action.ACCOUNT: "accounts",
    Action.CODE: "codes",
    Action.CODE_AGAIN: "codes",
    Action.SESSION: "sessions",
    Action.IDENTITY: "identity",
    Action.CORRECT: "identity",
    Action.PERSONAL: "profile",
    Action.WORK: "profile",
    Action.PROGRAM: "profile",
    Action.PHOTO_CREATE: "files-create",
    Action.PHOTO_SEND: "files-patch",
    Action.PHOTO_HEAD: "files-head",
    Action.PHONE: "phone-verification",
    Action.ASSESSMENT: "assessment",
    Action.ANSWER: "answers",
    Action.SUBMIT: "submission",
    Action.LOOK: "me",
    Action.LAST_LOOK: "me",
    Action.REOPEN: "me",
    Action.JOIN: "join",
}
"""As the swarm's clients name them; a test compares."""
_MESSAGES = ("email", "sms", "identity")
"""Queues; of the worker's part in a photo nearly all is the inspection, which is told apart."""


def costs(found: Calibration, photo_mb: float, load: float = 0.0) -> Costs:
    """The costs that were fitted; what was not, an action that nobody took for one, keeps its default.

    photo_mb: mean size of a photo in the rehearsals. Of a request that sends a photo, what it costs above one that only
    asks how far it has come goes by its bytes. load: share of the machine's cores that are busy, where a role's
    processor time was found to grow with it.
    """
    found = _at_load(found, load)
    usual = Costs()
    web, database = (
        {action: cost for action, route in ROUTES.items() if (cost := _of(found, role, route)) is not None}
        for role in ("web", "database")
    )
    per_mb = usual.photo_web_s_per_mb
    if Action.PHOTO_SEND in web and Action.PHOTO_HEAD in web:
        whole, without = web[Action.PHOTO_SEND], min(web[Action.PHOTO_HEAD], web[Action.PHOTO_SEND])
        web[Action.PHOTO_SEND], per_mb = without, (whole - without) / photo_mb
    inspection = found.cost_of("worker", JOB, "photo", "done")
    return Costs(
        web_s=web,
        database_s=database,
        request_web_s=_mean(found, "web", "ok") or usual.request_web_s,
        request_database_s=_mean(found, "database", "ok") or usual.request_database_s,
        photo_web_s_per_mb=per_mb,
        poll_web_s=web.get(Action.PLACE, usual.poll_web_s),
        refusal_web_s=_mean(found, "web", "busy") or usual.refusal_web_s,
        inspection_s=inspection.seconds.value if inspection is not None else usual.inspection_s,
        sigma=usual.sigma,
        gate_s={action: cost for action, route in ROUTES.items() if (cost := _of(found, "gatekeeper", route))},
        job_worker_s=_jobs(found, "worker", _MESSAGES),
        job_database_s=_jobs(found, "database", (*_MESSAGES, "photo")),
        idle={each.role: each.idle.value for each in found.roles},
    )


def _at_load(found: Calibration, load: float) -> Calibration:
    """What requests and jobs cost while so much of the machine is busy."""

    def grown(cost: Cost, times: float) -> Cost:
        return replace(cost, seconds=Estimate(cost.seconds.value * times))

    roles = (
        replace(role, costs=tuple(grown(cost, 1.0 + role.load_term * load) for cost in role.costs))
        for role in found.roles
    )
    return replace(found, roles=tuple(roles))


def _jobs(found: Calibration, role: str, queues: tuple[str, ...]) -> dict[str, float]:
    """By queue what a job that was done cost the role."""
    costs_ = {queue: found.cost_of(role, JOB, queue, "done") for queue in queues}
    return {queue: cost.seconds.value for queue, cost in costs_.items() if cost is not None}


def _of(found: Calibration, role: str, route: str) -> float | None:
    cost = found.cost_of(role, REQUEST, route, "ok")
    return None if cost is None else cost.seconds.value


def _mean(found: Calibration, role: str, outcome: str) -> float | None:
    """Of all requests that ended so, at the mix of the rehearsals; None where there was none."""
    return _averaged(
        cost
        for each in found.roles
        if each.role == role
        for cost in each.costs
        if (cost.kind, cost.outcome) == (REQUEST, outcome)
    )


def _averaged(each: Iterable[Cost]) -> float | None:
    costs_ = list(each)
    counted = sum(cost.counted for cost in costs_)
    return sum(cost.counted * cost.seconds.value for cost in costs_) / counted if counted else None
