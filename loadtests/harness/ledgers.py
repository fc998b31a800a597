"""Ledgers of a stack that has served before: what was added to them between two readings.

Read the database before the partners at the start, and after them at the end: a job counts its call before it makes it,
so the calls that the database knows of then never seem fewer than those that the partners saw.
"""

from collections.abc import Mapping
from typing import Any

from loadtests.harness.audit import KINDS, PARTNERS_OF
from loadtests.harness.errors import HarnessError

Ledger = dict[str, Any]

PARTNERS = ("civil_registry", "email", "sms")
_RISING = ("attempted", "distinct_at_most")
_ID_LISTS = ("ids", "missing_bytes")


def faults_of_database(ledger: object) -> list[str]:
    """What keeps a document from being what `python -m service ledger --json` prints."""
    if not isinstance(ledger, dict):
        return ["it is no JSON object"]
    faults = []
    for kind in KINDS:
        rows = ledger.get(kind)
        if not isinstance(rows, dict):
            faults.append(f"{kind} is missing")
            continue
        lists = _ID_LISTS if kind == "photos" else _ID_LISTS[:1]
        counts = ("doubled", *((*_RISING, "lost") if kind in PARTNERS_OF else ()))
        faults += [f"{kind}.{name} is no list of ids" for name in lists if not _is_ids(rows.get(name))]
        faults += [f"{kind}.{name} is no count" for name in counts if not _is_count(rows.get(name))]
    return faults


def faults_of_partners(ledger: object) -> list[str]:
    """What keeps a document from being what the partners answer to GET /ledger."""
    if not isinstance(ledger, dict):
        return ["it is no JSON object"]
    counts = {name: ledger.get(name) for name in PARTNERS}
    return [
        f"{name}.{figure} is no count"
        for name, one in counts.items()
        for figure in ("asked", "distinct")
        if not isinstance(one, dict) or not _is_count(one.get(figure))
    ]


def database_since(before: Ledger, after: Ledger) -> Ledger:
    """What came between two readings of the database; ids that were there before and are gone count as lost.

    Raises HarnessError when a count that only rises fell: it is not the same database.
    """
    return {kind: _kind_since(kind, before[kind], after[kind]) for kind in KINDS}


def _kind_since(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Ledger:
    had = set(before["ids"])
    since: Ledger = {
        "ids": [one for one in after["ids"] if one not in had],
        "doubled": max(0, after["doubled"] - before["doubled"]),
        "lost": len(had - set(after["ids"])) + max(0, after.get("lost", 0) - before.get("lost", 0)),
    }
    if kind == "photos":
        missing = set(before["missing_bytes"])
        since["missing_bytes"] = [one for one in after["missing_bytes"] if one not in missing]
    for name in _RISING if kind in PARTNERS_OF else ():
        since[name] = after[name] - before[name]
    if since.get("attempted", 0) < 0:
        raise HarnessError(f"{kind}: fewer calls than at the start are counted; it is not the database of the start")
    return since


def partners_since(before: Ledger, after: Ledger) -> Ledger:
    """What the partners saw between two readings. Raises HarnessError when a count fell: they were started anew."""
    since = {
        name: {figure: after[name][figure] - before[name][figure] for figure in ("asked", "distinct")}
        for name in PARTNERS
    }
    if any(count < 0 for counts in since.values() for count in counts.values()):
        raise HarnessError("the partners were started anew during the run and have forgotten what they saw")
    return since


def _is_ids(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
