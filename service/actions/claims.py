"""Claiming: an invited ticket is exchanged for a pass as soon as the limit lets its holder in.

Whoever is invited and claims waits at the gate, in order of place, among those of all replicas. The gatekeeper grants a
number of admissions twenty times a second; a claim spends what is granted and not spent, its tick lets in who waits.
Nobody holds a connection while waiting: the answer says when to claim again, and finds the pass then.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from service.actions.batching import Batcher
from service.actions.once import Once
from service.actions.place import place_of, score
from service.actions.tickets import read_ticket, sign_pass
from service.domain import gate as rules
from service.domain import waiting_room
from service.domain.errors import TicketInvalid, TurnNotReached
from service.domain.tickets import Shown
from service.ports import Begin, Ports, StoredAnswer, Transaction
from service.room_ports import ClaimAnswer, Claimant, Claims, FoundPass, HeldGate, Room

MOST = 64
"""Claims in one batch: it holds the gate for some milliseconds."""
MOST_BEHIND = 3.0
"""Seconds by which this replica's copy of the room may be older than another's: its refresh of a second, come late."""
LEASE_MS = int(rules.LEASE * 1000)


@dataclass(frozen=True, slots=True)
class ClaimedPass:
    """`pass` on the wire."""

    value: str
    expires_at: datetime
    """An instant: claimed again, the answer is the same to the byte."""


async def claim_pass(ports: Ports, once: Once, room: Room, shown: Shown, place_token: str = "") -> StoredAnswer:
    """A pass for an invited ticket; claiming again finds the same pass while it lives. Raises TurnNotReached.

    place_token: of the answer that said "come in", by which the promised wait is judged.
    """
    now = ports.clock.now()
    number = read_ticket(ports.vault, shown, room).number
    place = room.place_of(number)
    # Near its turn the room itself is asked: another replica, whose copy is younger, may just have said "come in".
    # Before the draw a number is no place, wherever the frontier stands.
    near = room.is_drawn and waiting_room.may_claim(place, room.frontier + room.rate_per_s * MOST_BEHIND)
    answer = await ports.claims(Claimant(number, place, room.epoch)) if near else ClaimAnswer(None)
    if answer.stale:
        raise TicketInvalid("Take a ticket by POST /tickets.")
    if answer.found is None:
        retry = answer.retry_s if answer.retry_s >= 0.0 else place_of(ports, room, number, now).poll_after_s
        raise TurnNotReached(retry_after_s=retry, poll_after_s=round(retry, 2))
    if answer.found.first:
        ports.reached("admitted")
        score(ports, number, place_token, now)
    expires_at = answer.found.pass_until.replace(microsecond=0)
    value = sign_pass(ports.vault, room, number, int(expires_at.timestamp()))
    return once.unstored(ClaimedPass(value, expires_at))


def claims_on(begin: Begin) -> Claims:
    """Claims of one replica, done together."""

    async def perform(claimants: Sequence[Claimant]) -> Sequence[ClaimAnswer]:
        return await claim_together(begin, claimants)

    return Batcher(perform, most=MOST)


async def claim_together(begin: Begin, claimants: Sequence[Claimant]) -> Sequence[ClaimAnswer]:
    """The answers to claims, in their order; all of them, or none, were done."""
    async with begin() as tx:
        gate = await tx.gate.hold()
        retries = {
            each.number: retry_s(gate, each)
            for each in claimants
            if each.epoch == gate.epoch and waiting_room.may_claim(each.place, gate.frontier)
        }
        invited = sorted({each.number: each for each in claimants if each.number in retries}.values(), key=_by_number)
        passes = await _let_in(tx, gate, invited, retries) if invited else {}
    answers = []
    for each in claimants:
        found = passes.get(each.number)
        answers.append(ClaimAnswer(found, retries.get(each.number, -1.0), stale=each.epoch != gate.epoch))
        if found is not None:  # of two tabs that ask at once one is told first
            passes[each.number] = replace(found, first=False)
    return answers


def _by_number(claimant: Claimant) -> int:
    return claimant.number


def retry_s(gate: HeldGate, claimant: Claimant) -> float:
    before = rules.pending_before(claimant.place, gate.pending, gate.pending_from, gate.pending_to)
    return rules.claim_retry_s(claimant.number, before, gate.rate_per_s)


async def _let_in(
    tx: Transaction, gate: HeldGate, invited: Sequence[Claimant], retries: dict[int, float]
) -> dict[int, FoundPass]:
    numbers = [each.number for each in invited]
    untils = [rules.waits_until_ms(gate.at_ms, retries[number]) for number in numbers]
    await tx.gate.put(numbers, [each.place for each in invited], untils)
    if gate.free:
        await tx.gate.admit(
            at_ms=gate.at_ms, admitted=gate.admitted, free=gate.free, life_s=rules.PASS_LIFE, lease_ms=LEASE_MS
        )
    return {found.number: found for found in await tx.gate.collect(numbers)}
