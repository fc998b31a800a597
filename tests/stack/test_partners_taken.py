"""Playing against a stack whose partners another rehearsal takes over meanwhile."""

from pathlib import Path

import pytest

from loadtests.harness.http_json import ask
from tests.stack.rehearsing import FEW, ended, rehearsing, served

pytestmark = pytest.mark.timeout(300)


def test_partners_that_another_rehearsal_used_prove_nothing(database_url: str, tmp_path: Path) -> None:
    """Their clock was set by somebody else meanwhile: a night that nobody audited is no night that held."""
    with served(tmp_path / "stack", database_url) as stack, rehearsing(tmp_path, *stack.target(), *FEW) as process:
        assert process.stderr is not None and any("the doors are open" in line for line in process.stderr)
        ask("PUT", f"{stack.partners}/clock", {"opens_at": 1.0})
        done = ended(process, tmp_path)
    assert (done.code, done.document["verdict"]["outcome"]) == (1, "crashed"), done.said
    assert "the partners were started anew, or another rehearsal used them" in done.said
    assert set(done.differences().values()) == {None}
