"""The draw of a wave and the database: the list that is drawn from, and what became of it.

The list is frozen once. Places and grants come back in batches, a transaction each: interrupted, it is simply done
again, because what stands there stays.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from itertools import islice
from typing import TypeVar
from uuid import UUID

from service.actions.staff import at_the_shell, entry
from service.domain.draws import Outcome
from service.domain.eligibility import Rule, failed
from service.domain.errors import NotFound
from service.domain.grants import DrawRefused
from service.domain.wave_errors import WaveRefused
from service.domain.wave_plans import WavePlan
from service.ports import Begin, Clock
from service.staff_ports import Proposal
from service.wave_ports import ListedJoin, Place

T = TypeVar("T")
BATCH = 5_000
"""Places in one transaction: half a second, so that nobody who joins the next wave waits long for a lock."""
Say = Callable[[int], None]
"""Told after each batch how many are done."""

ANOTHER = "the wave is published by another draw: another seed, or people who were struck out by hand"


@dataclass(frozen=True, slots=True)
class Drawn:
    """From what all places follow, and so what two people agree on. Digests in hexadecimal."""

    wave: int
    commitment: str
    """To list and rules."""
    seed: str
    """Of the commitment, the beacon's word and the dice."""
    withdrawn_sha256: str
    """Of those who were struck out."""


async def find_wave(begin: Begin, wave_id: int) -> WavePlan:
    """Raises NotFound."""
    async with begin(single=True) as tx:
        plan = await tx.wave_plans.find(wave_id)
    if plan is None:
        raise NotFound(f"There is no wave {wave_id}.")
    return plan


async def freeze(begin: Begin, clock: Clock, who: str, wave_id: int) -> WavePlan:
    """Nobody joins from now on, and nothing that the draw depends on changes; again it finds what it did.
    It is on the record.

    Raises NotFound, WaveRefused.
    """
    plan = await find_wave(begin, wave_id)
    if plan.seats == 0:
        raise WaveRefused(f"Wave {wave_id} has no seats: set them first.")
    if plan.frozen_at is not None:
        return plan
    async with begin() as tx:
        if await tx.draws.freeze(wave_id, clock.now()):
            await tx.staff.note(entry(at_the_shell(who), "draw-freeze", "begun", None, asked={"wave": wave_id}))
    plan = await find_wave(begin, wave_id)
    if plan.frozen_at is None:
        raise WaveRefused(f"Wave {wave_id} is open until {plan.closes_at.isoformat()}.")
    return plan


async def commit_to(begin: Begin, who: str, wave_id: int, commitment: bytes) -> None:
    """Remember the digest of the list, which is on the record. Raises WaveRefused when there is another one."""
    async with begin() as tx:
        before = await tx.wave_plans.find(wave_id)
        if not await tx.draws.commit_to(wave_id, commitment):
            raise WaveRefused(f"Another list was frozen for wave {wave_id}: there is one for a wave.")
        outcome = "unchanged" if before is not None and before.commitment is not None else "done"
        after = {"commitment": commitment.hex()}
        await tx.staff.note(
            entry(at_the_shell(who), "draw-freeze", outcome, None, asked={"wave": wave_id}, after=after)
        )


async def joins(
    begin: Begin, wave_id: int, age_on: date
) -> AsyncIterator[Sequence[tuple[ListedJoin, tuple[Rule, ...]]]]:
    """Everybody who joined, with the rules that each does not fulfil, which are kept: whoever asks why they were left
    out is told what held then. age_on: the day on which age counts.
    """
    async with begin() as tx:
        async for batch in tx.draws.joins(wave_id):
            found = [(join, failed(join.facts, age_on)) for join in batch]
            await _leave_out(begin, {join.id: broken for join, broken in found if broken})
            yield found


async def _leave_out(begin: Begin, rules: Mapping[UUID, tuple[Rule, ...]]) -> None:
    if rules:
        async with begin() as tx:
            await tx.draws.leave_out(rules)


@asynccontextmanager
async def alone(begin: Begin, wave_id: int) -> AsyncIterator[None]:
    """Nobody else freezes, draws, publishes or withdraws in this wave meanwhile: what one reads of a folder the other
    would change.

    Raises WaveRefused.
    """
    of_files: OSError | None = None
    async with begin() as tx:
        if not await tx.draws.hold(wave_id):
            raise WaveRefused(f"Another one is at work on the draw of wave {wave_id}: wait until it has ended.")
        try:
            yield
        except OSError as fault:  # of the folder; in here it would be taken for the network's
            of_files = fault
    if of_files is not None:
        raise of_files


