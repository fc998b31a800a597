"""The draw of a wave from the database and back into it: `launchnight draw freeze --wave N`, `publish`, `withdraw`.

What everybody may see stands in the folder of the draw. What only we know of its tickets lies beside it, and is not
published: `FOLDER.joins.csv` for `draw test`, `FOLDER.left-out.csv` with the rules that each ticket did not fulfil.
"""

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import date, datetime
from pathlib import Path
from uuid import UUID

from service import draw_attributes
from service.actions import draws
from service.actions.draws import Drawn
from service.domain import grants
from service.domain.draws import Outcome
from service.domain.grants import TICKET, DrawRefused, Quotas
from service.domain.independence import is_odd
from service.domain.wave_plans import WavePlan
from service.draw_folder import OF_JOINS, Beacon, DrawFolder
from service.ports import Begin, Clock
from service.wave_ports import Place

ATTRIBUTES = ("joined_at", "tested_at", "device")
Told = Mapping[str, object]


async def freeze(
    begin: Begin, clock: Clock, who: str, folder: DrawFolder, wave_id: int, beacon: Beacon, age_on: date
) -> Told:
    """Close the list of a wave and commit to it; interrupted, again. Raises DrawRefused, WaveRefused, NotFound."""
    left_out: Counter[str] = Counter()
    async with draws.alone(begin, wave_id):
        plan = await draws.freeze(begin, clock, who, wave_id)
        assert plan.frozen_at is not None
        if folder.is_frozen:
            _refuse_other_words(folder, plan, beacon, clock.now())
        elif plan.commitment is not None:
            said = plan.commitment.hex()
            raise DrawRefused(f"the list of wave {wave_id} was frozen as {said}: there is one for a wave")
        else:
            lines = await _write_list(begin, folder, plan, age_on, left_out)
            quotas = Quotas(plan.seats, plan.quotas)
            folder.freeze(wave_id, lines, quotas, beacon, plan.frozen_at, origin=OF_JOINS)
        await draws.commit_to(begin, who, wave_id, folder.commitment)
    return {
        "tickets": folder.frozen["tickets"],
        "left_out": dict(left_out),
        "root": folder.frozen["root"],
        "commitment": folder.commitment.hex(),
        "next": f"publish {folder.path} and the commitment now; draw after {folder.frozen['beacon']['not_before']}",
    }


def _refuse_other_words(folder: DrawFolder, plan: WavePlan, beacon: Beacon, now: datetime) -> None:
    """Before a freeze that was interrupted is gone on with. Raises DrawRefused."""
    assert plan.frozen_at is not None
    frozen = folder.frozen
    if (frozen["wave"], frozen["frozen_at"]) != (plan.id, plan.frozen_at.isoformat()):
        raise DrawRefused(f"{folder.path} is of another freeze")
    said = Beacon(**frozen["beacon"], dice=frozen["dice"])
    if beacon != said:
        raise DrawRefused(f"{folder.path} was frozen with other words: {said}")
    if plan.commitment is None and now >= datetime.fromisoformat(said.not_before):
        raise DrawRefused("the beacon has spoken, and nothing was committed to before: freeze into another folder")


async def _write_list(
    begin: Begin, folder: DrawFolder, plan: WavePlan, age_on: date, left_out: Counter[str]
) -> list[bytes]:
    """The lines of all who are in the draw; of the others it is counted and written down why they are not."""
    lines: list[bytes] = []
    folder.path.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        about = csv.writer(stack.enter_context(_beside(folder, "joins").open("w", encoding="utf-8", newline="")))
        out = csv.writer(stack.enter_context(_beside(folder, "left-out").open("w", encoding="utf-8", newline="")))
        about.writerow(["ticket", *ATTRIBUTES])
        out.writerow(["ticket", "rules"])
        async for batch in draws.joins(begin, plan.id, plan.age_on or age_on):
            for join, rules in batch:
                if rules:
                    left_out.update(rules)
                    out.writerow([join.id.hex, " ".join(rules)])
                    continue
                lines.append(grants.line_of(join.id.bytes, join.province, priority=join.priority))
                about.writerow([join.id.hex, _instant(join.joined_at), _instant(join.assessed_at), join.device])
            _say(f"{len(lines):,} tickets")
    return lines


async def run(
    begin: Begin, clock: Clock, who: str, folder: DrawFolder, beacon: str, dice: str, withdrawn: list[bytes]
) -> None:
    """Draw the list of a wave, on the record; again with the same words it writes the same. Whoever is struck out
    meanwhile is known to the database before the folder says so. Raises as `publish`."""
    async with draws.alone(begin, folder.frozen["wave"]):
        plan = await _wave_of(begin, folder)
        seed, struck = folder.checked(beacon, dice, clock.now(), withdrawn)
        before = Drawn(plan.id, folder.commitment.hex(), seed.hex(), folder.withdrawn_digest())
        after = replace(before, withdrawn_sha256=folder.withdrawn_digest(struck))
        fresh = set(struck) - set(folder.withdrawn)
        await draws.strike(begin, who, "draw-run", before, after, [_join_of(each) for each in sorted(fresh)])
        folder.run(beacon, dice, clock.now(), withdrawn)
        await draws.ran(begin, who, after)


