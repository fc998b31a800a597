"""The report as one HTML file: no scripts, nothing fetched, every figure with its data."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports import (
    answer,
    capacity_page,
    clock_check,
    extrapolation,
    figures,
    first_page,
    laws,
    simulated,
    tables,
    travelers,
    why,
    work,
)
from reports.aside import Aside
from reports.facts import Facts
from reports.responses import api_answers
from reports.search import Searched
from reports.search_verdict import SearchVerdict
from reports.svg import shared_looks
from reports.verdict import Verdict
from reports.wording import Quoted, Said, Told, count, language, listed, number, recorded, say, seconds

TEMPLATES = Path(__file__).parent / "templates"


Section = Callable[[Facts, Verdict], dict[str, Any] | None]
"""What a section's template `sections/NAME.html.j2` is filled with; None leaves the section out."""

SECTIONS: dict[str, Section] = {
    "first_page": first_page.view,
    "objectives": lambda facts, verdict: {},
    "proof": lambda facts, verdict: answer.proof(facts, extrapolation.of_runs([facts]), verdict.answer),
    "figures": lambda facts, verdict: _figures(facts),
    "mapping": lambda facts, verdict: {"mapping": tables.mapping()},
    "ledgers": lambda facts, verdict: {"ledgers": tables.ledgers(verdict)},
    "fates": lambda facts, verdict: {"fates": tables.fates(facts), "manners": tables.manners(facts)},
    "travelers": lambda facts, verdict: travelers.view(facts),
    "why": lambda facts, verdict: why.view(facts),
    "cpu": lambda facts, verdict: {"cpu": tables.cpu(verdict), "simulated": facts.is_simulated},
    "work": lambda facts, verdict: work.view(facts),
    "generator": lambda facts, verdict: {
        "audits": None if verdict.generator is None else tables.audits(verdict.generator),
        "latency": tables.latency(facts),
    },
    "little": lambda facts, verdict: clock_check.view(facts),
    "scalability": lambda facts, verdict: laws.of_run(facts),
    "scale": lambda facts, verdict: {
        "simulated": facts.is_simulated,
        "factors": tables.factors(facts),
        "rounded": [recorded(remark) for remark in facts.config["rounded"]],
        "rates": tables.rates(facts),
    },
    "simulated": simulated.view,
    "methods": lambda facts, verdict: {
        "clocks": _clocks(facts),
        "shared": _shared(facts),
        "pace": number(facts.pace, source="config:factors.pace"),
    },
    "run": lambda facts, verdict: {
        "configuration": simulated.configuration(facts) if facts.is_simulated else tables.configuration(facts),
        "figures_of_night": tables.night_figures(facts),
    },
}
"""In the order of the page."""
OF_MEASUREMENTS = ("generator", "little", "scalability", "methods")
"""Sections that only a measurement can fill."""
ASIDE: dict[str, Callable[[Facts], dict[str, Any] | None]] = {
    "figures": lambda facts: _figures(facts),
    "work": work.view,
}
"""About half of the work, which needs no verdict."""
MANY = 250_000
"""People of a record from which on a second core is worth its start."""


Made = dict[str, dict[str, Any] | None]
"""What sections are filled with, by name."""


def begun(facts: Facts) -> Aside[Made] | None:
    """The sections of ASIDE, from now on in the making on another core; None where that is not worth its start."""
    if len(facts.people["number"]) < MANY:
        return None
    return Aside(lambda: {name: view(facts) for name, view in ASIDE.items()})


def render(facts: Facts, verdict: Verdict, aside: Aside[Made] | None = None) -> str:
    """The page of a run. A function of the record alone: the same folder gives the same bytes."""
    names = [name for name in SECTIONS if not (facts.is_simulated and name in OF_MEASUREMENTS)]
    told = {name: SECTIONS[name](facts, verdict) for name in names if aside is None or name not in ASIDE}
    made = told if aside is None else {**told, **aside.result()}
    return page(title(facts), verdict, {name: made[name] for name in names})


def _figures(facts: Facts) -> dict[str, Any]:
    return {"pictures": figures.all_pictures(facts), "faults": tables.faults(facts)}


def render_search(searched: Searched, verdict: SearchVerdict) -> str:
    """The page of a search for capacity. A function of its folder alone."""
    told = {name: view(searched, verdict) for name, view in capacity_page.SECTIONS.items()}
    return page(capacity_page.title(searched), verdict, told)


class Outcome(Protocol):
    """What a page says of itself to programs."""

    @property
    def outcome(self) -> str: ...
    @property
    def exit_code(self) -> int: ...


def page(heading: Said, verdict: Outcome, told: Mapping[str, dict[str, Any] | None]) -> str:
    """One HTML file out of sections: what each one's template is filled with, by name, in order."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, finalize=marked,
    )  # fmt: skip
    environment.filters["plain"] = str  # for attributes, which hold no markup
    environment.globals.update(say=say, count=count, language=language(), title=heading, verdict=verdict)
    sections, looks = shared_looks(
        [
            environment.get_template(f"sections/{name}.html.j2").render(values)
            for name, values in told.items()
            if values is not None
        ]
    )
    return environment.get_template("report.html.j2").render(sections=map(_lean, sections), looks=Markup(looks))


def _lean(section: str) -> Markup:
    """Without the ends of cells and rows: HTML knows them by what follows, and a page has thousands."""
    return Markup(re.sub(r"</t[dhr]>\s*", "", section))


def marked(value: Any) -> Any:
    """What the page shows: a number from the record says where it comes from."""
    if isinstance(value, Said):
        return Markup("").join(marked(part) for part in value.parts)
    if isinstance(value, Quoted) and language() != "en":
        return Markup('<span lang="en">{}</span>').format(str(value))
    if isinstance(value, Told) and value.source:
        return Markup('<data value="{}" data-source="{}">{}</data>').format(
            _digits(value.value), value.source, str(value)
        )
    return value


def _digits(value: float) -> str:
    """Whole numbers whole, others with eight digits: more than a source is held to."""
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.8g}"


def title(facts: Facts) -> Said:
    """The night and how it was played, in a few words."""
    night, config = facts.config["night"], facts.config
    clients = [] if facts.all_punctual else [say("clients {manners}", manners=facts.manners)]
    played = say("{arrivals}, set {set}", arrivals=facts.arrivals, set=config["set"])
    people = say("people {share}", share=config["factors"]["people"])
    kind = [say("simulated night")] if facts.is_simulated else []
    return listed((*kind, Quoted(night["title"]), played, people, *clients), " · ")


def _clocks(facts: Facts) -> str:
    """Corrected latency in this run's own numbers, uploads left out."""
    service, scheduled = api_answers(facts, "swarm_request_seconds"), api_answers(facts)
    if not service.total:
        return ""
    p99 = [seconds(one.quantile(0.99)) for one in (service, scheduled)]
    return say("p99 {service} as service time, {scheduled} from the intended start", service=p99[0], scheduled=p99[1])


def _shared(facts: Facts) -> Said:
    """What ran on the one machine, and what that has."""
    machine = facts.config["machine"]
    memory = number(float(machine.get("memory_bytes", 0)) / 2**30)
    has = say("{cpus} processors and {memory} GiB of memory", cpus=machine.get("cpus", "?"), memory=memory)
    if facts.stack["started"]:
        return say("Service, database, partners and swarm shared {machine}.", machine=has)
    return say("Swarm and harness shared {machine}.", machine=has)
