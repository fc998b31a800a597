"""A swarm that is asked for more than it can make says so by itself, names the cause, and loses nobody all the same."""

import json
import re

from loadtests.harness.errors import Exit
from tests.acceptance.long.swarm_runs import begun, ended
from tests.trivial_target import trivial_target

RATE = 20_000
"""Arrivals a second: no core starts a tenth of it, and each of them asks for something."""
PLANNED = 2_000


def test_an_overload_of_the_generator_makes_the_run_invalid(tmp_path):
    """Twenty thousand a second for a tenth of one, by one process."""
    minutes = repr(PLANNED / RATE / 60.0)
    options = ["--arrivals", f"constant:{RATE}", "--minutes", minutes, "--steps", "1", "--drain-minutes", "1"]
    with trivial_target() as target, begun(target.url, tmp_path, options, workers=1) as swarm:
        ran = ended(swarm, 100.0)
        log = swarm.child.log.read_text()
    late = [audit for audit in ran.done["health"] if audit["id"] == "lateness"]
    assert (ran.code, ran.done["exit_code"], len(late)) == (Exit.INVALID, Exit.INVALID, 1)
    assert late[0]["figure"] == ran.done["lateness_ms"]["p99"] > 10.0
    assert late[0]["advice"]
    assert re.search(r"swarm: INVALID: 1 in 100 applicants was started more than [\d,.]+ ms late", log)
    assert ran.planned == PLANNED and ran.lost() == []
    assert "tickets" in json.loads((tmp_path / "latency.json").read_text())
