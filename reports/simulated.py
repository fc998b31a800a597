"""What a report says of a night that was simulated: with what, on which assumptions, and how its laws stood.

Nothing of it was measured. So the first page says it first, answers are of the kind "simulated", and the sections that
only a measurement can fill are left out: reports.html knows which.
"""

from dataclasses import replace
from typing import Any

from reports.drawing import Table
from reports.facts import Facts
from reports.names import PARTS, named
from reports.stated import Stated
from reports.wording import Said, Told, count, number, percent, recorded, say, seconds

DIGITS = 12
"""Of a digest that are shown; run.json has all."""
PROTECTIONS = ("waiting_room", "overload_limit", "bounded_queues", "partner_pacing", "drop_abandoned_work")


def told(facts: Facts) -> dict[str, Any] | None:
    """What the first page is filled with beside the rest; None of a rehearsal."""
    if not facts.is_simulated:
        return None
    return {
        "sentences": [say("This night was simulated person by person, not rehearsed: nothing here was measured."),
                      _costs(facts), _resources(facts)],
        "assumptions": [recorded(one) for one in facts.simulation["assumptions"]],
        "remarks": [recorded(one) for one in facts.simulation["remarks"]],
    }  # fmt: skip


def _costs(facts: Facts) -> Said:
    """Where the costs of work come from."""
    found = facts.simulation["calibration"]
    if found["name"]:
        return say(
            "What work costs is that of the calibration {name} (digest {digest}), fitted to rehearsals.",
            name=found["name"], digest=found["digest"][:DIGITS],
        )  # fmt: skip
    costs = facts.simulation["costs"]
    return say(
        "What work costs is not from a calibration, but from the defaults: {web} of a web process and {database} of "
        "the database for a request.",
        web=seconds(costs["request_web_s"], source="config:simulation.costs.request_web_s"),
        database=seconds(costs["request_database_s"], source="config:simulation.costs.request_database_s"),
    )


def _resources(facts: Facts) -> Said:
    own = facts.simulation["resources"]
    if own.get("shared_core"):
        return say("All roles of the service share one core.")

    def of(name: str) -> Told:
        return count(own[name], source=f"config:simulation.resources.{name}")

    machines = say(
        "Played with web processes: {web}, cores of the database: {database}, inspectors of photos: {inspectors}.",
        web=of("web"), database=of("database"), inspectors=of("inspectors"),
    )  # fmt: skip
    if all(own[name] for name in PROTECTIONS):
        return machines
    return say("{machines} Protections were switched off.", machines=machines)


def named_simulated(facts: Facts, answers: list[Stated]) -> list[Stated]:
    """The same answers, of the kind that they are of: what other runs measure is simulated here."""
    if not facts.is_simulated:
        return answers
    return [replace(one, kind="simulated") if one.kind in ("measured", "extrapolated") else one for one in answers]


def view(facts: Facts, _verdict: object) -> dict[str, Any] | None:
    """What the section is filled with; None of a rehearsal."""
    if not facts.is_simulated:
        return None
    return {"laws": laws(facts), "broken": facts.simulation["broken_laws"]}


def laws(facts: Facts) -> Table:
    """Little's law at each station."""
    rows = []
    for i, one in enumerate(facts.simulation["little"]):
        came, area, stays = one["came"], one["area_s"], one["stays_s"]
        source = f"config:simulation.little.{i}"
        each = say("{time}", time=seconds(stays / came if came else None, source=f"({source}.stays_s) / ({source}.came)"
                                          if came else ""))  # fmt: skip
        lasted = max(float(facts.config["played_s"]), 1e-9)
        there = number(area / lasted, source=f"({source}.area_s) / (config:played_s)")
        rows.append([_station(one["station"]), count(came, source=f"{source}.came"), each, there,
                     percent(abs(area - stays) / area if area else 0.0)])  # fmt: skip
    head = [say("station"), say("came"), say("stay of each"), say("there at a time"), say("gap of the two sums")]
    return Table(head, rows)


def _station(name: str) -> Said:
    if name == "inspection":
        return say("inspection of photos")
    return say("waiting room") if name == "waiting room" else named(name, PARTS)


def configuration(facts: Facts) -> Table:
    """What was asked for and what played it."""
    config, simulation = facts.config, facts.simulation
    rows: list[list[Any]] = [
        [say("run"), str(config["id"])],
        [say("night"), say("{night}, {arrivals}, set {set}", night=config["night"]["name"], arrivals=facts.arrivals,
                           set=config["set"])],
        [say("seed"), str(config["seed"])],
        [say("calibration"), simulation["calibration"]["name"] or say("none: the defaults")],
        [say("digest of the calibration"), simulation["calibration"]["digest"] or say("none: the defaults")],
        [say("resources"), ", ".join(f"{name} {value}" for name, value in simulation["resources"].items())],
        [say("costs"), ", ".join(f"{name} {value:g}" for name, value in simulation["costs"].items())],
        [say("events"), count(simulation["events"], source="config:simulation.events")],
        [say("digest of the result"), simulation["digest"]],
        [say("versions"), ", ".join(f"{name} {value}" for name, value in config["versions"].items())],
    ]  # fmt: skip
    return Table([say("what"), say("value")], rows)
