"""A calibration out of rehearsals: which windows count, what requests took and cost in them, and how sure that is."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scenarios.calibration_file import ROLES, SCHEMA, Calibration, CalibrationError, Refused, Role, Seen, Source
from scenarios.counters import FloatArray
from scenarios.record import Run
from scenarios.simulation import demands, service_times, windows
from scenarios.simulation.estimates import Redraw
from scenarios.simulation.service_times import Progress
from scenarios.simulation.windows import Windows

CALM = 0.3
"""Share of its core that the web role's loop wants at most where hardly a request waits for another."""


@dataclass(frozen=True)
class Asked:
    """What a calibration is made with. calm: share of a core."""

    name: str
    width_s: float = windows.WIDTH_S
    calm: float = CALM
    redraw: Redraw = field(default_factory=Redraw)


def made(runs: Sequence[Run], asked: Asked, tell: Progress = lambda text: None) -> Calibration:
    """The calibration of these rehearsals.

    Raises CalibrationError where they are not of one service, or where nothing can be fitted: with each window that was
    refused, and why.
    """
    if faults := unlike(runs):
        raise CalibrationError(faults)
    tell("cutting the runs into windows")
    cuts = [windows.cut(run, asked.width_s) for run in runs]
    steady = sum(int(each.steady.sum()) for each in cuts)
    if steady < demands.FEWEST_WINDOWS:
        fewest = f"{steady} steady windows of {asked.width_s:g} s; {demands.FEWEST_WINDOWS} are needed at least"
        raise CalibrationError([*_refusals(cuts), fewest])
    roles = _roles(cuts, asked, tell)
    if not roles:
        raise CalibrationError(["the records hold no processor time of any role of the service"])
    times, doubts = service_times.found(cuts, asked.calm, asked.redraw, tell)
    return Calibration(
        schema=SCHEMA,
        name=asked.name,
        window_s=asked.width_s,
        calm=asked.calm,
        runs=tuple(_source(each, asked.calm) for each in cuts),
        seen=_seen(cuts),
        times=tuple(times),
        roles=tuple(roles),
        doubts=(*doubts, *_starved(cuts), *(words for role in roles for words in _doubts(role))),
    )


def unlike(runs: Sequence[Run]) -> list[str]:
    """In what the runs are not of one service on one machine, or are one run twice."""
    ids = [str(run.config["id"]) for run in runs]
    faults = [f"{each}: is given twice" for each in sorted({each for each in ids if ids.count(each) > 1})]
    for what, of in _SAME.items():
        told = {each: of(run) for each, run in zip(ids, runs, strict=True)}
        if len(set(told.values())) > 1:
            words = "; ".join(f"{each}: {value}" for each, value in told.items())
            faults.append(f"the runs differ in their {what}: {words}")
    return faults


_SAME: dict[str, Callable[[Run], str]] = {
    "service": lambda run: str(run.config["versions"].get("service code", "not told")),
    "processors": lambda run: str(run.config["machine"].get("cpus", "not told")),
    "settings of the service": lambda run: str(sorted(_settings(run).items())),
    "cores that programs were held to": lambda run: str(sorted(_pins(run).items())),
}


# ---------------------------------------------------------------- processor time


def _roles(cuts: Sequence[Windows], asked: Asked, tell: Progress) -> list[Role]:
    """Every role whose processor time the records hold."""
    loop = demands.loop_times(cuts)
    found = []
    for role in ROLES:
        rows = demands.rows_of(cuts, role)
        if rows.used.any():
            tell(f"processor time of the role {role}")
            costs = demands.priors(rows, loop, _inspection_s(cuts) if role == "worker" else None)
            found.append(demands.fit(role, rows, costs, loop if role == "web" else {}, asked.redraw))
    return found


def _inspection_s(cuts: Sequence[Windows]) -> float | None:
    """Mean time of an inspection in steady windows."""
    spent, count = (
        sum(float(each.gained(f"{service_times.INSPECTED}_{part}")[each.steady].sum()) for each in cuts)
        for part in ("sum", "count")
    )
    return spent / count if count else None


def _starved(cuts: Sequence[Windows]) -> list[str]:
    """What a reader should know of windows without cores enough."""
    starved = sum(1 for each in cuts for window in each.all if window.starved and not window.refused)
    steady = sum(int(each.steady.sum()) for each in cuts)
    told = (
        f"in {starved} of {steady} steady windows the service waited for cores, or these for the machine's host: their "
        "times are left out, and costs may be too high, for caches were shared; rehearse on a machine that does "
        "nothing else"
    )
    return [told] if starved else []


def _doubts(role: Role) -> list[str]:
    """What a reader of this role's times should know."""
    found = []
    if role.condition > demands.MOST_CONDITION:
        found.append(
            f"{role.role}: what idles and what requests cost cannot be told apart (condition number "
            f"{role.condition:.0f}, {demands.MOST_CONDITION:.0f} is too much): rehearse at unequal loads"
        )
    groups = len({cost.group for cost in role.costs})
    if groups < len(role.costs):
        found.append(
            f"{role.role}: {len(role.costs)} kinds of work are told in {groups} groups, for they came in the same "
            "proportions, were too rare or too cheap, or windows were too few: rehearse longer, with unequal mixes"
        )
    return found


# ---------------------------------------------------------------- what it stands on


def _seen(cuts: Sequence[Windows]) -> Seen:
    """The loads of the steady windows."""
    steady = [window for each in cuts for window in each.all if not window.refused]
    highest: dict[str, float] = {}
    for each in cuts:
        by_route: dict[str, FloatArray] = {}
        for work, counts in demands.requests_of(each).items():
            by_route[work.name] = by_route.get(work.name, 0.0) + counts
        for route, counts in by_route.items():
            per_s = (counts / each.width_s)[each.steady]
            highest[route] = max(highest.get(route, 0.0), float(per_s.max(initial=0.0)))
    return Seen(
        requests_per_s_low=min(window.requests_per_s for window in steady),
        requests_per_s_high=max(window.requests_per_s for window in steady),
        busy_low=min(window.busy for window in steady),
        busy_high=max(window.busy for window in steady),
        routes_per_s_high={route: highest[route] for route in sorted(highest)},
    )


def _source(of: Windows, calm: float) -> Source:
    config = of.run.config
    return Source(
        run=str(config["id"]),
        digest=digest(of.run.folder),
        cpus=int(config["machine"].get("cpus") or 0),
        memory_bytes=float(config["machine"]["memory_bytes"]),
        replicas=int(config.get("stack", {}).get("replicas") or 1),
        versions=dict(config["versions"]),
        settings=_settings(of.run),
        pins=_pins(of.run),
        steady=int(of.steady.sum()),
        calm=int(of.calm(calm).sum()),
        refused=tuple(
            Refused(each.start_s, each.end_s, why) for each in of.all if (why := each.refused or each.starved)
        ),
    )


def digest(folder: Path) -> str:
    """SHA-256 over what a calibration reads of a run."""
    told = hashlib.sha256()
    for name in ("run.json", "samples.npz"):
        told.update((folder / name).read_bytes())
    return told.hexdigest()


def _settings(run: Run) -> dict[str, str]:
    return dict(run.config.get("stack", {}).get("settings", {}))


def _pins(run: Run) -> dict[str, str]:
    return dict(run.config.get("stack", {}).get("pins", {}))


def _refusals(cuts: Sequence[Windows]) -> list[str]:
    """Each refused window by name."""
    return [
        f"{each.run.config['id']}, {window.start_s:.0f} to {window.end_s:.0f} s: {window.refused}"
        for each in cuts
        for window in each.all
        if window.refused
    ]