async def publish(begin: Begin, clock: Clock, who: str, folder: DrawFolder, about: Path | None) -> Told:
    """Write places and grants back; interrupted, again: what stands there stays.

    First the draw is checked as anybody would, and tested for depending on what it must not depend on; and two people
    must have wanted it, because nothing that was announced can be taken back.
    Raises DrawRefused, WaveRefused, NotFound.
    """
    async with draws.alone(begin, folder.frozen["wave"]):
        plan = await _wave_of(begin, folder)
        if faults := folder.faults():
            raise DrawRefused("; ".join(faults))
        found = draw_attributes.tested(folder, about or _beside(folder, "joins"))
        if is_odd(found):
            raise DrawRefused("being chosen depends on what it must not depend on: see `draw test`")
        agreed = await draws.agreement(begin, clock, who, drawn_of(folder))
        if agreed is None:
            wanted = json.dumps(asdict(drawn_of(folder)))
            raise DrawRefused(f"two of the staff have to want it: `draw-publish` of {wanted} (docs/operators.md)")
        struck_before = 0
        while struck := await draws.place(begin, clock, plan.id, places(folder), lambda done: _say(f"{done:,} places")):
            struck_before += len(struck)  # whose number has its grant already: the next in line follow
            await _strike(begin, clock, who, "draw-publish", folder, struck)
        await draws.publish(begin, plan.id, clock.now())
        by = f"{agreed.proposed_by} and {agreed.confirmed_by}"
        return {"wave": plan.id, **_counts(folder), "had_a_grant": struck_before, "wanted_by": by}


async def withdraw(begin: Begin, clock: Clock, who: str, folder: DrawFolder, tickets: list[bytes]) -> Told:
    """Strike out, in the folder and in the database; who fits moves up. On the record. Raises as `publish`.

    In the database whoever the folder has struck out is, not these alone: the others may have been struck out by
    `draw run`, or by a withdrawal that died in between, and somebody else moves up for each of them.
    """
    async with draws.alone(begin, folder.frozen["wave"]):
        plan = await _wave_of(begin, folder)
        struck = [_join_of(ticket) for ticket in tickets]
        moved: list[UUID] = []
        while struck:
            await _strike(begin, clock, who, "draw-withdraw", folder, struck)
            raised, struck = await draws.withdraw(
                begin, clock, who, plan.id, map(_join_of, folder.withdrawn), map(_join_of, folder.winners)
            )
            moved += raised
        said = {"wave": plan.id, "moved_up": [each.hex for each in moved], **_counts(folder)}
        later = {} if plan.published_at else {"next": "nothing is published yet: `draw publish` will write it all"}
        return said | later


async def _wave_of(begin: Begin, folder: DrawFolder) -> WavePlan:
    plan = await draws.find_wave(begin, folder.frozen["wave"])
    if plan.commitment is None:
        raise DrawRefused(f"the list of wave {plan.id} is not committed to yet: run `draw freeze` again")
    if plan.commitment != folder.commitment:
        raise DrawRefused(f"{folder.path} is not the list that was frozen for wave {plan.id}")
    return plan


async def _strike(begin: Begin, clock: Clock, who: str, verb: str, folder: DrawFolder, struck: list[UUID]) -> None:
    """In the folder; the database knows of it before. Raises DrawRefused where the folder holds another draw."""
    result, tickets = folder.result, [each.hex.encode() for each in struck]
    folder.checked(result["beacon"], result["dice"], clock.now(), tickets)
    await draws.strike(begin, who, verb, drawn_of(folder), drawn_of(folder, tickets), struck)
    folder.run(result["beacon"], result["dice"], clock.now(), tickets)


def drawn_of(folder: DrawFolder, struck: Iterable[bytes] = ()) -> Drawn:
    """What two people agree on when this folder is published; struck: when these are struck out too."""
    seed, withdrawn = folder.result["seed"], folder.withdrawn_digest(struck)
    return Drawn(folder.frozen["wave"], folder.commitment.hex(), seed, withdrawn)


def places(folder: DrawFolder) -> Iterator[Place]:
    """Everybody in the order of the draw, withdrawn or not."""
    chosen = {line[TICKET] for line in folder.winners}
    withdrawn = frozenset(folder.withdrawn)
    order = grants.drawn(folder.tickets, bytes.fromhex(folder.result["seed"]))
    for rank, line in enumerate(order, start=1):
        ticket = line[TICKET]
        outcome = Outcome.CHOSEN if ticket in chosen else Outcome.WAITING
        yield Place(_join_of(ticket), Outcome.WITHDRAWN if ticket in withdrawn else outcome, rank)


def _join_of(line: bytes) -> UUID:
    """Of a ticket, or of a line that begins with one. Raises DrawRefused."""
    try:
        return UUID(line[TICKET].decode())
    except ValueError:
        raise DrawRefused(f"{line[TICKET].decode(errors='replace')} is no ticket") from None


def _counts(folder: DrawFolder) -> Told:
    result = folder.result
    return {"chosen": result["winners"], "waiting": result["waiting"], "withdrawn": result["withdrawn"]}


def _beside(folder: DrawFolder, what: str) -> Path:
    return folder.path.with_name(f"{folder.path.name}.{what}.csv")


def _instant(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat()


def _say(text: str) -> None:
    print(text, file=sys.stderr)
