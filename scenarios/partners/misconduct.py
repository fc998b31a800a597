"""Partners that misbehave: they err, hang, cut the line, answer nonsense or for somebody else, deliver twice.

What a call meets depends on the seed, its key and how often that key has come, and on nothing else: the same key sent
again has other luck, as with a partner that is out of order now and then.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

from scenarios.json_bodies import BodyFault, Refused

PARTNERS = ("civil_registry", "email", "sms", "announcement", "payout")
LONGEST_HANG = 120.0
"""Seconds; every caller has given up by then."""


class Act(Enum):
    ERROR = "error"
    """Nothing is done; answered by 500."""
    HANG = "hang"
    """Nothing is done, nothing is answered."""
    CUT = "cut"
    """Done, and the connection is cut before the answer."""
    GARBLE = "garble"
    """Done; the answer ends in the middle."""
    SWAP = "swap"
    """Done; the answer is that to another call, as its Idempotency-Key says."""
    TWICE = "twice"
    """Done; a message is delivered twice."""


@dataclass(frozen=True, slots=True)
class Misconduct:
    """Shares of the calls of one partner, together at most 1; and seconds by which every answer is late."""

    error: float = 0.0
    hang: float = 0.0
    cut: float = 0.0
    garble: float = 0.0
    swap: float = 0.0
    twice: float = 0.0
    late_s: float = 0.0

    def act(self, u: float) -> Act | None:
        """What a call with the luck `u`, uniform in [0, 1), meets; None: nothing out of order."""
        for act in Act:
            share: float = getattr(self, act.value)
            if u < share:
                return act
            u -= share
        return None


WELL = Misconduct()


class Conduct:
    """How each partner behaves now, and the luck of each call."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._come: dict[str, int] = {}
        self.of: dict[str, Misconduct] = dict.fromkeys(PARTNERS, WELL)

    def act(self, partner: str, key: str) -> Act | None:
        now = self.of[partner]
        if now == WELL:
            return None
        number = self._come.get(key, 0)
        self._come[key] = number + 1
        digest = hashlib.blake2b(f"{self._seed}/{partner}/{number}/{key}".encode(), digest_size=6).digest()
        return now.act(int.from_bytes(digest, "big") / 2.0**48)

    def change(self, body: Mapping[str, Any]) -> None:
        """What `body` names, whole; whoever is not in it behaves. Raises Refused (422) with every fault."""
        faults = [BodyFault(name, "unknown", f"known: {', '.join(PARTNERS)}") for name in body if name not in PARTNERS]
        new = {name: _read(name, value, faults) for name, value in body.items() if name in PARTNERS}
        if faults:
            raise Refused(422, "invalid-misconduct", faults)
        self.of = dict.fromkeys(PARTNERS, WELL) | new


def _read(partner: str, value: object, faults: list[BodyFault]) -> Misconduct:
    known = [field.name for field in fields(Misconduct)]
    if not isinstance(value, dict):
        faults.append(BodyFault(partner, "invalid", f"must be an object; known: {', '.join(known)}"))
        return WELL
    for name, figure in value.items():
        most = LONGEST_HANG if name == "late_s" else 1.0
        if name not in known:
            faults.append(BodyFault(f"{partner}.{name}", "unknown", f"known: {', '.join(known)}"))
        elif isinstance(figure, bool) or not isinstance(figure, int | float) or not 0 <= figure <= most:
            faults.append(BodyFault(f"{partner}.{name}", "invalid", f"must be a number from 0 to {most:g}"))
        elif sum(value[act.value] for act in Act if isinstance(value.get(act.value), int | float)) > 1.0:
            faults.append(BodyFault(partner, "invalid", "the shares must be at most 1 together"))
            break
    return WELL if faults else Misconduct(**value)
