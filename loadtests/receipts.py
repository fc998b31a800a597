"""What the service told the applicants: ids it acknowledged, and requests it never answered.

Kept before and after each call, so that a request whose answer was lost is known as *unanswered*: the database may hold
its effect or not, and either is right. An acknowledged id must be there.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

KINDS = ("accounts", "codes", "identity_checks", "photos", "joins")

Packed = dict[str, dict[str, Any]]


class Receipts:
    """The receipts of one process. An *effect* names what a request is to bring about, whatever the number of tries.

    One that is a tuple begins with whose it is: a receipt may be told again to its owner, for whatever effect.
    """

    def __init__(self) -> None:
        self._acknowledged: dict[str, dict[tuple[str, object], None]] = {kind: {} for kind in KINDS}
        """Receipts with their owners, in the order in which they were first told."""
        self._open: dict[str, set[object]] = {kind: set() for kind in KINDS}
        self._doubtful: set[tuple[str, object]] = set()

    def asked(self, kind: str, effect: object) -> None:
        """A request for the effect is about to be sent."""
        self._open[kind].add(effect)

    def acknowledged(self, kind: str, effect: object, receipt: str) -> None:
        """The service said that the effect is there, under the id `receipt`."""
        self._settle(kind, effect)
        owner = effect[0] if isinstance(effect, tuple) else effect
        self._acknowledged[kind][receipt, owner] = None

    def declined(self, kind: str, effect: object) -> None:
        """The service said no; an earlier try without an answer may still have had the effect."""
        if (kind, effect) not in self._doubtful:
            self._open[kind].discard(effect)

    def unanswered(self, kind: str, effect: object) -> None:
        """No answer, or one that does not say whether the effect is there."""
        self._doubtful.add((kind, effect))

    def pack(self) -> Packed:
        """All of it as JSON values; an id stands there once for each owner: twice only when two were told the same."""
        return {
            kind: {
                "acknowledged": [receipt for receipt, _ in self._acknowledged[kind]],
                "unanswered": len(self._open[kind]),
            }
            for kind in KINDS
        }

    def _settle(self, kind: str, effect: object) -> None:
        self._open[kind].discard(effect)
        self._doubtful.discard((kind, effect))


def merged(parts: Iterable[Mapping[str, Mapping[str, Any]]]) -> Packed:
    """The receipts of all processes together."""
    whole: Packed = {kind: {"acknowledged": [], "unanswered": 0} for kind in KINDS}
    for part in parts:
        for kind in KINDS:
            whole[kind]["acknowledged"] += part[kind]["acknowledged"]
            whole[kind]["unanswered"] += part[kind]["unanswered"]
    return whole


def text(packed: Packed) -> bytes:
    """The content of receipts.json."""
    return json.dumps(packed).encode()
