"""The published folder of a draw: what is frozen before the seed exists, and what follows from both.

    rules.json     seats, the most of each province, who comes first, how a seed is made
    tickets.txt    everybody's ticket, province and place on the priority list, in order of the ticket
    frozen.json    digests of both, the checkers' digests, and which beacon will be asked: published before it speaks
    withdrawn.txt  tickets struck out since, if any
    winners.txt, waiting.txt   lines of tickets.txt in the order of the draw
    result.json    beacon, dice and seed; written last

Files appear whole or not at all, and a frozen one is never written again.
"""

import json
import os
import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from service.domain import grants, merkle
from service.domain.grants import TICKET, Chosen, DrawRefused, Quotas

FORMAT = "launchnight grants 1"
CHECKERS = sorted((Path(__file__).parent / "checkers").glob("check_*"))
OF_FILE, OF_JOINS = "of a file", "of the joins"
"""Where a list came from; of the joins of its wave: what is drawn from it is known to the database."""
MOST_FAULTS = 10
PROVINCE_KEY = re.compile("[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Beacon:
    """What will be drawn from, said before it is known. not_before: ISO 8601 with its zone.

    dice: what will be thrown beside it, where, before whom; "" for none.
    """

    source: str
    round: str
    not_before: str
    dice: str = ""


@dataclass(frozen=True)
class DrawFolder:
    path: Path

    # ------------------------------------------------------------ freeze

    def freeze(
        self,
        wave: int,
        lines: Iterable[bytes],
        quotas: Quotas,
        beacon: Beacon,
        now: datetime,
        *,
        origin: str = OF_FILE,
    ) -> str:
        """Write list, rules and the commitment to both; the digest of frozen.json, which is to be published.

        lines: of `grants.line_of`, in any order. origin: OF_FILE or OF_JOINS; frozen with the rest.

        Raises DrawRefused when something is frozen here already, or no list can be drawn from.
        """
        if self.is_frozen:
            raise DrawRefused(f"{self.path} is frozen already: a list is never changed after that")
        self.path.mkdir(parents=True, exist_ok=True)
        text = _text(grants.in_order(lines))
        lines = text.split(b"\n")[:-1]  # in memory in their order: whatever goes over all of them takes less time
        _refuse_faults(lines)
        rules = {
            "format": FORMAT,
            "wave": wave,
            "seats": quotas.seats,
            "provinces": {f"{province:02d}": most for province, most in sorted(quotas.provinces.items())},
            "order": "those of the priority list first, each group by SHA-256 of seed and ticket, the smallest first",
            "waiting": "everybody else in the same order; who withdraws is struck out, and the next who fits moves up",
            "seed": "SHA-256 of four lines: this format, the SHA-256 of frozen.json, the beacon, the dice",
        }
        for checker in CHECKERS:
            self._put(checker.name, checker.read_bytes())
        self._put("tickets.txt", text)
        self._put("rules.json", _json(rules))
        frozen = {
            "format": FORMAT,
            "wave": wave,
            "list": origin,
            "frozen_at": now.isoformat(),
            "tickets": len(lines),
            "tickets_sha256": sha256(text).hexdigest(),
            "root": merkle.root_of(lines).hex(),
            "rules_sha256": self._digest("rules.json"),
            "checkers": {checker.name: self._digest(checker.name) for checker in CHECKERS},
            "beacon": {"source": beacon.source, "round": beacon.round, "not_before": beacon.not_before},
            "dice": beacon.dice,
        }
        self._put("frozen.json", _json(frozen))
        return self.commitment.hex()

    # ------------------------------------------------------------ run

    def run(self, beacon: str, dice: str, now: datetime, withdrawn: Iterable[bytes] = ()) -> Chosen:
        """Draw, and write who is chosen. Again with the same words it writes the same. Raises as `checked`."""
        seed, struck = self.checked(beacon, dice, now, withdrawn)
        chosen = grants.chosen(grants.drawn(self.tickets, seed), self._quotas(), struck)
        if struck:
            self._put("withdrawn.txt", _text(struck))
        self._put("winners.txt", _text(chosen.winners))
        self._put("waiting.txt", _text(chosen.waiting))
        told = {"beacon": beacon, "dice": dice, "seed": seed.hex(), "winners": len(chosen.winners)}
        self._put("result.json", _json({**told, "waiting": len(chosen.waiting), "withdrawn": len(struck)}))
        return chosen

    def checked(
        self, beacon: str, dice: str, now: datetime, withdrawn: Iterable[bytes] = ()
    ) -> tuple[bytes, list[bytes]]:
        """The seed of these words, and everybody who is struck out then; nothing is written.

        Raises DrawRefused when nothing is frozen, the beacon cannot have spoken yet, another draw was made here, or
        nobody has a ticket that is to be struck out.
        """
        frozen = self.frozen
        if now < datetime.fromisoformat(frozen["beacon"]["not_before"]):
            raise DrawRefused(f"the beacon speaks at {frozen['beacon']['not_before']}: whoever knows it now chose it")
        self._refuse_changed(frozen)
        _refuse_dice(frozen, dice)
        seed = grants.seed_of(self.commitment, beacon, dice)
        if (self.path / "result.json").exists() and self.result["seed"] != seed.hex():
            raise DrawRefused("another beacon or other dice were drawn from before: there is one draw for a list")
        struck = sorted(set(withdrawn) | set(self.withdrawn))
        if unknown := set(struck) - {line[TICKET] for line in self.tickets if struck}:
            raise DrawRefused(f"nobody has ticket {min(unknown).decode()}, who is to be struck out")
        return seed, struck

    # ------------------------------------------------------------ read

    def faults(self) -> list[str]:
        """Why the published draw is refused; none when everything in it follows from list, rules and seed."""
        try:
            self._refuse_changed(self.frozen)
            if merkle.root_of(self.tickets).hex() != self.frozen["root"]:
                return ["the root does not follow from tickets.txt"]
            if self.tickets != sorted(self.tickets):
                return ["tickets.txt is not in order"]
            _refuse_faults(self.tickets)
            result = self.result
            _refuse_dice(self.frozen, result["dice"])
            seed = grants.seed_of(self.commitment, result["beacon"], result["dice"])
            if seed.hex() != result["seed"]:
                return ["the seed does not follow from frozen list, beacon and dice"]
            chosen = grants.chosen(grants.drawn(self.tickets, seed), self._quotas(), self.withdrawn)
            told = {"winners.txt": chosen.winners, "waiting.txt": chosen.waiting}
            wrong = [name for name, lines in told.items() if self._lines(name) != lines]
        except (KeyError, TypeError, ValueError) as fault:
            return [str(fault)]
        return [f"{name} does not follow from list and seed" for name in wrong]

    def proof(self, ticket: str) -> dict[str, Any]:
        """What shows the holder of a ticket that it was in the list: docs/draw.md. Raises DrawRefused."""
        index = bisect_left(self.tickets, ticket.encode())
        if index == len(self.tickets) or self.tickets[index][TICKET] != ticket.encode():
            raise DrawRefused(f"ticket {ticket} is not in the list")
        levels = merkle.levels_of(self.tickets)
        return {
            "line": self.tickets[index].decode(),
            "index": index,
            "tickets": len(self.tickets),
            "root": levels[-1][0].hex(),
            "siblings": [digest.hex() for digest in merkle.proof_of(levels, index)],
        }

    @cached_property
    def tickets(self) -> list[bytes]:
        """The lines of the list. Raises DrawRefused."""
        return self._lines("tickets.txt")

    @property
    def winners(self) -> list[bytes]:
        """The lines of those who are chosen. Raises DrawRefused."""
        return self._lines("winners.txt")

    @property
    def winners_before_strikes(self) -> list[bytes]:
        """The lines of those whom the seed chose, whoever was struck out since. Raises DrawRefused."""
        if not self.withdrawn:
            return self.winners
        order = grants.drawn(self.tickets, bytes.fromhex(self.result["seed"]))
        return list(grants.chosen(order, self._quotas(), ()).winners)

    @property
    def limited_provinces(self) -> frozenset[int]:
        return frozenset(self._quotas().provinces)

    @property
    def is_frozen(self) -> bool:
        return (self.path / "frozen.json").exists()

    @property
    def is_of_joins(self) -> bool:
        """Frozen from the joins of its wave. Raises DrawRefused."""
        return self.is_frozen and self.frozen.get("list") == OF_JOINS

    @property
    def frozen(self) -> dict[str, Any]:
        return self._read("frozen.json", "nothing is frozen here: run `draw freeze` first")

    @property
    def result(self) -> dict[str, Any]:
        return self._read("result.json", "nothing was drawn here: run `draw run` first")

    @property
    def commitment(self) -> bytes:
        """The digest of frozen.json: whoever knew it before the beacon spoke can trust what follows."""
        return bytes.fromhex(self._digest("frozen.json"))

    def _quotas(self) -> Quotas:
        rules = self._read("rules.json", "rules.json is missing")
        seats, provinces = rules["seats"], dict(rules["provinces"])
        whole = all(type(number) is int for number in (seats, *provinces.values()))
        if not whole or not all(map(PROVINCE_KEY.fullmatch, provinces)):
            raise DrawRefused("rules.json is of another form")
        return Quotas(seats, {int(province): most for province, most in provinces.items()})

    def _refuse_changed(self, frozen: Mapping[str, Any]) -> None:
        """Raises DrawRefused where list or rules are not what was committed to."""
        if frozen.get("format") != FORMAT:
            raise DrawRefused("frozen.json is of another format")
        if self._digest("rules.json") != frozen["rules_sha256"]:
            raise DrawRefused("rules.json is not what was frozen")
        if len(self.tickets) != frozen["tickets"] or self._digest("tickets.txt") != frozen["tickets_sha256"]:
            raise DrawRefused("tickets.txt is not what was frozen")

    @property
    def withdrawn(self) -> list[bytes]:
        """Tickets that were struck out. Raises DrawRefused."""
        return self._lines("withdrawn.txt") if (self.path / "withdrawn.txt").exists() else []

    def withdrawn_digest(self, struck: Iterable[bytes] = ()) -> str:
        """SHA-256 of withdrawn.txt, as `sha256sum` says it (of nothing where there is none), with `struck` in it too.

        Raises DrawRefused.
        """
        return sha256(_text(sorted({*self.withdrawn, *struck}))).hexdigest()

    def _lines(self, name: str) -> list[bytes]:
        try:
            content = (self.path / name).read_bytes()
        except OSError as fault:
            raise DrawRefused(f"cannot read {name}: {fault.strerror}") from None
        if content and not content.endswith(b"\n"):
            raise DrawRefused(f"{name} is cut off")
        return content.split(b"\n")[:-1]

    def _read(self, name: str, missing: str) -> dict[str, Any]:
        try:
            document = json.loads((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise DrawRefused(missing) from None
        except (OSError, ValueError) as fault:
            raise DrawRefused(f"cannot read {name}: {fault}") from None
        if not isinstance(document, dict):
            raise DrawRefused(f"{name} is no object")
        return document

    def _digest(self, name: str) -> str:
        try:
            return sha256((self.path / name).read_bytes()).hexdigest()
        except OSError as fault:
            raise DrawRefused(f"cannot read {name}: {fault.strerror}") from None

    def _put(self, name: str, content: bytes) -> None:
        draft = self.path / f".{name}.{os.getpid()}"
        try:
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.path / name)
        finally:
            draft.unlink(missing_ok=True)


def _refuse_dice(frozen: Mapping[str, Any], dice: str) -> None:
    """Whoever could add dice after the beacon has spoken would try them until the winners please."""
    if bool(dice) != bool(frozen["dice"]):
        said = f"announced: {frozen['dice']}" if frozen["dice"] else "none were announced when the list was frozen"
        raise DrawRefused(f"the dice are not as announced: {said}")


def _refuse_faults(lines: Sequence[bytes]) -> None:
    if faults := list(islice(grants.faults_of_list(lines), MOST_FAULTS)):
        raise DrawRefused("the list cannot be drawn from: " + "; ".join(faults))


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def _text(lines: Sequence[bytes]) -> bytes:
    return b"\n".join(lines) + b"\n" * bool(lines)
