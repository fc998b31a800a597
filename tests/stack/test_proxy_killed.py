"""What happens when nginx dies in mid-run."""

import json
from pathlib import Path

import psutil
import pytest

from tests.stack.rehearsing import BEHIND_NGINX, LATE, ended, rehearsing
from tests.tools import need

pytestmark = pytest.mark.timeout(300)


def test_killing_nginx_is_said_clearly(tmp_path: Path) -> None:
    """Nobody reaches the service any more: a finding with a report, and nothing is left running."""
    need("nginx", package="nginx-light")
    with rehearsing(tmp_path, *BEHIND_NGINX) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "the doors are open" in line:
                break
        family = psutil.Process(process.pid).children(recursive=True)
        proxies = [one for one in family if one.name() == "nginx"]
        assert len(proxies) >= 2
        for one in proxies:
            one.kill()
        done = ended(process, tmp_path)
    assert done.code in (3, LATE)
    findings = [one["text"] for one in done.verdict["verdict"]["findings"]]
    assert "proxy ended unexpectedly in mid-run (exit code -9)" in findings
    events = [json.loads(line) for line in (done.run / "events.jsonl").read_text().splitlines()]
    assert [event["role"] for event in events if event["name"] == "exit"] == ["proxy"]
    assert done.differences() == dict.fromkeys(done.document["ledgers"], 0)
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive
