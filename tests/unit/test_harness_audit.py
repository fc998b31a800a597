"""The three ledgers: what counts as a difference, each with its negative control."""

from typing import Any

import pytest

from loadtests.harness.audit import KINDS, audit

RECEIPTS: dict[str, Any] = {kind: {"acknowledged": ["a", "b"], "unanswered": 0} for kind in KINDS}
DATABASE: dict[str, Any] = {
    "accounts": {"ids": ["a", "b"], "doubled": 0},
    "codes": {"ids": ["a", "b"], "doubled": 0, "attempted": 5},
    "identity_checks": {"ids": ["a", "b"], "doubled": 0, "attempted": 2},
    "photos": {"ids": ["a", "b"], "doubled": 0, "missing_bytes": []},
    "joins": {"ids": ["a", "b"], "doubled": 0},
}
PARTNERS: dict[str, Any] = {"civil_registry": {"distinct": 2}, "email": {"distinct": 3}, "sms": {"distinct": 2}}


def with_(ledger: dict[str, Any], kind: str, **facts: object) -> dict[str, Any]:
    return {**ledger, kind: {**ledger[kind], **facts}}


def differences(
    receipts: dict[str, Any] = RECEIPTS, database: dict[str, Any] = DATABASE, partners: dict[str, Any] = PARTNERS
) -> dict[str, int]:
    return {kind: row["difference"] for kind, row in audit(receipts, database, partners).items() if row["difference"]}


def test_equal_ledgers_differ_in_nothing() -> None:
    ledgers = audit(RECEIPTS, DATABASE, PARTNERS)
    assert all(row["difference"] == 0 for row in ledgers.values())
    counts = {"client": 2, "database": 2, "partners": 5, "unknown": 0, "difference": 0}
    assert ledgers["codes"] == {**counts, "lost": 0, "doubled": 0}
    assert ledgers["joins"]["partners"] is None


@pytest.mark.parametrize("kind", KINDS)
def test_something_acknowledged_but_missing_is_a_difference(kind: str) -> None:
    assert differences(database=with_(DATABASE, kind, ids=["a"])) == {kind: 1}


@pytest.mark.parametrize("kind", KINDS)
def test_something_done_twice_is_a_difference(kind: str) -> None:
    assert differences(database=with_(DATABASE, kind, doubled=2)) == {kind: 2}


def test_a_finished_photo_without_its_bytes_is_a_difference() -> None:
    assert differences(database=with_(DATABASE, "photos", missing_bytes=["b"])) == {"photos": 1}


@pytest.mark.parametrize(("kind", "partner", "seen"), [("codes", "sms", 4), ("identity_checks", "civil_registry", 4)])
def test_a_partner_asked_more_often_than_attempted_is_a_difference(kind: str, partner: str, seen: int) -> None:
    assert differences(partners={**PARTNERS, partner: {"distinct": seen}}) == {kind: 2}


def test_a_partner_asked_less_often_than_attempted_is_none() -> None:
    """A worker that died between counting and calling attempted more than the partner saw."""
    assert differences(partners={**PARTNERS, "civil_registry": {"distinct": 0}}) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_an_unanswered_request_may_have_been_done(kind: str) -> None:
    """Held but never acknowledged: unknown as long as enough requests went unanswered, a difference beyond."""
    database = with_(DATABASE, kind, ids=["a", "b", "c", "d"])
    assert differences(receipts=with_(RECEIPTS, kind, unanswered=2), database=database) == {}
    assert differences(receipts=with_(RECEIPTS, kind, unanswered=1), database=database) == {kind: 1}


@pytest.mark.parametrize(("receipts", "database"), [(None, DATABASE), (RECEIPTS, None), (None, None)])
def test_nothing_is_proved_without_receipts_or_database(
    receipts: dict[str, Any] | None, database: dict[str, Any] | None
) -> None:
    ledgers = audit(receipts, database, PARTNERS)
    assert all(row["difference"] is None for row in ledgers.values())
    assert ledgers["codes"]["partners"] == 5


def test_without_partners_the_rest_is_audited() -> None:
    ledgers = audit(RECEIPTS, with_(DATABASE, "codes", ids=["a"]), None)
    counts = {"client": 2, "database": 1, "partners": None, "unknown": 0, "difference": 1}
    assert ledgers["codes"] == {**counts, "lost": 1, "doubled": 0}
