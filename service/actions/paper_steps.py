"""The way of papers after they were typed: steps that operators record, and invitations that they ask for."""

from dataclasses import dataclass
from uuid import UUID

from service.actions.staff import at_the_shell, entry
from service.domain.errors import NotFound
from service.domain.paper_states import BY_HAND, CLAIM_LIFE, MOST_FAILURES, PaperState
from service.ports import Begin, Clock, Transaction

QUEUE = "invitation"
STEP_VERBS = {PaperState.FORWARDED: "forward", PaperState.RECEIVED: "receive"}
"""How operators type the steps that are recorded by hand."""
AT_ONCE = 500
"""People of one transaction: it holds a counter of the queue, or as many rows, for a tenth of a second."""


@dataclass(frozen=True, slots=True)
class Invited:
    """people: invitations that were put in the queue. is_full: it takes no more for now, and people are left."""

    people: int
    is_full: bool


async def move_papers(begin: Begin, who: str, office: str, to: PaperState) -> int:
    """Record that the papers of an office came one step further, and that `who` did; how many did. Again it finds none.

    Interrupted it has moved some, and moves the others when it is asked again. Raises NotFound.
    """
    moved, found = 0, AT_ONCE
    while found == AT_ONCE:
        async with begin() as tx:
            office_id = await _office_id(tx, office)
            found = await tx.paper.move(office_id, BY_HAND[to], to, most=AT_ONCE)
            await _note(tx, who, f"paper-{STEP_VERBS[to]}", office, found)
        moved += found
    return moved


async def invite(begin: Begin, clock: Clock, who: str, office: str, *, limit: int) -> Invited:
    """Put an invitation in the queue for everybody of an office who is to have one, on the record; again it finds none.

    limit: of the queue; negative: none. Interrupted it goes on where it was. Raises NotFound.
    """
    people = 0
    for step in (PaperState.RECEIVED, PaperState.ACCOUNT_INVITED):
        after, found = 0, AT_ONCE
        while found == AT_ONCE:
            async with begin() as tx:
                asked, found, after = await _invite_some(tx, clock, office, step, after, limit)
                await _note(tx, who, "paper-invite", office, asked)
            people += asked
            if asked < found:
                return Invited(people, is_full=True)
    return Invited(people, is_full=False)


async def _invite_some(
    tx: Transaction, clock: Clock, office: str, step: int, after: int, limit: int
) -> tuple[int, int, int]:
    """How many of the next people at a step found room in the queue, how many there were, and the last one's id."""
    now = clock.now()
    office_id = await _office_id(tx, office)
    found = await tx.paper.invitable(office_id, step, after, now, most=AT_ONCE, failures=MOST_FAILURES)
    asked = []
    for person, generation in found:
        payload = {"paper": person, "generation": generation + 1}
        if not await tx.queue.enqueue(QUEUE, f"{person}-{generation + 1}", payload, limit=limit):
            break
        asked.append(person)
    await tx.paper.ask(asked, now, now + CLAIM_LIFE)
    return len(asked), len(found), found[-1][0] if found else after


async def _note(tx: Transaction, who: str, verb: str, office: str, people: int) -> None:
    """In the transaction that does it, if anything."""
    if people:
        after = {"people": people}
        await tx.staff.note(entry(at_the_shell(who), verb, "done", None, asked={"office": office}, after=after))


async def _office_id(tx: Transaction, name: str) -> UUID:
    office = await tx.paper.hold_office(name)
    if office is None:
        raise NotFound(f"There is no labor office {name}.")
    return office.id
