"""Truth has three ledgers: what clients were told, what the database holds, what the partners saw.

A *difference* is something acknowledged but missing, done twice, or asked of a partner more often than attempted.
Requests without an answer are *unknown*, never a difference.
"""

from collections.abc import Mapping
from typing import Any, TypedDict

from loadtests.pages import UNNAMED

KINDS = ("accounts", "codes", "identity_checks", "photos", "joins")
PARTNERS_OF = {"codes": ("email", "sms"), "identity_checks": ("civil_registry",)}


class Ledger(TypedDict):
    """The audit of one kind; None where a ledger could not be read or does not exist. difference = lost + doubled."""

    client: int | None
    database: int | None
    partners: int | None
    unknown: int | None
    difference: int | None
    lost: int | None
    doubled: int | None


class Seen(TypedDict):
    """What the partners of a kind saw: all requests, and the keys among them that they answered or accepted."""

    asked: int
    distinct: int


def audit(
    receipts: Mapping[str, Any] | None, database: Mapping[str, Any] | None, partners: Mapping[str, Any] | None
) -> dict[str, Ledger]:
    """The three ledgers of each kind.

    receipts: the swarm's receipts.json; database: `python -m service ledger --json`; partners: their GET /ledger.
    None = it could not be read. Without receipts or database a difference is None: nothing is proved. Without partners
    theirs is None unless the other two differ already.
    """
    return {
        kind: _audit_kind(
            kind,
            receipts[kind] if receipts is not None else None,
            database[kind] if database is not None else None,
            _seen(kind, partners),
        )
        for kind in KINDS
    }


def audit_without_database(
    receipts: Mapping[str, Any] | None, partners: Mapping[str, Any] | None, *, most_codes: int | None
) -> dict[str, Ledger]:
    """What clients and partners alone can tell of each kind, when nobody reads the database.

    most_codes: codes that the clients may have asked for, each at most one message; None: nobody knows, and codes are
    not judged. Of codes: one accepted although
    the gateways accepted no message for it is lost; messages beyond those asked for are doubled. Of identity checks:
    answers beyond the checks that clients were told of, or may have begun unknowingly, are doubled; fewer are no
    loss, as nobody waits for them. Of the rest only that one id was told to two people.
    """
    judged = {kind: _seen(kind, partners) if kind != "codes" or most_codes is not None else None for kind in KINDS}
    return {kind: _audit_between(kind, receipts, judged[kind], most_codes or 0) for kind in KINDS}


def _audit_between(kind: str, receipts: Mapping[str, Any] | None, seen: Seen | None, most_codes: int) -> Ledger:
    ledger = _blank(receipts[kind] if receipts is not None else None, None, seen)
    if receipts is None:
        return ledger
    told, unknown = set(receipts[kind]["acknowledged"]), int(receipts[kind]["unanswered"])
    lost, doubled = len(receipts[kind]["acknowledged"]) - len(told), 0
    if seen is not None:
        lost += max(0, len(told) - seen["distinct"]) if kind == "codes" else 0
        doubled = max(0, seen["distinct"] - (most_codes if kind == "codes" else len(told) + unknown))
    if seen is not None or lost > 0:
        ledger["lost"], ledger["doubled"], ledger["difference"] = lost, doubled, lost + doubled
    return ledger


def _seen(kind: str, partners: Mapping[str, Any] | None) -> Seen | None:
    if partners is None or kind not in PARTNERS_OF:
        return None
    ledgers = [partners[name] for name in PARTNERS_OF[kind]]
    return Seen(
        asked=sum(int(each["asked"]) for each in ledgers), distinct=sum(int(each["distinct"]) for each in ledgers)
    )


def _audit_kind(
    kind: str, receipts: Mapping[str, Any] | None, database: Mapping[str, Any] | None, seen: Seen | None
) -> Ledger:
    ledger = _blank(receipts, database, seen)
    if receipts is None or database is None:
        return ledger
    told, held = set(receipts["acknowledged"]), set(database["ids"])
    # An id told to two people is an effect that one of them does not have.
    shared = len(receipts["acknowledged"]) - len(told)
    # Pages do not name every id: each of these effects is one of those that nobody else was told of.
    unnamed = sum(one.startswith(UNNAMED) for one in told)
    nameless = len(held - told)
    lost = len(told - held) - unnamed + max(0, unnamed - nameless) + shared
    lost += len(database.get("missing_bytes", ())) + int(database.get("lost", 0))
    ledger["lost"] = lost
    # Held but never acknowledged: each needs an unanswered request that may have done it.
    unexplained = max(0, nameless - unnamed - int(receipts["unanswered"]))
    doubled = int(database["doubled"]) + unexplained
    if seen is not None:
        doubled += _asked_too_often(seen, database)
    if seen is not None or kind not in PARTNERS_OF or lost + doubled > 0:
        ledger["doubled"] = doubled
        ledger["difference"] = lost + doubled
    return ledger


def _blank(receipts: Mapping[str, Any] | None, database: Mapping[str, Any] | None, seen: Seen | None) -> Ledger:
    """The counts of a kind, compared with nothing yet."""
    return Ledger(
        client=None if receipts is None else len(receipts["acknowledged"]),
        database=None if database is None else len(database["ids"]),
        partners=None if seen is None else seen["distinct"],
        unknown=None if receipts is None else int(receipts["unanswered"]),
        difference=None,
        lost=None,
        doubled=None,
    )


def _asked_too_often(seen: Seen, database: Mapping[str, Any]) -> int:
    """Requests beyond those the workers were about to make, or answers beyond what the rows can account for."""
    return max(0, seen["asked"] - int(database["attempted"]), seen["distinct"] - int(database["distinct_at_most"]))
