"""The page of a search for capacity: the answer first, then the probes, what lies beyond, and the proof."""

from collections.abc import Callable
from typing import Any

from reports import answer, extrapolation, search_figures, why
from reports.answer import headline
from reports.drawing import Table
from reports.first_page import unknown
from reports.names import FACTORS, named
from reports.search import Searched
from reports.search_verdict import OUTCOMES, PHASES, PROBE_OUTCOMES, SearchVerdict
from reports.stated import Stated
from reports.wording import Quoted, Said, count, listed, number, percent, recorded, say, seconds
from scenarios.capacity_record import Beyond, Probe, Recovery

Section = Callable[[Searched, SearchVerdict], dict[str, Any] | None]
"""What a section's template `sections/NAME.html.j2` is filled with; None leaves the section out."""


def title(searched: Searched) -> Said:
    """The night and how it was searched, in a few words."""
    order, factors = searched.capacity.order, searched.capacity.order["factors"]
    steps = order.get("steps")
    journeys = say("the first {steps} steps", steps=str(steps)) if steps else say("whole journeys")
    played = say("set {set}, people {share}", set=order["set"], share=factors["people"])
    return listed((Quoted(searched.capacity.night["title"]), say("search for capacity"), journeys, played), " · ")


def first_page(searched: Searched, verdict: SearchVerdict) -> dict[str, Any]:
    return {
        "outcome": say(OUTCOMES[verdict.outcome]),
        "headline": headline(verdict.answer),
        "answers": verdict.answer,
        "unknowns": unknowns(searched, verdict.answer),
    }


def unknowns(searched: Searched, answers: list[Stated]) -> list[Said]:
    """What the search does not say, each with the reason."""
    found = searched.capacity
    told = unknown(answers)
    beyond, jump = say("Goodput beyond the capacity"), say("Time to recover from a jump")
    lacking = (
        (beyond, found.beyond, found.beyond and found.beyond.not_known_because),
        (jump, found.recovery, found.recovery and found.recovery.not_known_because),
    )
    for what, part, because in lacking:
        if part is None:
            told.append(say("{what}: not known, because it was not played.", what=what))
        elif because:
            told.append(say("{what}: not known, because {reason}.", what=what, reason=recorded(because)))
    told.append(say("How several replicas or machines share the load: not known, because one stack was searched."))
    return told


def probes(searched: Searched) -> Table:
    """Each probe with what came of it, in the order they were played."""
    rows = [_row(place, probe) for place, probe in enumerate(searched.capacity.probes)]
    head = [say("probe"), say("for"), say("offered, people/s"), say("finished, people/s"),
            say("more under way, people/s"), say("outcome"), say("why")]  # fmt: skip
    return Table(head, rows)


def _row(place: int, probe: Probe) -> list[str]:
    at = f"capacity:probes.{place}"
    return [
        count(probe.number, source=f"{at}.number"),
        say(PHASES[probe.phase]),
        number(probe.offered_per_s, source=f"{at}.offered_per_s"),
        number(probe.goodput_per_s, source=f"{at}.goodput_per_s"),
        number(probe.grew_per_s, source=f"{at}.grew_per_s"),
        say(PROBE_OUTCOMES[probe.outcome]),
        recorded(probe.why),
    ]


def methods(searched: Searched) -> list[Said]:
    """What each knee method found."""
    found = searched.capacity.search.methods
    goodput, objectives = _knee(found, "goodput"), _knee(found, "objectives")
    words = {
        "goodput": say("By goodput, where fewer finish than come, the knee is at {rate} people/s.", rate=goodput),
        "objectives": say("By objectives, where the first one breaks, it is at {rate} people/s.", rate=objectives),
    }
    return [words[name] for name in words if found.get(name) is not None]


def _knee(found: dict[str, float | None], name: str) -> str:
    return number(found.get(name), source=f"capacity:search.methods.{name}")


