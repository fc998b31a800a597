"""The bottleneck: which resource was at its limit while work waited behind it, and which one would be next.

A resource is at its limit where its use is near 1 and somebody feels the wait. One that is full only because others
hold it for long (the door because of connections, these because of a slow database) gives way to them. Of several left
the one of which most was asked for its limit is named: it lets the fewest people through. Work that people do not wait
for (identity numbers, inspections) is named only where nothing that they wait for was at its limit.
"""

from dataclasses import dataclass

import numpy as np

from reports.cores import cores
from reports.database_use import database
from reports.doors import doors
from reports.facts import Facts
from reports.lanes import lanes
from reports.resources import SPAN_S, Resource, Watch, average
from reports.statistics import BoolArray, FloatArray
from reports.wording import Said, number, percent, say

__all__ = ("ANCHOR", "SOURCE", "SPAN_S", "Named", "Near", "at_limit", "find")

ANCHOR = "why"
SOURCE = f"#{ANCHOR}"
HELD_BACK = 0.6
"""What is enough while the gate lets fewer people in for its sake: it does not let it get any fuller."""
LEAST_MOMENTS = 3
"""So many moments, 14 s in all: shorter is a burst."""


@dataclass(frozen=True)
class Near:
    """How near its limit a resource came in the stretch that is judged."""

    id: str
    label: Said
    limit: Said
    use: float
    """Share of its limit, the mean."""
    demand: float
    """What was asked of it, as a share of its limit."""
    holds_per_s: float
    """People let in a second with whom it would be just full: extrapolated; nan when not known."""
    told: Said
    """What waited behind it."""


@dataclass(frozen=True)
class Named:
    """The answer. resource: None when none was at its limit; `why_not` then says so, or what is not known."""

    resource: Near | None
    evidence: tuple[Said, ...]
    next: Near | None
    """What would be the limit if `resource` were removed; the nearest one when there is none."""
    why_not: Said
    all: tuple[Near, ...]
    """Every resource that is known, in the same stretch, the nearest first."""
    start_s: float
    end_s: float
    """The stretch."""
    uses: dict[str, FloatArray]
    """Of each resource, by id, its use at `moments`."""
    moments: FloatArray
    """Seconds since the doors opened."""


def find(facts: Facts) -> Named:
    """Name the bottleneck of a run. A function of the record alone; see `Named`."""
    watch = Watch(facts)
    resources = [each for each in (*cores(watch), *database(watch), *doors(watch), *lanes(watch)) if _known(each)]
    if not resources:
        because = say("not known, because no use of any resource was recorded")
        return Named(None, (), None, because, (), 0.0, facts.end_s, {}, watch.moments)
    full = {each.id: at_limit(watch, each) for each in resources}
    causes = [each for each in resources if _long(full[each.id]) and not _explained(each, full)]
    first = max(causes, key=lambda each: (each.awaited, average(each.demand, full[each.id])), default=None)
    stretch = full[first.id] if first else _load(watch)
    ranked = sorted((_near(watch, each, stretch) for each in resources), key=lambda near: near.demand, reverse=True)
    symptoms = {each.id for each in resources if first and first.id in (each.id, *each.behind)}
    behind = next((near for near in ranked if near.id not in symptoms), None)
    named = next((near for near in ranked if first and near.id == first.id), None)
    start, end = _span(watch, stretch)
    why_not = Said(()) if named else _none(behind)
    uses = {each.id: each.use for each in resources}
    evidence = _evidence(named, behind, start, end, _lasted(watch, stretch))
    return Named(named, evidence, behind, why_not, tuple(ranked), start, end, uses, watch.moments)


def at_limit(watch: Watch, resource: Resource) -> BoolArray:
    """Where the resource is at its limit with somebody waiting, or the gate holds people back for its sake."""
    bound = watch.never
    for stage in resource.stages:
        bound |= watch.mean("registration_waiting_room_bound", highest=True, stage=stage) >= 0.5
    held = bound & (watch.mean("registration_waiting_room_live_people", highest=True) >= 1.0)
    use = np.nan_to_num(resource.use)
    return ((use >= resource.full_at) & resource.felt) | ((use >= HELD_BACK) & held)


def _known(resource: Resource) -> bool:
    return bool(np.isfinite(resource.use).any())


def _long(full: BoolArray) -> bool:
    return int(full.sum()) >= min(LEAST_MOMENTS, len(full))


def _explained(resource: Resource, full: dict[str, BoolArray]) -> bool:
    """Whether something behind it was at its limit for at least half of the time that it was."""
    own = full[resource.id]
    return any(
        _long(full[other]) and 2 * int((full[other] & own).sum()) >= int(own.sum())
        for other in resource.behind
        if other in full
    )


def _load(watch: Watch) -> BoolArray:
    """While people arrived, and shortly after."""
    until = float(watch.facts.config["last_arrival_s"] or 0.0) + watch.span_s
    during: BoolArray = watch.moments <= until
    return during if during.any() else ~watch.never


def _span(watch: Watch, stretch: BoolArray) -> tuple[float, float]:
    moments = watch.moments[stretch]
    return float(moments[0]) - watch.span_s, float(moments[-1])


def _lasted(watch: Watch, stretch: BoolArray) -> float:
    """Seconds that the stretch is long without the gaps in it."""
    return watch.span_s + float(np.minimum(np.diff(watch.moments[stretch]), watch.span_s).sum())


def _near(watch: Watch, resource: Resource, stretch: BoolArray) -> Near:
    came = average(_let_in(watch), stretch)
    demand = average(resource.demand, stretch)
    holds = came / demand if demand > 0 else float("nan")
    use = average(resource.use, stretch)
    return Near(resource.id, resource.label, resource.limit, use, demand, holds, resource.told(stretch))


def _let_in(watch: Watch) -> FloatArray:
    """People a second who were let in; where nothing lets in, people who came."""
    known = np.isfinite(watch.facts.people["admitted_at"]).any()
    return watch.people("admitted_at" if known else "started")


def _none(nearest: Near | None) -> Said:
    if nearest is None or not np.isfinite(nearest.demand):
        return say("not known, because nothing was at its limit")
    return say(
        "not known, because nothing was at its limit with work waiting behind it; the nearest was {label}, at {use}",
        label=nearest.label, use=percent(nearest.use, source=SOURCE),
    )  # fmt: skip


def _evidence(named: Near | None, behind: Near | None, start: float, end: float, lasted: float) -> tuple[Said, ...]:
    if named is None:
        return ()
    found = [
        say(
            "{label}: {use} of its limit ({limit}) was in use for {lasted} s in all, between {start} s and {end} s "
            "after the opening.",
            label=named.label, use=percent(named.use, source=SOURCE), limit=named.limit,
            lasted=number(lasted, source=SOURCE), start=number(start, source=SOURCE), end=number(end, source=SOURCE),
        ),
        named.told,
    ]  # fmt: skip
    if behind is not None and np.isfinite(behind.holds_per_s):
        found.append(
            say(
                "Next would be {label}: {demand} of what it can do was asked of it, {holds} people/s fill it.",
                label=behind.label,
                demand=percent(behind.demand, source=SOURCE),
                holds=number(behind.holds_per_s, source=SOURCE),
            )
        )
    return tuple(found)
