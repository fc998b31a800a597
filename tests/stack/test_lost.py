"""The control: a running stack whose database has lost something that a client was told of."""

import sys
from pathlib import Path

import pytest

from tests.stack.rehearsing import rehearsed, served

pytestmark = pytest.mark.timeout(300)

FORGETFUL = """
import json, pathlib, subprocess, sys
calls = pathlib.Path(sys.argv[1])
calls.write_text(calls.read_text() + "." if calls.exists() else ".")
ledger = json.loads(subprocess.run(sys.argv[2:], check=True, capture_output=True).stdout)
if len(calls.read_text()) > 1:
    ledger["accounts"]["ids"].pop()
    ledger["codes"]["attempted"] -= 1
print(json.dumps(ledger))
"""
"""The ledger as it is, at the end without one account, and with one call of a gateway too few."""


def test_what_the_database_lost_is_exit_6(database_url: str, tmp_path: Path) -> None:
    forgetful = tmp_path / "forgetful.py"
    forgetful.write_text(FORGETFUL)
    with served(tmp_path / "stack", database_url) as stack:
        command = f"{sys.executable} {forgetful} {tmp_path / 'calls'} {stack.ledger}"
        done = rehearsed(tmp_path, *stack.target("--ledger", command), "--minutes", "0.1")
    assert done.code == 6, done.said
    assert done.differences() == {"accounts": 1, "codes": 1, "identity_checks": 0, "photos": 0, "joins": 0}
    findings = {one["subject"]: one["text"] for one in done.verdict["verdict"]["findings"]}
    assert findings["lost"] == "Nothing acknowledged is lost: 1 accounts"
    assert findings["doubled"] == "Nothing is done twice: 1 codes"
    recorded = "".join(path.read_text() for path in (done.run / "run.json", done.run / "events.jsonl"))
    assert database_url not in recorded
