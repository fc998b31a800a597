"""A search for capacity without a service: probes of synthetic runs, those above 40 people a second broke."""

import json
from pathlib import Path

from scenarios import catalogue
from scenarios.capacity_record import Beyond, Capacity, Outcome, Phase, Point, Probe, Recovery, Search
from tests.unit.synthetic_run import SyntheticRun

RATES = ((Phase.RAMP, 10.0), (Phase.RAMP, 20.0), (Phase.RAMP, 40.0), (Phase.RAMP, 80.0), (Phase.BRACKET, 44.0),
         (Phase.CONFIRM, 40.0), (Phase.BEYOND, 80.0))  # fmt: skip


def search(**changes: object) -> Capacity:
    """What capacity.json holds."""
    probes = tuple(_probe(place, phase, rate) for place, (phase, rate) in enumerate(RATES, start=1))
    parts: dict[str, object] = {
        "id": "20200411-190000-synthetic-capacity",
        "night": catalogue.load("prakerja-wave-1").to_dict(),
        "order": {
            "set": "prepared", "factors": {"people": "1/100", "speed": 1.0, "pace": 20.0}, "steps": 0, "minutes": 5.0,
            "length_s": 300.0, "drain_limit_s": 300.0, "workers": 1, "replicas": 1, "seed": 1, "from_per_s": 10.0,
            "most_probes": 8, "beyond": True, "target": None, "options": {},
        },
        "machine": {"cpus": 2},
        "versions": {"launchnight": "0.1"},
        "probes": probes,
        "search": Search(40.0, 44.0, {"goodput": 41.0, "objectives": 42.0}, 42.0),
        "beyond": Beyond(41.0, (Point(2.0, 84.0, 40.0, 0.976, "probes/07", "it broke"),)),
        "recovery": Recovery(20.0, 84.0, 30.0, 100.0, 900.0, 44.0, 120.0, "probes/07"),
    }  # fmt: skip
    return Capacity(**{**parts, **changes})  # type: ignore[arg-type]


def _probe(number: int, phase: Phase, rate: float) -> Probe:
    held = rate <= 40.0
    outcome, why = (Outcome.HELD, "all objectives are met") if held else (Outcome.BROKE, "answers were too slow")
    folder, code = f"probes/{number:02d}", 0 if held else 3
    return Probe(number, phase, rate, 1, folder, outcome, why, code, min(rate, 41.0), max(0.0, rate - 41.0))


def write(folder: Path, capacity: Capacity | None = None, *, runs: bool = True) -> Path:
    """The folder of a search; its runs have people and processors in proportion to their rates."""
    found = search() if capacity is None else capacity
    folder.mkdir(parents=True, exist_ok=True)
    found.write(folder)
    for probe in found.probes if runs else ():
        run = SyntheticRun(planned=round(4 * probe.offered_per_s))
        run.config["night"] = json.loads(json.dumps(found.night))
        run.write(folder / probe.folder, scrape_s=65.0)
    return folder
