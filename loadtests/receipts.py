"""What the service told the applicants: ids it acknowledged, and requests it never answered.

Kept before and after each call, so that a request whose answer was lost is known as *unanswered*: the database may hold
its effect or not, and either is right. An acknowledged id must be there.
"""

import json
from collections.abc import Iterable, Mapping
from typing import IO, NamedTuple

KINDS = ("accounts", "codes", "identity_checks", "photos", "joins")
MAY_HAVE_DONE = {"accounts": 1, "codes": 2, "identity_checks": 2, "photos": 2, "joins": 1}
"""What one person may have brought about on a worker that was lost before it told: within the second or so between two
reports nobody signs in a third time, corrects identity data twice, or finishes a third photo."""


class Told(NamedTuple):
    """Receipts of one process, as a message carries them."""

    acknowledged: dict[str, str]
    """By kind: JSON strings with commas between them, the ids that are new since the last time."""
    unanswered: dict[str, int]
    """By kind: all effects that were asked for and are not known to be there, so far."""


class _Person:
    """What one person was told, and what she is still owed an answer to."""

    __slots__ = ("doubtful", "open", "told")

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.open: list[tuple[str, object]] = []
        self.doubtful: list[tuple[str, object]] = []


class Receipts:
    """The receipts of one process. An *effect* names what a request is to bring about, whatever the number of tries.

    One that is a tuple begins with whose it is: a receipt may be told again to its owner, for whatever effect.
    """

    def __init__(self) -> None:
        self._people: dict[object, _Person] = {}
        self._fresh: dict[str, list[str]] = {kind: [] for kind in KINDS}
        self._unanswered = dict.fromkeys(KINDS, 0)

    def asked(self, kind: str, effect: object) -> None:
        """A request for the effect is about to be sent."""
        person = self._people.get(_owner(effect))
        if person is None:
            person = self._people[_owner(effect)] = _Person()
        if (kind, effect) not in person.open:
            person.open.append((kind, effect))
            self._unanswered[kind] += 1

    def acknowledged(self, kind: str, effect: object, receipt: str) -> None:
        """The service said that the effect is there, under the id `receipt`."""
        person = self._people.setdefault(_owner(effect), _Person())
        self._settle(person, kind, effect)
        if (kind, effect) in person.doubtful:
            person.doubtful.remove((kind, effect))
        if (kind, receipt) not in person.told:
            person.told.append((kind, receipt))
            self._fresh[kind].append(receipt)

    def declined(self, kind: str, effect: object) -> None:
        """The service said no; an earlier try without an answer may still have had the effect."""
        person = self._people.get(_owner(effect))
        if person is not None and (kind, effect) not in person.doubtful:
            self._settle(person, kind, effect)

    def unanswered(self, kind: str, effect: object) -> None:
        """No answer, or one that does not say whether the effect is there."""
        person = self._people.setdefault(_owner(effect), _Person())
        if (kind, effect) not in person.doubtful:
            person.doubtful.append((kind, effect))

    def forget(self, owner: object) -> None:
        """Nothing more is told to this person: what stayed unanswered stays so."""
        self._people.pop(owner, None)

    def news(self) -> Told:
        """What is to be told since the last time."""
        fresh, self._fresh = self._fresh, {kind: [] for kind in KINDS}
        return Told({kind: json.dumps(ids)[1:-1] for kind, ids in fresh.items() if ids}, dict(self._unanswered))

    def _settle(self, person: _Person, kind: str, effect: object) -> None:
        if (kind, effect) in person.open:
            person.open.remove((kind, effect))
            self._unanswered[kind] -= 1


def _owner(effect: object) -> object:
    return effect[0] if isinstance(effect, tuple) else effect


class Collected:
    """The receipts of all processes. Ids of two million people fill hundreds of MB: they stay the text they were."""

    def __init__(self) -> None:
        self._acknowledged: dict[str, list[str]] = {kind: [] for kind in KINDS}
        self._unanswered: dict[object, Mapping[str, int]] = {}
        self._lost = dict.fromkeys(KINDS, 0)

    def take(self, process: object, acknowledged: Mapping[str, str], unanswered: Mapping[str, int]) -> None:
        """A process's news."""
        for kind, ids in acknowledged.items():
            self._acknowledged[kind].append(ids)
        self._unanswered[process] = unanswered

    def give_up(self, people: int) -> None:
        """So many people's worker was lost: what they were told last, nobody knows."""
        for kind, most in MAY_HAVE_DONE.items():
            self._lost[kind] += most * people

    def unanswered(self, kind: str) -> int:
        """Effects of this kind that may be there or not."""
        return self._lost[kind] + sum(counts[kind] for counts in self._unanswered.values())

    def write(self, file: IO[bytes]) -> None:
        """The content of receipts.json; an id stands there once for each owner: twice if two were told the same."""
        for line in self._lines():
            file.write(line.encode())

    def _lines(self) -> Iterable[str]:
        before = "{"
        for kind in KINDS:
            yield f'{before}"{kind}": {{"acknowledged": ['
            for number, ids in enumerate(self._acknowledged[kind]):
                yield f", {ids}" if number else ids
            yield f'], "unanswered": {self.unanswered(kind)}}}'
            before = ", "
        yield "}"
