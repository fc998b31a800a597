"""A stack that has served before: only what the run added is the run's."""

import copy
from typing import Any

import pytest

from loadtests.harness.audit import KINDS, audit
from loadtests.harness.errors import HarnessError
from loadtests.harness.ledgers import database_since, faults_of_database, faults_of_partners, partners_since
from tests.unit.test_harness_audit import DATABASE, PARTNERS, RECEIPTS

BEFORE: dict[str, Any] = {
    kind: {"ids": ["old"], "doubled": 1, **({"missing_bytes": ["old"]} if kind == "photos" else {})} for kind in KINDS
}
for each in ("codes", "identity_checks"):
    BEFORE[each] |= {"attempted": 100, "distinct_at_most": 90, "lost": 1}
PARTNERS_BEFORE = {name: {"asked": 100, "distinct": 90} for name in PARTNERS}


def after() -> dict[str, Any]:
    """What was there before, and what the run of test_harness_audit did."""
    ledger = copy.deepcopy(BEFORE)
    for kind, rows in ledger.items():
        for name, value in DATABASE[kind].items():
            rows[name] = rows[name] + value
    return ledger


def partners_after(**more: int) -> dict[str, Any]:
    return {
        name: {
            figure: PARTNERS_BEFORE[name][figure] + PARTNERS[name][figure] + more.get(figure, 0) for figure in counts
        }
        for name, counts in PARTNERS_BEFORE.items()
    }


def test_what_was_there_before_is_no_difference() -> None:
    ledgers = audit(RECEIPTS, database_since(BEFORE, after()), partners_since(PARTNERS_BEFORE, partners_after()))
    assert {kind: row["difference"] for kind, row in ledgers.items()} == dict.fromkeys(KINDS, 0)


def test_without_the_start_it_would_be_one() -> None:
    """The control: the same ledgers taken as they stand."""
    ledgers = audit(RECEIPTS, after(), partners_after())
    assert all(row["difference"] for row in ledgers.values())


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_run_did_wrong_is_found_on_top(kind: str) -> None:
    ledger = after()
    ledger[kind]["doubled"] += 1
    assert audit(RECEIPTS, database_since(BEFORE, ledger), PARTNERS)[kind]["doubled"] == 1
    ledger[kind]["ids"].remove("a")
    assert audit(RECEIPTS, database_since(BEFORE, ledger), PARTNERS)[kind]["lost"] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_there_before_and_is_gone_is_lost(kind: str) -> None:
    ledger = after()
    ledger[kind]["ids"].remove("old")
    row = audit(RECEIPTS, database_since(BEFORE, ledger), PARTNERS)[kind]
    assert row["lost"] == 1 and row["doubled"] == 0


def test_a_partner_asked_too_often_is_found_above_what_it_saw_before() -> None:
    seen = partners_since(PARTNERS_BEFORE, partners_after(asked=2))
    ledgers = audit(RECEIPTS, database_since(BEFORE, after()), seen)
    assert (ledgers["codes"]["doubled"], ledgers["identity_checks"]["doubled"]) == (4, 2)


def test_counts_that_fell_are_another_s() -> None:
    with pytest.raises(HarnessError, match="started anew"):
        partners_since(PARTNERS_BEFORE, PARTNERS)
    with pytest.raises(HarnessError, match="not the database of the start"):
        database_since(BEFORE, DATABASE)


@pytest.mark.parametrize(
    ("ledger", "fault"),
    [
        ([], "it is no JSON object"),
        ({}, "accounts is missing"),
        ({**DATABASE, "joins": {"ids": [1], "doubled": 0}}, "joins.ids is no list of ids"),
        ({**DATABASE, "codes": {"ids": [], "doubled": 0}}, "codes.attempted is no count"),
    ],
)
def test_what_is_no_ledger_is_refused(ledger: object, fault: str) -> None:
    assert fault in faults_of_database(ledger)
    assert faults_of_database(DATABASE) == []
    assert faults_of_partners(PARTNERS) == []
    assert "sms.asked is no count" in faults_of_partners({**PARTNERS, "sms": {"asked": "1", "distinct": 1}})
