"""B6, small: a worker of the swarm is killed in mid-run. The others take over, nobody is lost."""

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import psutil
import pytest

from loadtests.harness.plain_swarm import plain_swarm
from scenarios.arrivals import SHARDS
from scenarios.fates import Fate, Reason
from scenarios.record import Column, read_people
from tests.integration.swarm_room import DEADLINE, eventually
from tests.trivial_target import trivial_target

RATE = 80
"""People a second. The first worker is killed when each of three has played for a second and a half."""
PLAYED = 40
JOURNEY = ["--steps", "4", "--pace", "80", "--drain-minutes", "1"]
"""Four requests, and half a second or so of thinking before the last: there is always somebody on the way."""
TAKEN_OVER_WITHIN = 5.0


@dataclass(frozen=True)
class Played:
    planned: int
    people: dict[str, Column]
    done: dict[str, Any]
    killed_at: float
    """Seconds since the opening."""
    tickets: int
    """That the target was asked for."""


def played(folder: Path, seconds: float) -> Played:
    """A night of so many seconds in which one of three workers is killed."""
    night = ["--night", "prakerja-wave-1", "--arrivals", f"constant:{RATE}", "--minutes", repr(seconds / 60.0)]
    with trivial_target() as target, plain_swarm(target.url, folder, [*night, *JOURNEY], workers=3) as swarm:
        ports = [int(address.rpartition(":")[2]) for address in swarm.metrics]
        eventually(lambda: min(map(arrivals, ports)) >= PLAYED, "all play")
        killed_at = time.time() - swarm.opens_at
        psutil.Process(swarm.child.pid).children()[0].kill()
        done = swarm.done(DEADLINE)
        assert swarm.code() in (0, 5), "late is the machine's; nothing else may go wrong"
        return Played(int(RATE * seconds), read_people(folder), done, killed_at, target.counts()["tickets"])


def arrivals(port: int) -> float:
    """How many the worker with this port has started; without reading the rest of its long page."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        found = re.search(rb"^swarm_arrivals_total (\S+)$", answer.read(), re.MULTILINE)
    return float(found[1]) if found else 0.0


@pytest.mark.timeout(240)
def test_the_people_of_a_killed_worker_are_played_by_the_others(tmp_path: Path) -> None:
    """Everybody has started and has one fate; who was on her way is cut, who came late because of it is marked."""
    run = played(tmp_path / "short", seconds := 4.0)
    if run.killed_at > seconds - 1.0:  # a machine so slow that there was hardly anything left to take over
        run = played(tmp_path / "long", 30.0)
    people = run.people
    np.testing.assert_array_equal(people["number"], np.arange(run.planned))
    assert sum(run.done["fates"].values()) == run.planned
    assert not np.isnan(people["started"]).any() and not np.isnan(people["ended"]).any()
    (takeover,) = run.done["takeovers"]
    lost, late = people["reason"] == Reason.WORKER_LOST, people["taken_over"]
    assert lost.sum() == takeover["cut"] > 0
    assert (people["fate"] == Fate.CUT).tolist() == lost.tolist()
    # Hardly ever is nobody overdue; the last second of the lost worker, of which nobody knew, is played again, too.
    assert late.sum() >= takeover["overdue"] and not (lost & late).any()
    assert set(people["number"][lost | late] % SHARDS) <= set(range(takeover["worker"], SHARDS, 3))
    assert (people["started"][late] > people["due"][late]).all()
    assert max(takeover["at_s"], *people["started"][late]) - run.killed_at <= TAKEN_OVER_WITHIN
    # Whoever had started there after its last news is played again under the same keys; nobody is left out.
    assert run.tickets >= run.planned
