"""What the three ledgers say together: is something lost, is something done twice."""

from collections.abc import Iterable
from typing import Any

from reports.facts import Facts
from reports.names import LEDGERS, named
from reports.wording import N_, Said, count, listed, say


def split_difference(ledger: dict[str, Any]) -> dict[str, int]:
    """The two halves of a ledger's difference: acknowledged but missing (lost), done or asked too often (doubled).

    The audit may name them; else as many as the database has fewer than the clients were told are lost.
    """
    difference = int(ledger["difference"])
    missing = max(0, int(ledger["client"] or 0) - int(ledger["database"] or 0))
    lost = int(ledger.get("lost", min(missing, difference)))
    return {"lost": lost, "doubled": int(ledger.get("doubled", difference - lost))}


def judged(facts: Facts, half: str, bound: float) -> tuple[float | None, bool | None, Said]:
    """How many are lost (or doubled: `half`), whether that is allowed, and among what; None = nobody can tell."""
    ledgers = facts.config["ledgers"] or {}
    known = {kind: ledger for kind, ledger in ledgers.items() if ledger["difference"] is not None}
    found = {kind: split_difference(ledger)[half] for kind, ledger in known.items()}
    value = float(sum(found.values()))
    if value > bound:
        told = (say("{number} {kind}", number=count(n), kind=named(kind, LEDGERS)) for kind, n in found.items() if n)
        return value, False, listed(told)
    if ledgers and not facts.stack["ledger"]:
        among = say("none among {kinds}", kinds=_named(known)) if known else say("nothing could be compared")
        rest = _named(kind for kind in ledgers if kind not in known)
        words = N_("between clients and partners {among}; the database, which holds {rest}, was not read")
        return None, None, say(words, among=among, rest=rest)
    if not ledgers:
        return None, None, say("the ledgers of this run could not be compared")
    if len(known) < len(ledgers):
        unread = _named(kind for kind in ledgers if kind not in known)
        return None, None, say("the ledgers of {kinds} could not be compared", kinds=unread)
    return value, True, say("none among {kinds}", kinds=_named(found))


def _named(kinds: Iterable[str]) -> Said:
    return listed(named(kind, LEDGERS) for kind in kinds)