def past(searched: Searched) -> dict[str, Any] | None:
    """What the service does with more people than it can serve; None where that was not played."""
    beyond, recovery = searched.capacity.beyond, searched.capacity.recovery
    if beyond is None and recovery is None:
        return None
    return {"beyond": None if beyond is None else _beyond(beyond), "recovery": _recovery(recovery)}


def _beyond(beyond: Beyond) -> Table | None:
    rows = []
    for place, point in enumerate(beyond.points):
        at = f"capacity:beyond.points.{place}"
        rows.append([
            say("{times} times the capacity", times=number(point.times, source=f"{at}.times")),
            number(point.offered_per_s, source=f"{at}.offered_per_s"),
            number(point.goodput_per_s, source=f"{at}.goodput_per_s"),
            percent(point.kept, source=f"{at}.kept"),
            recorded(point.why),
        ])  # fmt: skip
    head = [say("load"), say("offered, people/s"), say("finished, people/s"), say("of the most ever finished"),
            say("how it ended")]  # fmt: skip
    return Table(head, rows) if rows else None


def _recovery(recovery: Recovery | None) -> Said | None:
    if recovery is None or recovery.calm_per_s is None:
        return None
    at = "capacity:recovery"
    told = {
        "jump": number(recovery.jump_per_s, source=f"{at}.jump_per_s"),
        "lasted": seconds(recovery.jump_s, source=f"{at}.jump_s"),
        "calm": number(recovery.calm_per_s, source=f"{at}.calm_per_s"),
        "level": count(recovery.level, source=f"{at}.level"),
        "most": count(recovery.most, source=f"{at}.most"),
    }
    jumped = say("After a jump from {calm} to {jump} people/s for {lasted} as many as {most} people were under way, "
                 "{level} before it", **told)  # fmt: skip
    if recovery.recovered_s is None:
        return say("{jumped}; that they were as few again was not seen.", jumped=jumped)
    after = seconds(recovery.recovered_s, source=f"{at}.recovered_s")
    return say("{jumped}; {after} later they were as few again.", jumped=jumped, after=after)


def proof(searched: Searched, verdict: SearchVerdict) -> dict[str, Any] | None:
    probe = searched.measured
    if probe is None:
        return None
    growth = extrapolation.of_runs(list(searched.runs.values()), answer.law_of(searched))
    return answer.proof(searched.runs[probe.number], growth, verdict.answer, probe)


def limit(searched: Searched, verdict: SearchVerdict) -> dict[str, Any] | None:
    """What was full first in the lowest rate that broke, or the highest one that held."""
    return None if searched.strained is None else why.view(searched.strained)


def order(searched: Searched) -> Table:
    """What was asked, and of which machine."""
    found = searched.capacity
    factors = listed(
        (listed((named(name, FACTORS), str(value)), " ") for name, value in found.order["factors"].items()), ", "
    )
    rows: list[list[str]] = [
        [say("search"), found.id],
        [say("night"), f"{found.night['name']}, {found.order['set']}"],
        [say("factors"), factors],
        [say("minutes of a probe"), number(found.order["minutes"], source="capacity:order.minutes")],
        [say("swarm workers"), count(found.order["workers"], source="capacity:order.workers")],
        [say("replicas of the web role"), count(found.order["replicas"], source="capacity:order.replicas")],
        [say("seed"), str(found.order["seed"])],
        [say("machine"), ", ".join(f"{name} {value}" for name, value in found.machine.items())],
        [say("versions"), ", ".join(f"{name} {value}" for name, value in found.versions.items())],
    ]
    return Table([say("what"), say("value")], rows)


SECTIONS: dict[str, Section] = {
    "search_first": first_page,
    "search": lambda searched, verdict: {
        "probes": probes(searched),
        "methods": methods(searched),
        "pictures": search_figures.view(searched),
    },
    "past": lambda searched, verdict: past(searched),
    "why": limit,
    "scalability": lambda searched, verdict: search_figures.scalability(searched),
    "proof": proof,
    "search_run": lambda searched, verdict: {"order": order(searched)},
}
"""In the order of the page."""
