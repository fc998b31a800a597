"""What must hold after every run, whatever was played: nobody and nothing is lost or counted twice."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from scenarios.fates import Fate
from scenarios.journey_state import Action, Result
from scenarios.simulation.figures import QUEUES
from scenarios.simulation.rows import JOINED, Phase
from scenarios.simulation.run import Result as Played
from scenarios.simulation.world import MOST_SERVERS

STATIONS = ("web", "database", "inspection")
_CLOSE = 1e-9
"""Of a sum of two million instants in floating point."""


@dataclass(frozen=True)
class Little:
    """Little's law at one station: how many were in it over time, and how long all stayed there, up to one moment.

    Two sums that are made apart, one where numbers change and one where stays end; both in seconds. came: to the
    station, those who are there still among them.
    """

    station: str
    area_s: float
    stays_s: float
    came: int

    @property
    def holds(self) -> bool:
        return abs(self.area_s - self.stays_s) <= _CLOSE * max(self.area_s, 1.0)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def violations(played: Played) -> list[str]:
    """One line for each law that does not hold; empty when all do."""
    return [*_people(played), *_stations(played), *_shared_core(played), *_queues(played), *_little(played)]


def _people(played: Played) -> Iterator[str]:
    world, rows = played.world[0], played.rows
    came = rows["phase"] != Phase.EXPECTED
    gone = rows["phase"] == Phase.GONE
    fates = np.bincount(rows["fate"], minlength=max(Fate) + 1)
    if world["arrived"] != came.sum() or world["ended"] != gone.sum():
        yield f"{world['arrived']} arrived and {world['ended']} ended, the rows say {came.sum()} and {gone.sum()}"
    if fates[1:].sum() != came.sum():
        yield f"{came.sum()} people came and {fates[1:].sum()} have a fate"
    told = int(played.tally.answered[:, Action.JOIN, Result.OK].sum())
    if fates[Fate.JOINED] != told:
        yield f"{told} people were told that they have joined, {fates[Fate.JOINED]} have that fate"
    taken = rows["marks"] & JOINED != 0
    if np.any((rows["fate"] == Fate.JOINED) & ~taken):
        yield "somebody was told of a place that the service does not know of"


def _stations(played: Played) -> Iterator[str]:
    """What servers have done and waited is all the time that they have been there."""
    world = played.world[0]
    until = world["free"].reshape(-1, MOST_SERVERS).sum(axis=1)
    spent = world["busy_us"] + world["idle_us"] + world["spread_us"]
    for station, name in enumerate(STATIONS):
        if until[station] != spent[station]:
            yield f"{name}: servers were there for {until[station]} us, busy or idle for {spent[station]}"
    answers = int(played.tally.answered.sum())
    if world["served"][1] > world["served"][0]:
        yield f"the database served {world['served'][1]} requests, the web let in {world['served'][0]}"
    if answers < world["answers"]:
        yield f"{world['answers']} answers without a timer of their own, and {answers} answers in all"


def _shared_core(played: Played) -> Iterator[str]:
    """What a core that all share was given is done, or is there still."""
    world = played.world[0]
    done = world["core_given_us"] - world["core_idle_us"]
    given, left = world["role_us"].sum(), world["front_us"] + world["behind_us"]
    if abs(given - done - left) > _CLOSE * max(given, 1.0) * 1e3:
        yield f"the shared core was given {given:.0f} us of work, {done:.0f} are done and {left:.0f} are left"


def _queues(played: Played) -> Iterator[str]:
    world = played.world[0]
    for queue, name in enumerate(QUEUES):
        ended = world["handed"][queue] + world["expired"][queue] + world["dropped"][queue]
        if world["head"][queue] != ended or world["tail"][queue] < ended:
            yield f"{name}: {world['tail'][queue]} jobs came, {world['head'][queue]} were taken, {ended} ended"


def _little(played: Played) -> Iterator[str]:
    """People here on average are arrivals a second times the mean stay: two sums that were made apart."""
    rows = played.rows
    gone = rows["phase"] == Phase.GONE
    stayed = (np.rint(rows["moment_s"][gone] * 1e6) - played.begins_us[gone]).sum()
    area = played.world["live_area_us"][0]
    if abs(stayed - area) > _CLOSE * max(stayed, 1.0) * 1e3:
        yield f"people stayed for {stayed:.0f} us in all, and {area:.0f} us of people were here"
    for law in little(played):
        if not law.holds:
            yield f"{law.station}: {law.area_s:.6f} s of them were there, and they stayed for {law.stays_s:.6f} s"


def little(played: Played) -> list[Little]:
    """The law at every station of a run: web, database, inspection, each queue, the line."""
    world = played.world[0]
    with np.errstate(over="ignore"):  # sums of instants wrap, their difference does not
        stayed_us = world["left_us"] - world["came_us"]
    found = [
        Little(name, float(stayed_us[i]) / 1e6, float(world["waited_us"][i] + world["busy_us"][i]) / 1e6,
               int(world["served"][i]))
        for i, name in enumerate(STATIONS)
    ]  # fmt: skip
    waiting = (world["tail"] - world["head"]) * world["queue_seen_ms"] - world["queue_since_ms"]
    for i, name in enumerate(QUEUES):
        stays_ms = world["waited_ms"][i] + waiting[i]
        found.append(Little(name, float(world["queue_area_ms"][i]) / 1e3, float(stays_ms) / 1e3, int(world["tail"][i])))
    if world["beat_us"] < 0:  # nobody moves a frontier: there is no waiting room
        return found
    there = max(int(world["tickets"]) - int(world["frontier"]), 0)
    with np.errstate(over="ignore"):
        stood_us = world["line_left_us"] - world["line_came_us"] + there * world["line_seen_us"]
    tickets = int(world["tickets"])
    return [*found, Little("waiting room", float(world["line_area_us"]) / 1e6, float(stood_us) / 1e6, tickets)]
