"""The three ledgers: what counts as a difference, each with its negative control."""

from typing import Any

import pytest

from loadtests.harness.audit import KINDS, audit, audit_without_database
from loadtests.pages import UNNAMED

RECEIPTS: dict[str, Any] = {kind: {"acknowledged": ["a", "b"], "unanswered": 0} for kind in KINDS}
DATABASE: dict[str, Any] = {
    "accounts": {"ids": ["a", "b"], "doubled": 0},
    "codes": {"ids": ["a", "b"], "lost": 0, "doubled": 0, "attempted": 6, "distinct_at_most": 5},
    "identity_checks": {"ids": ["a", "b"], "lost": 0, "doubled": 0, "attempted": 4, "distinct_at_most": 2},
    "photos": {"ids": ["a", "b"], "doubled": 0, "missing_bytes": []},
    "joins": {"ids": ["a", "b"], "doubled": 0},
}
PARTNERS: dict[str, Any] = {
    "civil_registry": {"asked": 4, "distinct": 2},
    "email": {"asked": 4, "distinct": 3},
    "sms": {"asked": 2, "distinct": 2},
}


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


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("unnamed", "unanswered", "difference"), [(1, 0, 0), (0, 0, 1), (2, 0, 1), (0, 1, 0), (2, 3, 1)]
)
def test_an_effect_that_a_page_told_without_its_id_is_one_that_nobody_else_was_told_of(
    kind: str, unnamed: int, unanswered: int, difference: int
) -> None:
    """One more is held than named: an unnamed receipt explains it; without any it is doubled, of two, one is lost."""
    told = ["a", *(f"{UNNAMED}{number}" for number in range(unnamed))]
    receipts = with_(RECEIPTS, kind, acknowledged=told, unanswered=unanswered)
    ledger = audit(receipts, DATABASE, PARTNERS)[kind]
    assert (ledger["client"], ledger["difference"]) == (1 + unnamed, difference)
    assert ledger["lost"] == max(0, unnamed - 1)


@pytest.mark.parametrize("kind", KINDS)
def test_one_id_told_to_two_people_is_a_difference(kind: str) -> None:
    """Both ids are held, but one person has what another was told."""
    ledger = audit(with_(RECEIPTS, kind, acknowledged=["a", "b", "b"]), DATABASE, PARTNERS)[kind]
    assert (ledger["client"], ledger["lost"], ledger["difference"]) == (3, 1, 1)


@pytest.mark.parametrize("kind", ["codes", "identity_checks"])
def test_work_without_its_job_is_lost(kind: str) -> None:
    ledger = audit(RECEIPTS, with_(DATABASE, kind, lost=2), PARTNERS)[kind]
    assert (ledger["lost"], ledger["doubled"], ledger["difference"]) == (2, 0, 2)


@pytest.mark.parametrize(("kind", "partner"), [("codes", "sms"), ("identity_checks", "civil_registry")])
@pytest.mark.parametrize("figure", ["asked", "distinct"])
def test_a_partner_asked_too_often_is_a_difference(kind: str, partner: str, figure: str) -> None:
    """More requests than were attempted, repeated ones too; or more answers than there are rows to answer."""
    seen = PARTNERS[partner][figure] + 2
    assert differences(partners=with_(PARTNERS, partner, **{figure: seen})) == {kind: 2}


def test_one_request_too_many_is_counted_once() -> None:
    assert differences(partners=with_(PARTNERS, "civil_registry", asked=5, distinct=3)) == {"identity_checks": 1}


def test_a_partner_asked_less_often_than_attempted_is_none() -> None:
    """A worker that died between counting and calling attempted more than the partner saw."""
    assert differences(partners=with_(PARTNERS, "civil_registry", asked=0, distinct=0)) == {}


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


def test_without_partners_nothing_is_proved_of_what_they_were_asked() -> None:
    found = {kind: row["difference"] for kind, row in audit(RECEIPTS, DATABASE, None).items()}
    assert found == {"accounts": 0, "codes": None, "identity_checks": None, "photos": 0, "joins": 0}


def test_without_partners_a_loss_is_still_one() -> None:
    ledgers = audit(RECEIPTS, with_(DATABASE, "codes", ids=["a"]), None)
    counts = {"client": 2, "database": 1, "partners": None, "unknown": 0, "difference": 1}
    assert ledgers["codes"] == {**counts, "lost": 1, "doubled": 0}


BETWEEN = {kind: dict(rows) for kind, rows in RECEIPTS.items()}


def between(
    receipts: dict[str, Any] | None = BETWEEN, partners: dict[str, Any] | None = None, most_codes: int | None = 5
) -> dict[str, Any]:
    return {kind: dict(row) for kind, row in audit_without_database(receipts, partners, most_codes=most_codes).items()}


def test_without_a_database_only_what_partners_saw_is_compared() -> None:
    ledgers = between(partners=PARTNERS)
    found = {kind: row["difference"] for kind, row in ledgers.items()}
    assert found == {"accounts": None, "codes": 0, "identity_checks": 0, "photos": None, "joins": None}
    assert all(row["database"] is None for row in ledgers.values())


def test_a_code_that_was_accepted_but_never_sent_is_lost() -> None:
    nobody = {**PARTNERS, "email": {"asked": 9, "distinct": 1}, "sms": {"asked": 0, "distinct": 0}}
    assert between(partners=nobody)["codes"]["lost"] == 1


def test_more_messages_than_codes_asked_for_are_doubled() -> None:
    """Five were sent; with five asked for that is right, with four one went twice."""
    assert between(partners=PARTNERS, most_codes=4)["codes"]["doubled"] == 1


def test_codes_are_not_judged_when_nobody_knows_how_many_were_asked_for() -> None:
    ledger = between(partners=PARTNERS, most_codes=None)
    assert (ledger["codes"]["difference"], ledger["identity_checks"]["difference"]) == (None, 0)


def test_more_answers_of_the_registry_than_checks_are_doubled() -> None:
    """An unanswered request may have begun one; what a worker has not come to yet is no loss."""
    seen = with_(PARTNERS, "civil_registry", distinct=4)
    assert between(partners=seen)["identity_checks"]["doubled"] == 2
    doubtful = with_(BETWEEN, "identity_checks", unanswered=2)
    assert between(doubtful, seen)["identity_checks"]["difference"] == 0
    assert between(partners=with_(PARTNERS, "civil_registry", distinct=0))["identity_checks"]["difference"] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_one_id_told_to_two_people_needs_no_database(kind: str) -> None:
    ledgers = between(with_(BETWEEN, kind, acknowledged=["a", "b", "b"]), None)
    assert ledgers[kind]["lost"] == ledgers[kind]["difference"] == 1


def test_without_partners_and_database_nothing_is_proved() -> None:
    assert {row["difference"] for row in between().values()} == {None}
    assert {row["difference"] for row in between(None, PARTNERS).values()} == {None}
