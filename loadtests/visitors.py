"""Who goes by pages and who only looks, as a command line says it for the swarm and for a rehearsal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `launchnight --help` reads the options too, and is quick
    from scenarios.catalogue import Night

OPTIONS = {
    "onlookers": "people who only look, for each applicant (the night's own; 0 with --steps)",
    "without_javascript": "share of the people who go by pages (the night's own; 0 with --steps)",
}
"""Name as in the parsed options -> help."""


def with_visitors(night: Night, *, onlookers: str, without_javascript: str, steps: int, faults: list[str]) -> Night:
    """The night with what was asked for; an empty text leaves the night's own.

    steps: of applicants who leave after some answers: they speak to anything that knows the API, where pages would be
    asked for in vain. faults: takes a line for each text that cannot be used.
    """
    for name, text in (("onlookers", onlookers), ("without_javascript", without_javascript)):
        said = text or ("0" if steps else "")
        try:
            night = night.with_visitors(**{name: float(said)}) if said else night
        except ValueError as fault:
            faults.append(f"--{name.replace('_', '-')} {text}: {fault}")
    return night
