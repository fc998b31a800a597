"""Truth has three ledgers: what clients were told, what the database holds, what the partners saw.

A *difference* is something acknowledged but missing, done twice, or asked of a partner more often than attempted.
Requests without an answer are *unknown*, never a difference.
"""

from collections.abc import Mapping
from typing import Any, TypedDict

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


def audit(
    receipts: Mapping[str, Any] | None, database: Mapping[str, Any] | None, partners: Mapping[str, Any] | None
) -> dict[str, Ledger]:
    """The three ledgers of each kind.

    receipts: the swarm's receipts.json; database: `python -m service ledger --json`; partners: their GET /ledger.
    None = it could not be read. Without receipts or database a difference is None: nothing is proved.
    """
    return {
        kind: _audit_kind(
            receipts[kind] if receipts is not None else None,
            database[kind] if database is not None else None,
            _distinct(kind, partners),
        )
        for kind in KINDS
    }


def _distinct(kind: str, partners: Mapping[str, Any] | None) -> int | None:
    if partners is None or kind not in PARTNERS_OF:
        return None
    return sum(int(partners[name]["distinct"]) for name in PARTNERS_OF[kind])


def _audit_kind(receipts: Mapping[str, Any] | None, database: Mapping[str, Any] | None, distinct: int | None) -> Ledger:
    told = set(receipts["acknowledged"]) if receipts is not None else None
    unanswered = int(receipts["unanswered"]) if receipts is not None else None
    held = set(database["ids"]) if database is not None else None
    lost = doubled = difference = None
    if told is not None and held is not None and unanswered is not None and database is not None:
        lost = len(told - held) + len(database.get("missing_bytes", ()))
        # Held but never acknowledged: each needs an unanswered request that may have done it.
        unexplained = max(0, len(held - told) - unanswered)
        doubled = int(database["doubled"]) + _asked_too_often(distinct, database.get("attempted")) + unexplained
        difference = lost + doubled
    return Ledger(
        client=None if told is None else len(told),
        database=None if held is None else len(held),
        partners=distinct,
        unknown=unanswered,
        difference=difference,
        lost=lost,
        doubled=doubled,
    )


def _asked_too_often(distinct: int | None, attempted: int | None) -> int:
    """Requests that the partner saw beyond those the workers were about to make."""
    return 0 if distinct is None or attempted is None else max(0, distinct - attempted)
