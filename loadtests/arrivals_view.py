"""`launchnight arrivals NIGHT`: the plan that a run would have, drawn, with what the generator needs for it."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from loadtests import curve_drawing, needs
from loadtests.run_settings import OPTIONS, RunSettings, SettingsRefused
from scenarios.arrivals import SHARDS, Plan

USAGE = 2
_ROWS = 8
_BARS = 96
"""Bars of the chart, or as many as the terminal is wide."""


@dataclass(frozen=True)
class Drawn:
    """A plan and what it was made from."""

    settings: RunSettings
    plan: Plan
    needed: needs.Needs

    @property
    def source(self) -> str:
        return self.settings.arrivals or f"{self.settings.night.name}, {self.settings.reading} reading"

    @property
    def title(self) -> str:
        asked = self.settings
        return (
            f"{self.source}: people {asked.people}, speed {asked.speed:g}, {asked.minutes:g} min, "
            f"seed {asked.seed}, {asked.spacing} spacing"
        )

    def figures(self) -> dict[str, Any]:
        due, plan = self.plan.due, self.plan
        return {
            "planned": plan.planned,
            "plan_hash": plan.hash,
            "first_s": round(float(due[0]), 6) if plan.planned else None,
            "last_s": round(float(due[-1]), 6) if plan.planned else None,
            "busiest_second": plan.most_within(1.0),
            "busiest_minute": plan.most_within(60.0),
            "needs": self.needed.to_dict(),
        }


def show(options: Namespace) -> int:
    """Print and draw the plan; returns the exit code."""
    try:
        settings, workers = _settings(options)
        plan = settings.plan()
    except (SettingsRefused, ValueError) as refused:
        for line in str(refused).splitlines():
            print(f"launchnight: {line}", file=sys.stderr)
        return USAGE
    needed = needs.needs(plan, settings.night.population, settings.pace, settings.steps, workers)
    drawn = Drawn(settings, plan, needed)
    if options.svg:
        path = Path(options.svg)
        try:
            path.write_text(curve_drawing.plan_svg(plan.due, drawn.title), encoding="utf-8")
        except OSError as error:
            print(f"launchnight: cannot write {path}: {error.strerror}; name another file with --svg", file=sys.stderr)
            return USAGE
    if options.json:
        print(json.dumps(drawn.figures()))
        return 0
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for line in _text(drawn, console.width, workers):
        console.print(line)
    if options.svg:
        console.print(f"\nThe plan is drawn in {options.svg}")
    return 0


def _settings(options: Namespace) -> tuple[RunSettings, int]:
    """Those of a swarm that is told the same, and its workers. Raises SettingsRefused."""
    given = {name: value for name, value in vars(options).items() if name not in ("run", "svg", "json", "workers")}
    given["reading"] = given["reading"] or ""
    defaults = {facts.get("dest", name[2:].replace("-", "_")): facts["default"] for name, facts in OPTIONS}
    faults = []
    for name, kind in (("speed", float), ("pace", float), ("seed", int), ("steps", int)):
        try:
            given[name] = kind(given[name])
        except ValueError:
            faults.append(f"--{name}: must be a {'whole ' if kind is int else ''}number, not {given.pop(name)!r}")
    if not options.workers.isdecimal():
        faults.append(f"--workers: must be a whole number, 0 for as many as are needed, not {options.workers!r}")
    try:
        settings = RunSettings.parse(Namespace(**defaults | given), "http://127.0.0.1")  # as if it were here
    except SettingsRefused as refused:
        raise SettingsRefused("\n".join([*faults, str(refused)])) from None
    if faults:
        raise SettingsRefused("\n".join(faults))
    return settings, int(options.workers)


def _text(drawn: Drawn, width: int, workers: int) -> Iterator[str]:
    figures, plan = drawn.figures(), drawn.plan
    yield drawn.title
    yield f"planned   {plan.planned:,} applicants; the hash is the same for any number of workers: {plan.hash}"
    if not plan.planned:
        return
    sizes = np.bincount(np.arange(plan.planned) % SHARDS, minlength=SHARDS)
    yield f"shards    {SHARDS}, of {sizes.min():,} to {sizes.max():,} applicants"
    yield f"arrivals  from {figures['first_s']:,.3f} s to {figures['last_s']:,.3f} s after the opening, in real time"
    yield f"busiest   {figures['busiest_second']:,} in a second, {figures['busiest_minute']:,} in a minute"
    bins = min(_BARS, max(width - 4, 1))
    end = float(plan.due[-1]) or 1.0
    counts = np.histogram(plan.due, bins=bins, range=(0.0, end))[0]
    each = end / bins
    yield f"\nApplicants in each {each:,.3g} s, at most {counts.max():,}"
    for line in curve_drawing.bars(counts.tolist(), _ROWS):
        yield f"  │{line}"
    yield f"  └{'─' * bins}\n"
    sources = needs.sources_to(drawn.settings.host)
    yield from needs.lines(drawn.needed, needs.machine(), workers=workers, sources=sources)
