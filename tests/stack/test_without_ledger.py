"""Playing against a stack whose database nobody reads: what clients and partners alone tell, and that it is said."""

from pathlib import Path

import pytest

from tests.stack.rehearsing import LATE, rehearsed, served

pytestmark = pytest.mark.timeout(300)


def test_without_the_ledger_clients_and_partners_are_compared(database_url: str, tmp_path: Path) -> None:
    with served(tmp_path / "stack", database_url) as stack:
        done = rehearsed(tmp_path, *stack.target())
    assert done.code in (0, LATE) and done.missed() == [], done.said
    assert done.differences() == {
        "accounts": None, "codes": 0, "identity_checks": 0, "photos": None, "joins": None,
    }  # fmt: skip
    assert {row["database"] for row in done.document["ledgers"].values()} == {None}
    objectives = {one["id"]: one for one in done.document["verdict"]["objectives"]}
    for name in ("lost", "doubled"):
        assert objectives[name]["met"] is None
        assert "between clients and partners none among codes, identity checks" in objectives[name]["detail"]
    said = "differences were taken between clients and partners only"
    assert any(said in remark for remark in done.verdict["verdict"]["remarks"])
    for page in ("summary.md", "report.html"):
        assert said in (done.run / page).read_text().lower()
