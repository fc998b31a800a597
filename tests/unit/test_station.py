"""A worker's side of a run, with a master that only listens."""

from typing import Any

from loadtests.station import Station
from tests.unit.test_muster import settings


def test_a_fault_of_the_swarms_own_reaches_the_master():
    """Locust logs what a task raises and begins it again; a swarm that plays nothing must not look clean."""
    told: list[tuple[str, dict[str, Any]]] = []
    station = Station(lambda kind, data: told.append((kind, data)), stats=None, has_master=True)
    station.plan({"worker": 3, "run": "r", "shards": [0, 1], "settings": settings().message()})
    station.break_down("Traceback\nAttributeError: no such thing\n")
    station.cut()
    ledgers = [data for kind, data in told if kind == "crowd_ledger"]
    assert [(each["worker"], each["defect"]) for each in ledgers] == [(3, "Traceback\nAttributeError: no such thing\n")]