async def place(
    begin: Begin, clock: Clock, wave_id: int, places: Iterable[Place], say: Say = lambda done: None
) -> list[UUID]:
    """Write places and grants; who was struck out keeps none. Returns the chosen who cannot have a grant: they count as
    withdrawn.

    Their number has one already, perhaps by another wave where they moved up meanwhile. The next in line follow when
    these are struck out of the draw.
    """
    now = clock.now()
    struck: list[UUID] = []
    done = 0
    for batch in _batches(places):
        async with begin() as tx:
            chosen = [each.join_id for each in batch if each.outcome == Outcome.CHOSEN]
            refused = frozenset(await tx.draws.grant(chosen)) if chosen else frozenset()
            kept = [replace(each, outcome=Outcome.WITHDRAWN) if each.join_id in refused else each for each in batch]
            await tx.draws.place(wave_id, kept)
            await tx.draws.strike([each.join_id for each in kept if each.outcome == Outcome.WITHDRAWN], now)
        struck += refused
        done += len(batch)
        say(done)
    return struck


async def agreement(begin: Begin, clock: Clock, who: str, drawn: Drawn) -> Proposal | None:
    """By whom of the staff the publication of just this draw was proposed and confirmed; None: it was not.

    From then on the wave has this seed. Begun, it may be gone on with after strikes that are on the record. It is on
    the record that `who` begins to publish, or was refused. Raises DrawRefused where another draw was begun.
    """
    wanted, withdrawn = asdict(drawn), bytes.fromhex(drawn.withdrawn_sha256)
    found = None
    async with begin() as tx:
        seed, known = await tx.draws.hold_drawn(drawn.wave)
        another = seed is not None and seed.hex() != drawn.seed
        if not another:
            confirmed = known[0].hex() if withdrawn in known else drawn.withdrawn_sha256
            found = await tx.staff.use("draw-publish", {**wanted, "withdrawn_sha256": confirmed}, clock.now())
        if found is not None:
            await tx.draws.keep_drawn(drawn.wave, bytes.fromhex(drawn.seed), withdrawn)
        outcome = "refused" if found is None else "begun"
        by = {} if found is None else {"by": [found.proposed_by, found.confirmed_by]}
        await tx.staff.note(entry(at_the_shell(who), "draw-publish", outcome, None, asked=wanted, **by))
    if another:
        raise DrawRefused(ANOTHER)
    return found


async def strike(begin: Begin, who: str, verb: str, before: Drawn, after: Drawn, struck: Sequence[UUID]) -> None:
    """Before these are struck out of a folder, or it is drawn: that it will be is on the record, and the folder that
    comes of it may be published on. before, after: the folder's draw without and with them.

    Raises DrawRefused when the wave is published by another draw, or people were struck out by another way.
    """
    async with begin() as tx:
        seed, known = await tx.draws.hold_drawn(before.wave)
        if seed is not None:
            if seed.hex() != before.seed or bytes.fromhex(before.withdrawn_sha256) not in known:
                raise DrawRefused(ANOTHER)
            await tx.draws.keep_drawn(before.wave, seed, bytes.fromhex(after.withdrawn_sha256))
        await tx.staff.note(entry(at_the_shell(who), verb, "begun", None, asked=_struck(before.wave, struck)))


async def ran(begin: Begin, who: str, drawn: Drawn) -> None:
    """A folder was drawn; on the record."""
    async with begin(single=True) as tx:
        await tx.staff.note(entry(at_the_shell(who), "draw-run", "done", None, after=asdict(drawn)))


def _struck(wave_id: int, tickets: Sequence[UUID]) -> dict[str, object]:
    return {"wave": wave_id, "struck": [each.hex for each in tickets]}


async def publish(begin: Begin, wave_id: int, at: datetime) -> None:
    """All places stand there: from now on, or from the day of the announcement, people are told."""
    async with begin(single=True) as tx:
        await tx.draws.publish(wave_id, at)


async def withdraw(
    begin: Begin, clock: Clock, who: str, wave_id: int, struck: Iterable[UUID], chosen: Iterable[UUID]
) -> tuple[list[UUID], list[UUID]]:
    """Strike out, and raise those of `chosen` who wait; on the record. Only places that were published change.
    struck: everybody whom the folder has struck out; on the record are those who had a place or a grant until now.

    Returns who has moved up, and who cannot have a grant: strike these out next.
    """
    now, by = clock.now(), at_the_shell(who)
    raised: list[UUID] = []
    refused: list[UUID] = []
    for batch in _batches(struck):
        async with begin() as tx:
            changed = await tx.draws.strike(batch, now)
            outcome = "done" if changed else "unchanged"
            await tx.staff.note(entry(by, "draw-withdraw", outcome, None, asked=_struck(wave_id, changed)))
    for batch in _batches(chosen):
        async with begin() as tx:
            risen = await tx.draws.raise_waiting(batch)
            ungranted = await tx.draws.grant(risen) if risen else ()
            if ungranted:
                await tx.draws.strike(ungranted, now)
            moved = [join_id for join_id in risen if join_id not in ungranted]
            if moved:
                after = {"moved_up": [each.hex for each in moved]}
                await tx.staff.note(entry(by, "draw-withdraw", "done", None, asked={"wave": wave_id}, after=after))
        refused += ungranted
        raised += moved
    return raised, refused


def _batches(things: Iterable[T]) -> Iterable[list[T]]:
    left = iter(things)
    while batch := list(islice(left, BATCH)):
        yield batch
