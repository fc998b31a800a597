"""Playing against a stack that the rehearsal did not start, which has served before."""

import json
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from scenarios.record import Samples
from tests.stack.rehearsing import LATE, rehearsed, served

pytestmark = pytest.mark.timeout(300)


def test_a_running_stack_is_audited_from_the_start_of_the_run(database_url: str, tmp_path: Path) -> None:
    """Partners that were asked by others, a ticket taken before, counters that stand high: none of it is the run's.

    And once its accounts are there, another rehearsal with the ledger is refused before anything is sent.
    """
    with served(tmp_path / "stack", database_url) as stack:
        _serve_before(stack.partners, stack.urls[0])
        target = stack.target("--ledger", stack.ledger, "--metrics", *stack.metrics)
        done = rehearsed(tmp_path / "one", *target)
        again = rehearsed(tmp_path / "two", *target)
    assert done.code in (0, LATE) and done.missed() == [], done.said
    assert done.differences() == dict.fromkeys(done.document["ledgers"], 0)
    judged = {one["id"]: one["met"] for one in done.document["verdict"]["objectives"]}
    assert judged["lost"] and judged["doubled"] and judged["codes_within_10s_ratio"]
    config = done.config
    assert not config["stack"]["started"] and set(config["cpu_s"]) == {"swarm", "harness"}
    assert any("tickets before (1)" in remark for remark in done.verdict["verdict"]["remarks"])
    assert _counted(done.run, "registration_stage_total", stage="ticketed") == done.document["planned"]
    assert again.code == 2 and "accounts already" in again.said
    assert list((again.folder / "runs").iterdir()) == []


def _serve_before(partners: str, target: str) -> None:
    """A hundred requests to the SMS gateway, of which its rate lets some through, and a ticket at the service."""
    statuses = [
        _post(f"{partners}/sms/messages", {"to": "+6280099999999", "text": "Halo"}, f"before-{number}")
        for number in range(100)
    ]
    assert 202 in statuses and set(statuses) <= {202, 429}
    assert _post(f"{target}/tickets", {}, "before") == 201


def _post(url: str, body: dict[str, str], key: str) -> int:
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json", "Idempotency-Key": key})
    try:
        with urlopen(request) as answer:
            status: int = answer.status
    except HTTPError as refused:
        with refused:
            status = refused.code
    return status


def _counted(run: Path, name: str, **labels: str) -> float:
    return sum(float(values[-1]) for _, _, values in Samples.load(run).select(name, **labels))
